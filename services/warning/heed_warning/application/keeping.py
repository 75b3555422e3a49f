"""Keeps warnings in step with the clock, and a watchdog that proves that it happened.

The keeper takes due steps of escalation and announces what a silence or a warning above no longer
keeps quiet. The watchdog is a job of its own: it reads what was due and what was done straight from
the stored chains, so a keeper that stands still, or does its work wrongly, is told of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from heed_shared import logs, telemetry
from heed_shared.clock import Clock
from heed_shared.database import Database
from heed_shared.rpc.background import pause
from heed_warning.application.log_names import WarningLog
from heed_warning.application.ports import Warnings
from heed_warning.application.settlement import Settlement
from heed_warning.application.warning_ports import EscalationAudit, EscalationChecks

KEEPER_PERIOD_S = 60.0
WATCHDOG_PERIOD_S = 300.0
GRACE = timedelta(minutes=5)
"""How late a step may be taken before the watchdog tells of it: five rounds of the keeper."""


@dataclass(frozen=True)
class Keeper:
    """Does what the clock asks for. Any number of replicas may: a lock lets one at a time."""

    database: Database
    warnings: Warnings
    settlement: Settlement

    async def tick(self, now: datetime) -> None:
        """Take the steps that are due by now, and announce what has become loud.

        The standing warnings are locked and read anew, so that an acknowledgement that committed a
        moment ago counts, and a step that another replica took is not taken again.
        """
        async with self.database.read() as connection:
            if not await self.warnings.need_care(connection, now):
                return
        async with self.database.transaction() as tx:
            standing = await self.warnings.standing(tx)
            await self.settlement.keep_all(tx, standing.values(), now=now)
            await tx.commit()


@dataclass(frozen=True)
class Watchdog:
    """Compares the escalations that were due with those that were done."""

    database: Database
    checks: EscalationChecks

    async def look(self, now: datetime) -> None:
        """Look, tell what is missing, and leave a mark of having looked."""
        async with self.database.transaction() as tx:
            await self.checks.mark(tx, now)
            found = await self.checks.audit(tx.connection, now - GRACE, ())
            await tx.commit()
        telemetry.record("heed.warning.escalations_missing", len(found.missing))
        if found.missing:
            logs.warning(
                WarningLog.ESCALATION_MISSING, due=found.due, done=found.done, missing=found.missing
            )

    async def status(self, prefixes: Sequence[str]) -> tuple[datetime | None, EscalationAudit]:
        """Return when it last looked, and what was due and done by then in some regions."""
        async with self.database.read() as connection:
            checked_at = await self.checks.checked_at(connection)
            if checked_at is None:
                return None, EscalationAudit(0, 0, 0, ())
            return checked_at, await self.checks.audit(connection, checked_at - GRACE, prefixes)


@dataclass(frozen=True)
class Periodic:
    """Work done again and again, by the business clock; a Background."""

    name: str
    period_s: float
    clock: Clock
    act: Callable[[datetime], Awaitable[None]]

    async def run(self, stop: asyncio.Event) -> None:
        """Act now and after each period, until `stop`."""
        while not stop.is_set():
            await self.act(self.clock.now())
            await pause(stop, self.period_s)
