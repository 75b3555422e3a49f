"""What the use cases need from outside. Adapters implement it; tests may bring fakes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from heed_shared.database import Transaction
from heed_warning.domain.counts import CellDay, Delta, RecordedCount
from heed_warning.domain.evidence import Evidence
from heed_warning.domain.forecaster_record import FamilyScore, ForecasterRecord
from heed_warning.domain.history import Forecaster
from heed_warning.domain.life import CellWarning
from heed_warning.domain.panel import Cell, Panel
from heed_warning.domain.policy import Policy
from heed_warning.domain.skips import Skip
from heed_warning.domain.transitions import State


@dataclass(frozen=True)
class Kept:
    """A warning with when it last changed, by the business clock."""

    warning: CellWarning
    updated_at: datetime


@dataclass(frozen=True)
class RegionCount:
    """How many cells of one region an evaluation looked at."""

    region: str
    cell_count: int
    insufficient_history_count: int


@dataclass(frozen=True)
class Run:
    """An evaluation that was made."""

    as_of: date
    cell_count: int
    insufficient_history_count: int
    forecaster: str
    changed: tuple[UUID, ...]
    regions: tuple[RegionCount, ...] = ()


@dataclass(frozen=True)
class WarningFilter:
    """Which warnings to list."""

    region_prefixes: tuple[str, ...]
    """A region must begin with all of them."""
    category: str
    states: tuple[State, ...]


class Counts(Protocol):
    """Cell counts in the database."""

    async def add(
        self, tx: Transaction, deltas: Sequence[Delta], sums: Sequence[tuple[CellDay, int]]
    ) -> None:
        """Append signed counts and add their sums."""

    async def withdraw(self, tx: Transaction, measures: Sequence[int]) -> None:
        """Take back every signed count of some measures, by opposite counts."""

    async def claim(self, tx: Transaction, source: str, caller: str) -> bool:
        """Make a source its first caller's; say whether it is this caller's."""

    async def recorded(
        self, tx: Transaction, source: str, keys: Sequence[CellDay]
    ) -> dict[CellDay, int]:
        """Return what a source has recorded, locked until the end of the transaction."""

    async def replace(
        self,
        tx: Transaction,
        source: str,
        counts: Sequence[RecordedCount],
        changes: Sequence[tuple[CellDay, int]],
    ) -> None:
        """Replace a source's counts and add what that changes to the sums."""

    async def series(
        self, connection: AsyncConnection, cell: Cell, measure: int, first: date, last: date
    ) -> dict[date, int]:
        """Return the counts other than 0 of one cell."""

    async def around(
        self,
        connection: AsyncConnection,
        region_prefix: str,
        category: str,
        measure: int,
        first: date,
        last: date,
    ) -> list[tuple[Cell, date, int]]:
        """Return the counts above 0 of all regions with a prefix; an empty category means all."""

    async def later_than(
        self, connection: AsyncConnection, moment: datetime, last: date
    ) -> list[tuple[CellDay, int]]:
        """Return counts of days up to `last` that were recorded at or after a moment.

        Those of measures that are taken back are not among them: evidence tells what each day knew.
        """


class Panels(Protocol):
    """All cells' daily items, kept in memory and brought up to date before each use."""

    async def latest(self, last: date) -> Panel:
        """Return the items of every cell up to a day, as known at its end."""

    async def evidence(self, last: date) -> tuple[Panel, Evidence]:
        """Return the items of every cell and what indicators read beside them, as known then."""


class Warnings(Protocol):
    """Warnings and evaluations in the database."""

    async def begin_run(self, tx: Transaction, run: Run, evaluated_at: datetime) -> bool:
        """Claim the evaluation of a day; False when it, or that of a later day, was made."""

    async def finish_run(self, tx: Transaction, as_of: date, changed: Sequence[UUID]) -> None:
        """Note which warnings the evaluation changed."""

    async def latest_run(self, connection: AsyncConnection) -> Run | None:
        """Return the evaluation of the latest day."""

    async def standing(self, tx: Transaction) -> dict[Cell, CellWarning]:
        """Return the open warning of each cell, or its latest that rests, locked."""

    async def save(
        self, tx: Transaction, warnings: Sequence[CellWarning], updated_at: datetime
    ) -> None:
        """Write warnings, new or changed; each has the version that it is to have."""

    async def forget(self, tx: Transaction, warnings: Sequence[CellWarning]) -> None:
        """Delete pending warnings that lapsed."""

    async def need_care(self, connection: AsyncConnection, now: datetime) -> bool:
        """Say whether a step is due, or something may have become quiet or loud by the clock."""

    async def end_rest(self, tx: Transaction, warnings: Sequence[CellWarning]) -> None:
        """Let the resting warnings of these warnings' cells rest no more."""

    async def get(
        self, connection: AsyncConnection, region: str, uid: UUID, *, lock: bool = False
    ) -> Kept | None:
        """Return one warning."""

    async def get_all(self, connection: AsyncConnection, uids: Sequence[UUID]) -> list[Kept]:
        """Return warnings by uid, latest change first."""

    async def matching(
        self,
        connection: AsyncConnection,
        uids: Sequence[UUID],
        prefixes: Sequence[str],
        category: str,
    ) -> list[Kept]:
        """Return those of some warnings that lie in a region and category."""

    async def list(
        self,
        connection: AsyncConnection,
        wanted: WarningFilter,
        after: tuple[datetime, UUID] | None,
        limit: int,
    ) -> Sequence[Kept]:
        """Return a page of warnings, latest change first."""


class Policies(Protocol):
    """Threshold policies in the database; the built-in default is not among them."""

    async def add(self, tx: Transaction, policy: Policy) -> None:
        """Store a policy."""

    async def all(self, connection: AsyncConnection) -> Sequence[Policy]:
        """Return all policies, oldest first."""

    async def lock(self, tx: Transaction, policy_id: str) -> Policy | None:
        """Return a policy, locked until the end of the transaction."""

    async def replace(self, tx: Transaction, policy: Policy) -> None:
        """Write a policy in place of the stored one of the same id."""

    async def remove(self, tx: Transaction, policy_id: str) -> None:
        """Delete a policy."""


class Skips(Protocol):
    """Days that judged warnings explain."""

    async def until(self, connection: AsyncConnection, last: date) -> Sequence[Skip]:
        """Return what warnings judged confirmed or explained take out, up to a day."""


class Forecasters(Protocol):
    """Trained forecasters in the database."""

    async def add(self, tx: Transaction, record: ForecasterRecord, weights: bytes) -> None:
        """Store one; if it is to be current, the present one retires."""

    async def lock(self, tx: Transaction, uid: UUID) -> ForecasterRecord | None:
        """Return one, locked until the end of the transaction."""

    async def promote(self, tx: Transaction, record: ForecasterRecord, reason: str) -> None:
        """Put one to use as its record says; the present one retires."""

    async def in_use(self, connection: AsyncConnection) -> tuple[date, bytes] | None:
        """Return the last day of the data of the one in use, and its weights."""

    async def list(
        self, connection: AsyncConnection, before: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[ForecasterRecord]:
        """Return a page, newest first."""


class Models(Protocol):
    """The forecaster in use, loaded again when another was promoted."""

    async def current(self) -> Forecaster | None:
        """Return the trained forecaster in use; None when there is none."""


@dataclass(frozen=True)
class TrainingResult:
    """What a training process handed back."""

    weights: bytes
    kind: str
    code_version: str
    validation_loss: float
    baseline_loss: float
    coverage_90: float
    losses: tuple[FamilyScore, ...]
    beats_current: bool
    """Whether it did at least as well as the one in use, on days that neither had seen."""


class Trainer(Protocol):
    """Trains in a process of its own."""

    async def train(
        self,
        panel: Panel,
        *,
        seed: int,
        max_seconds: float,
        current: tuple[date, bytes] | None,
        report: Callable[[float], Awaitable[None]],
    ) -> TrainingResult:
        """Train on a panel; the process ends with the call, cancelled or not.

        `current` is the last day of the data of the forecaster in use, and its weights.
        """
