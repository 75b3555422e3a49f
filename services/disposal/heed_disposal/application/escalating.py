"""Tells broken clocks to the right role, batch by batch; replicas share the work by row locks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from heed_disposal.application.changes import record
from heed_disposal.application.ports import Change, Workshop
from heed_disposal.domain.escalation import escalate
from heed_disposal.domain.handbook import Handbook
from heed_shared import telemetry
from heed_shared.clock import Clock

BATCH = 100
"""Cases for each transaction; a long one would hold all feeds of the cluster back."""


@dataclass(frozen=True)
class EscalateBroken:
    """The use case; background work and a replayed clock run it."""

    workshop: Workshop
    handbook: Handbook
    clock: Clock

    async def __call__(self, _now: datetime | None = None) -> None:
        """Tell every clock that is broken now."""
        while await self._some() == BATCH:
            pass

    async def _some(self) -> int:
        now = self.clock.now()
        async with self.workshop.open() as work:
            cases = await work.cases.of_keys(await work.cases.broken(now, BATCH))
            changes = [Change(case, escalate(case, now, self.handbook)) for case in cases]
            await record(work.cases, changes, now)
            await work.commit()
        told = sum(len(change.after.steps) for change in changes)
        if told:
            telemetry.record("heed.disposal.escalations", told)
        return len(cases)


@dataclass(frozen=True)
class EscalationStatus:
    """What the watchdog says: clocks that are broken, told, and cases that nobody was told of."""

    checked_at: datetime | None
    broken: int
    escalated: int
    missing: list[str]


class Watch(Protocol):
    """The watchdog, as it is asked."""

    async def status(self, region_prefix: str) -> EscalationStatus:
        """Return what is broken, told and missing below a region prefix."""
        ...
