"""Jobs that run once for each closed local day of the business clock.

Replicas share a job through a session advisory lock, which takes no transaction id and frees itself
when its holder dies. The last finished day is kept in table ``daily_job``, so that a service that
was down makes up for every day it missed. A job may be run twice for one day, when its process dies
between the work and the note of it: it must be idempotent.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta

import asyncpg
from sqlalchemy import text

from heed_shared import logs, telemetry
from heed_shared.clock import Clock, day_end, local_day
from heed_shared.database import Database
from heed_shared.logs import Event
from heed_shared.rpc.background import pause

_ONE_DAY = timedelta(days=1)
_POLL_S = 30.0
_AFTER_MIDNIGHT_S = 0.5
_LOCK_KEY = "hashtextextended('heed.daily_job.' || current_schema() || '.' || $1, 0)"
_LAST_DAY = text("SELECT last_day FROM daily_job WHERE name = :name")
_BEGIN = text(
    "INSERT INTO daily_job (name, last_day) VALUES (:name, :day) ON CONFLICT (name) DO NOTHING"
)
_ADVANCE = text(
    "UPDATE daily_job SET last_day = :day, updated_at = now()"
    " WHERE name = :name AND last_day < :day"
)


class DailyJob:
    """One job of one service, as background work or, in replay mode, after each advance."""

    def __init__(
        self,
        name: str,
        clock: Clock,
        database: Database,
        run: Callable[[date], Awaitable[None]],
    ) -> None:
        """Declare the job; where it never ran before, its first day is the present one."""
        self.name = name
        self._clock = clock
        self._database = database
        self._run = run
        self._before_first = local_day(clock.now()) - _ONE_DAY

    async def run(self, stop: asyncio.Event) -> None:
        """Work off each day as it closes, until ``stop``."""
        while not stop.is_set():
            await self._work_off(self._clock.now(), stop, wait=False)
            await pause(stop, self._until_next_look_s())

    async def catch_up(self, now: datetime) -> None:
        """Work off every day that is closed at ``now``; returns when none is owed, by whomever."""
        await self._work_off(now, asyncio.Event(), wait=True)

    async def _work_off(self, now: datetime, stop: asyncio.Event, *, wait: bool) -> None:
        closed = local_day(now) - _ONE_DAY
        if await self._last_day() >= closed:
            return
        lease = await self._database.dedicated()
        try:
            if not await self._lock(lease, wait=wait):
                return
            day = await self._last_day()
            while day < closed and not stop.is_set():
                telemetry.record("heed.daily_job.last_day_age", (closed - day).days, job=self.name)
                day += _ONE_DAY
                await self._do(day)
            telemetry.record("heed.daily_job.last_day_age", (closed - day).days, job=self.name)
        finally:
            await lease.close()

    async def _lock(self, lease: asyncpg.Connection, *, wait: bool) -> bool:
        if wait:
            await lease.execute(f"SELECT pg_advisory_lock({_LOCK_KEY})", self.name)
            return True
        return bool(await lease.fetchval(f"SELECT pg_try_advisory_lock({_LOCK_KEY})", self.name))

    async def _do(self, day: date) -> None:
        started_at = time.monotonic()
        with telemetry.span_from("", "daily_job.run", job=self.name):
            await self._run(day)
            async with self._database.transaction() as tx:
                await tx.connection.execute(_ADVANCE, {"name": self.name, "day": day})
                await tx.commit()
        telemetry.record("heed.daily_job.duration", time.monotonic() - started_at, job=self.name)
        logs.info(Event.DAILY_JOB_DONE, job=self.name, day=day)

    async def _last_day(self) -> date:
        async with self._database.read() as connection:
            found = await connection.scalar(_LAST_DAY, {"name": self.name})
        if isinstance(found, date):
            return found
        async with self._database.transaction() as tx:
            values = {"name": self.name, "day": self._before_first}
            await tx.connection.execute(_BEGIN, values)
            await tx.commit()
        return await self._last_day()

    def _until_next_look_s(self) -> float:
        """Return the time to the end of the local day, but no more than the poll interval."""
        now = self._clock.now()
        left = (day_end(local_day(now)) - now).total_seconds() + _AFTER_MIDNIGHT_S
        return min(left, _POLL_S)
