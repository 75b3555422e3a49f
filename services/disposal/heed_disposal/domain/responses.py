"""Response cases: later petitions of a warned cell join its case, and so do further warnings on it.

A cell has at most one open response case. A petition joins the one of the narrowest region that
holds it. Each keeps its own clocks and duties; joining only puts it where it is dealt with.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from heed_disposal.domain.case import Case, Step
from heed_disposal.domain.handbook import Handbook
from heed_disposal.domain.opening import WarningFacts, follow_level
from heed_disposal.domain.terms import LEVEL_TITLES, SERVICE, State, Track
from heed_shared.reference.regions import prefix_of

JOIN, LEAVE, JOIN_WARNING = "join_response", "leave_response", "join_warning"
"""Names of the steps in the history."""


@dataclass(frozen=True)
class Response:
    """An open response case, as far as joining needs it."""

    name: str
    region_code: str
    category_code: str
    opened_at: datetime
    state: State

    def covers(self, case: Case) -> bool:
        """Say whether a case lies in its cell."""
        return case.category_code == self.category_code and case.handling_region.startswith(
            prefix_of(self.region_code)
        )


def nearest(case: Case, responses: Iterable[Response]) -> Response | None:
    """Return the response case that a case belongs to: of the narrowest region, the oldest.

    Only an open appeal or request belongs to one: nothing else is counted by warnings.
    """
    if case.track is not Track.APPEAL or not case.open:
        return None
    around = [response for response in responses if response.covers(case)]
    return min(around, key=lambda r: (-len(prefix_of(r.region_code)), r.opened_at), default=None)


def join(case: Case, response: Response, now: datetime) -> Case:
    """Return the case as a child of a response case."""
    joined = replace(case, parent=response.name)
    return _stepped(joined, JOIN, "同一地区、同一类别已在预警处置,并入办理", now)


def leave(case: Case, now: datetime) -> Case:
    """Return the case without its response case, because it lies in another cell now."""
    return _stepped(replace(case, parent=""), LEAVE, "分类更正,退出预警处置", now)


def joined_step(response: Response, count: int, now: datetime) -> Step:
    """Return what the history of a response case says of petitions that joined: how many."""
    note = f"新到信访事项{count}件并入办理"
    return Step(JOIN, response.state, response.state, now, SERVICE, note)


def join_warning(case: Case, facts: WarningFacts, now: datetime, handbook: Handbook) -> Case:
    """Return an open response case that answers for one more warning on its cell."""
    note = f"同一单元再次预警({LEVEL_TITLES[facts.level]}),并入本案处置"
    joined = replace(case, joined_warnings=(*case.joined_warnings, facts.warning))
    return follow_warning(_stepped(joined, JOIN_WARNING, note, now), facts, now, handbook)


def follow_warning(case: Case, facts: WarningFacts, now: datetime, handbook: Handbook) -> Case:
    """Return a response case after the level of one of its warnings was told.

    Where it answers for several, the highest counts: a lower one changes nothing.
    """
    known = case.assessment
    if case.joined_warnings and known is not None and facts.level <= known.level:
        return case
    return follow_level(case, facts, now, handbook)


def warnings_of(case: Case) -> tuple[str, ...]:
    """Return all warnings that a response case answers for, the latest last."""
    return (case.warning, *case.joined_warnings) if case.warning else ()


def _stepped(case: Case, action: str, note: str, now: datetime) -> Case:
    step = Step(action, case.state, case.state, now, SERVICE, note, unit=case.unit)
    return replace(case, updated_at=now, steps=(*case.steps, step))
