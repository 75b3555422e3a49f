"""Runs the escalation, and apart from it the watchdog that proves that it ran.

The watchdog looks at the clocks themselves and knows nothing of the job: if the job dies, is
switched off or skips a clock, the clock is still broken and not told, and the watchdog says so.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import text

from heed_disposal.application.escalating import EscalationStatus
from heed_shared import logs, telemetry
from heed_shared.clock import Clock
from heed_shared.database import Database
from heed_shared.ids import resource_name
from heed_shared.rpc.background import pause

PERIOD_S: Final = 30.0
GRACE: Final = timedelta(minutes=5)
"""How long after it broke a clock may be untold before the watchdog tells."""
MOST_NAMED: Final = 100

_BROKEN = "state = 1 AND burns_at <= :now AND handling_region LIKE :region"
_COUNTS = text(
    "SELECT count(*) AS broken, count(escalated_at) AS escalated"
    f" FROM case_deadline WHERE {_BROKEN}"
)
_MISSING = text(
    "SELECT DISTINCT region, uid FROM case_deadline"
    " WHERE state = 1 AND escalated_at IS NULL AND burns_at <= :late"
    " AND handling_region LIKE :region ORDER BY region, uid LIMIT :most"
)
_LOOKED = text(
    "INSERT INTO escalation_watch (id, checked_at) VALUES (1, :now)"
    " ON CONFLICT (id) DO UPDATE SET checked_at ="
    " greatest(escalation_watch.checked_at, excluded.checked_at)"
)
_LAST = text("SELECT checked_at FROM escalation_watch")


class Event(StrEnum):
    """What the watchdog logs."""

    MISSING = "escalations_missing"


class EscalationJob:
    """Background work that tells broken clocks."""

    def __init__(self, tell: Callable[[], Awaitable[None]]) -> None:
        self._tell = tell

    async def run(self, stop: asyncio.Event) -> None:
        """Tell until ``stop``."""
        while not stop.is_set():
            await self._tell()
            await pause(stop, PERIOD_S)


class EscalationWatch:
    """The watchdog."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Look until ``stop``."""
        while not stop.is_set():
            await self.look()
            await pause(stop, PERIOD_S)

    async def look(self, _now: datetime | None = None) -> None:
        """Look once, keep when, and raise the gauge and the log where a clock is untold."""
        missing = (await self.status("")).missing
        async with self._database.transaction() as tx:
            await tx.connection.execute(_LOOKED, {"now": self._clock.now()})
            await tx.commit()
        telemetry.record("heed.disposal.escalations_missing", len(missing))
        if missing:
            logs.warning(Event.MISSING, count=len(missing))

    async def status(self, region_prefix: str) -> EscalationStatus:
        """Return what is broken, told and missing below a region prefix."""
        now = self._clock.now()
        region = f"{region_prefix}%"
        async with self._database.read() as connection:
            checked_at = await connection.scalar(_LAST)
            counts = (await connection.execute(_COUNTS, {"now": now, "region": region})).one()
            rows = await connection.execute(
                _MISSING, {"late": now - GRACE, "region": region, "most": MOST_NAMED}
            )
            missing = [resource_name("cases", row.region, row.uid) for row in rows]
        return EscalationStatus(checked_at, counts.broken, counts.escalated, missing)
