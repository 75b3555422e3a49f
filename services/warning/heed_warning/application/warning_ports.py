"""What the use cases about the life of warnings need from outside, besides the warnings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from heed_shared.database import Transaction
from heed_warning.domain.panel import Cell
from heed_warning.domain.silence import Silence


@dataclass(frozen=True)
class SilenceFilter:
    """Which silences to list."""

    caller_prefix: str
    """Those that touch this region, from within or from above."""
    region_prefix: str
    """Of these, those that touch this one."""
    lasting_at: datetime | None
    """Without those that have ended by then; None asks for all."""


class Silences(Protocol):
    """Silences in the database."""

    async def add(self, tx: Transaction, silence: Silence) -> None:
        """Store a silence."""

    async def end(self, tx: Transaction, silence: Silence) -> None:
        """Store the end of a silence."""

    async def get(self, tx: Transaction, uid: UUID) -> Silence | None:
        """Return one silence, locked."""

    async def active(self, connection: AsyncConnection, now: datetime) -> Sequence[Silence]:
        """Return those that hold at a moment."""

    async def list(
        self,
        connection: AsyncConnection,
        wanted: SilenceFilter,
        before: UUID | None,
        limit: int,
    ) -> Sequence[Silence]:
        """Return a page, latest first."""


@dataclass(frozen=True)
class EscalationAudit:
    """Escalations of warnings that last: how many were due, how many of them were done."""

    unacknowledged: int
    due: int
    done: int
    missing: tuple[str, ...]
    """Resource names of warnings with a step that was due and not done."""


class EscalationChecks(Protocol):
    """The watchdog's own view of the stored chains, and the mark that it looked."""

    async def mark(self, tx: Transaction, now: datetime) -> None:
        """Note that the watchdog looked."""

    async def checked_at(self, connection: AsyncConnection) -> datetime | None:
        """Return when it last looked."""

    async def audit(
        self, connection: AsyncConnection, due_by: datetime, prefixes: Sequence[str]
    ) -> EscalationAudit:
        """Compare due with done, for regions that begin with all of the prefixes."""


@dataclass(frozen=True)
class Precision:
    """How people judged the warnings of a cell that fired in a period."""

    cell: Cell | None
    """None for all of them together."""
    fired: int
    judged: int
    confirmed: int
    explained: int
    false: int
    median_hours_to_acknowledge: float | None


class Precisions(Protocol):
    """Figures about warnings that fired."""

    async def precision(
        self,
        connection: AsyncConnection,
        prefixes: Sequence[str],
        category: str,
        first: date,
        last: date,
    ) -> Sequence[Precision]:
        """Return the figures of all together, then of each cell, most fired first."""
