"""The daily count, once a local day has ended: what fell due, is overdue, or has heard no news.

Each case and deadline remembers what it has counted, so running twice for one day sends nothing
twice.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from heed_disposal.application.changes import closed_day
from heed_disposal.application.ports import News, Workshop
from heed_disposal.domain.case import Case
from heed_disposal.domain.counts import Cell, CountDelta
from heed_disposal.domain.recount import settle
from heed_shared.clock import Clock

BATCH = 200
"""Cases for each transaction; a long one would hold all feeds of the cluster back."""


@dataclass(frozen=True)
class CountClosedDay:
    """The use case; a daily job runs it."""

    workshop: Workshop
    clock: Clock

    async def __call__(self, day: date) -> None:
        """Count all that the end of ``day`` changes and that is not counted yet."""
        while await self._count_some(day):
            pass

    async def _count_some(self, day: date) -> bool:
        now = self.clock.now()
        async with self.workshop.open() as work:
            keys = await work.cases.uncounted(min(day, closed_day(now)), BATCH)
            cases = await work.cases.of_keys(keys)
            settled = [settle(case, closed_day(now)) for case in cases]
            await work.cases.save_counted([case for case, _ in settled])
            await work.cases.publish(_by_cell(settled), now)
            await work.commit()
        return len(keys) == BATCH


def _by_cell(settled: list[tuple[Case, list[CountDelta]]]) -> list[News]:
    """Return one piece of news for each cell, so that a cell's counts keep their order."""
    cells: dict[Cell, list[tuple[Case, CountDelta]]] = defaultdict(list)
    for case, deltas in settled:
        for delta in deltas:
            cells[delta.cell].append((case, delta))
    return [News(found[0][0], [delta for _, delta in found]) for found in cells.values()]
