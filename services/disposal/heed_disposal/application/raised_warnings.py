"""Follows the warning service: a warned cell has one response case, with the clock of its level."""

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
    note_resolved,
    open_from_warning,
)
from heed_disposal.domain.responses import follow_warning, join_warning, warnings_of
from heed_shared import telemetry

Cell = tuple[str, str]
"""Region and category code."""


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
        cells = {_cell_of(item.facts) for item in news if item.facts is not None}
        await store.lock_cells(cells)
        present = _Present(await store.of_warnings({item.warning for item in news}, cells))
        told = await store.told_resolved(present.keys())
        for item in news:
            if item.facts is None:
                change = _ended(present.by_warning.get(item.warning), item, told, now)
            else:
                change = self._follow(item.facts, item, present, now)
            if change is not None:
                present.take((await record(store, [change], now))[0])

    def _follow(
        self, facts: WarningFacts, item: WarningNews, present: "_Present", now: datetime
    ) -> Change | None:
        case = present.by_warning.get(item.warning)
        if case is not None:
            changed = follow_warning(case, facts, item.happened_at, self.handbook)
            return Change(case, changed, item.traceparent)
        working = present.by_cell.get(_cell_of(facts))
        if working is not None:
            changed = join_warning(working, facts, item.happened_at, self.handbook)
            return Change(working, changed, item.traceparent)
        with telemetry.span_from(item.traceparent, "disposal.open_case"):
            opening = Opening(facts.region_code, self.new_uid(now), now)
            opened = open_from_warning(facts, opening, self.handbook)
            telemetry.record("heed.disposal.opened", 1, track=opened.track.name)
            return Change(None, opened, telemetry.current_traceparent() or item.traceparent)


def _ended(
    case: Case | None, item: WarningNews, told: set[tuple[str, UUID]], now: datetime
) -> Change | None:
    """Note that the latest warning of a case has ended, once."""
    if case is None or case.key in told or warnings_of(case)[-1] != item.warning:
        return None
    told.add(case.key)
    return Change(case, note_resolved(case, now), item.traceparent)


class _Present:
    """Response cases as they stand while a batch changes them."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self.by_warning: dict[str, Case] = {}
        self.by_cell: dict[Cell, Case] = {}
        for case in sorted(cases, key=lambda case: case.opened_at, reverse=True):
            self.take(case)

    def take(self, case: Case) -> None:
        """Take a case as it now is."""
        self.by_warning |= dict.fromkeys(warnings_of(case), case)
        if case.open:
            self.by_cell[case.handling_region, case.category_code] = case

    def keys(self) -> list[tuple[str, UUID]]:
        """Return the keys of all cases."""
        return [case.key for case in self.by_warning.values()]


def _cell_of(facts: WarningFacts) -> Cell:
    return facts.region_code, facts.category_code
