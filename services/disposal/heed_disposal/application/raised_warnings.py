"""Follows the warning service: a warning becomes one response case with the clock of its level."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from heed_disposal.application.changes import record
from heed_disposal.application.ports import CaseStore, Change
from heed_disposal.domain.case import Case
from heed_disposal.domain.handbook import Handbook
from heed_disposal.domain.opening import (
    Opening,
    WarningFacts,
    follow_level,
    note_resolved,
    open_from_warning,
)
from heed_shared import telemetry


@dataclass(frozen=True)
class WarningNews:
    """One event of a warning: its facts, or None when it has ended."""

    warning: str
    facts: WarningFacts | None
    happened_at: datetime
    traceparent: str = ""


@dataclass(frozen=True)
class FollowWarnings:
    """The use case."""

    handbook: Handbook
    new_uid: Callable[[datetime], UUID]

    async def __call__(self, store: CaseStore, news: Sequence[WarningNews], now: datetime) -> None:
        """Bring the response cases in line, event by event; the same again changes nothing."""
        present = await store.of_warnings({item.warning for item in news})
        told = await store.told_resolved([case.key for case in present.values()])
        for item in news:
            before = present.get(item.warning)
            if item.facts is None and before is not None:
                if before.key in told:
                    continue
                told.add(before.key)
            change = self._follow(before, item, now)
            if change is not None:
                present[item.warning] = (await record(store, [change], now))[0]

    def _follow(self, case: Case | None, item: WarningNews, now: datetime) -> Change | None:
        if item.facts is None:
            return Change(case, note_resolved(case, now), item.traceparent) if case else None
        if case is not None:
            changed = follow_level(case, item.facts, item.happened_at, self.handbook)
            return Change(case, changed, item.traceparent)
        with telemetry.span_from(item.traceparent, "disposal.open_case"):
            opening = Opening(item.facts.region_code, self.new_uid(now), now)
            opened = open_from_warning(item.facts, opening, self.handbook)
            telemetry.record("heed.disposal.opened", 1, track=opened.track.name)
            return Change(None, opened, telemetry.current_traceparent() or item.traceparent)
