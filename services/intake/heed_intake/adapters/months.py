"""Makes the monthly partitions of the large tables ahead of the business clock.

A month that could not be made in time costs nothing but speed: its rows go to the default
partition.
"""

import asyncio
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from sqlalchemy import text

from heed_shared.clock import Clock
from heed_shared.database import Database
from heed_shared.rpc.background import pause

_AHEAD = 3
_LOOK_S = 3600.0
_MAKE = text("SELECT intake_make_month(:month)")


class Months:
    """Background work, and in replay mode a step of every advance."""

    name = "months"

    def __init__(self, clock: Clock, database: Database) -> None:
        self._clock = clock
        self._database = database
        self._made: set[date] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Look once an hour, until ``stop``."""
        while not stop.is_set():
            await self.catch_up(self._clock.now())
            await pause(stop, _LOOK_S)

    async def catch_up(self, now: datetime) -> None:
        """Make what is missing of this month and the next ones."""
        for month in _months(now.date()):
            if month not in self._made:
                async with self._database.single() as connection:
                    if await connection.scalar(_MAKE, {"month": month}):
                        self._made.add(month)


def _months(day: date) -> Iterator[date]:
    month = day.replace(day=1)
    for _ in range(_AHEAD + 1):
        yield month
        month = (month + timedelta(days=32)).replace(day=1)
