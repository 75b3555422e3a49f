"""Keeps the gauges of open work: cases by state, what is overdue, how near the nearest deadline is.

The figures are read from the database and so the same on every replica; none of them names a case.
"""

import asyncio

from sqlalchemy import text

from heed_disposal.domain.terms import State
from heed_shared import telemetry
from heed_shared.clock import Clock
from heed_shared.database import Database
from heed_shared.rpc.background import pause

PERIOD_S = 60.0

_OPEN = text(
    "SELECT state, count(*) AS cases FROM cases WHERE state NOT IN (15, 16) GROUP BY state"
)
_OVERDUE = text(
    "SELECT count(DISTINCT uid) FROM case_deadline WHERE state = 1 AND burns_at <= :now"
)
_NEAREST = text("SELECT min(burns_at) FROM case_deadline WHERE state = 1 AND burns_at > :now")


class CaseGauges:
    """Background work that refreshes the gauges each minute."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Refresh until ``stop``."""
        while not stop.is_set():
            await self.refresh()
            await pause(stop, PERIOD_S)

    async def refresh(self) -> None:
        """Read the figures and record them."""
        now = self._clock.now()
        async with self._database.read() as connection:
            by_state = {row.state: row.cases for row in await connection.execute(_OPEN)}
            overdue = await connection.scalar(_OVERDUE, {"now": now})
            nearest = await connection.scalar(_NEAREST, {"now": now})
        for state in State:
            if state not in (State.CONCLUDED, State.ARCHIVED):
                cases = by_state.get(state.value, 0)
                telemetry.record("heed.disposal.open_cases", cases, state=state.name)
        telemetry.record("heed.disposal.overdue", overdue or 0)
        if nearest is not None:
            telemetry.record("heed.disposal.nearest_deadline", (nearest - now).total_seconds())
