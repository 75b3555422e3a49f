"""Proposes anew what the growth of an incident grades differently, for the cases of before too."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from heed_disposal.application.ports import Change
from heed_disposal.domain.assessment import Growth, reaches_grade
from heed_disposal.domain.case import Case
from heed_disposal.domain.handbook import Handbook
from heed_disposal.domain.opening import follow_growth


def may_grow(known: Mapping[str, Growth], joining: Mapping[str, int]) -> list[str]:
    """Return the incidents that would reach another grade if all these matters joined them."""
    grown = []
    for incident, count in joining.items():
        before = known.get(incident, Growth())
        after = Growth(before.matters + count, before.recent + count)
        if reaches_grade(before, after):
            grown.append(incident)
    return grown


def with_growth(
    changes: Sequence[Change],
    present: Iterable[Case],
    before: Mapping[str, Growth],
    after: Mapping[str, Growth],
    handbook: Handbook,
    now: datetime,
) -> list[Change]:
    """Return the changes with those that follow for other cases of incidents that grew."""
    grown = {
        incident: growth
        for incident, growth in after.items()
        if reaches_grade(before.get(incident, Growth()), growth)
    }
    changed = {change.after.key for change in changes}
    others = [Change(case, case) for case in present if case.key not in changed]
    return [_followed(change, grown, handbook, now) for change in (*changes, *others)]


def _followed(
    change: Change, grown: Mapping[str, Growth], handbook: Handbook, now: datetime
) -> Change:
    case = change.after
    if case.incident not in grown:
        return change
    followed = follow_growth(case, grown[case.incident], now, handbook)
    return Change(change.before, followed, change.traceparent)
