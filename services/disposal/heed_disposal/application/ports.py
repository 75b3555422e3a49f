"""What use cases need from outside: a unit of work with the cases in it, and lists to read."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from heed_disposal.domain.assessment import Growth
from heed_disposal.domain.case import Case, Step
from heed_disposal.domain.counts import CountDelta
from heed_disposal.domain.deadlines import Deadline
from heed_disposal.domain.responses import Response
from heed_disposal.domain.terms import State, Track

Key = tuple[str, UUID]


@dataclass(frozen=True)
class Change:
    """A case before and after a verb; ``before`` is None for a case just opened."""

    before: Case | None
    after: Case
    traceparent: str = ""
    """Trace of the event that caused it; empty for the trace of the call in progress."""


@dataclass(frozen=True)
class News:
    """What a change tells the other services: public steps, a verdict, and counts."""

    case: Case
    deltas: Sequence[CountDelta]
    traceparent: str = ""


class CaseStore(Protocol):
    """Cases inside one unit of work. What is loaded is locked until its end."""

    async def of_key(self, key: Key) -> Case | None:
        """Return a case by its key."""
        ...

    async def of_keys(self, keys: Collection[Key]) -> list[Case]:
        """Return cases by their keys."""
        ...

    async def of_matters(self, matters: Collection[str]) -> dict[str, Case]:
        """Return the cases of matters, by matter."""
        ...

    async def of_petitions(
        self, petitions: Collection[str], incidents: Collection[str] = ()
    ) -> dict[str, list[Case]]:
        """Return the cases of petitions and the open ones of incidents, by petition."""
        ...

    async def of_warnings(
        self, warnings: Collection[str], cells: Collection[tuple[str, str]] = ()
    ) -> list[Case]:
        """Return the cases that answer for warnings, and the open response cases of cells."""
        ...

    async def lock_cells(self, cells: Collection[tuple[str, str]]) -> None:
        """Keep others from opening response cases of cells until the end of the unit of work."""
        ...

    async def open_responses(self, categories: Collection[str]) -> list[Response]:
        """Return the open response cases of categories, not locked."""
        ...

    async def parents_among(self, names: Collection[str]) -> set[str]:
        """Return which of these cases have children."""
        ...

    async def add_step(self, name: str, step: Step) -> None:
        """Add a step to the history of a case that is not loaded; its version stays."""
        ...

    async def told_resolved(self, keys: Collection[Key]) -> set[Key]:
        """Return which cases say already, since their latest warning, that it has ended."""
        ...

    async def growth(self, incidents: Collection[str], at: datetime) -> dict[str, Growth]:
        """Return how many matters of incidents have cases, and how many came in the last 7 days."""
        ...

    async def uncounted(self, ended: date, limit: int) -> list[Key]:
        """Return cases whose counts the end of a day changes and that are not counted anew yet."""
        ...

    async def broken(self, now: datetime, limit: int) -> list[Key]:
        """Return cases with a broken clock that nobody was told of; others' rows are skipped."""
        ...

    async def save(self, changes: Sequence[Change]) -> None:
        """Write the changes; ``after`` carries the new version."""
        ...

    async def save_counted(self, cases: Sequence[Case]) -> None:
        """Write what cases and deadlines have counted; the cases' versions stay."""
        ...

    async def remove(self, cases: Sequence[Case]) -> None:
        """Delete cases with all that hangs on them."""
        ...

    async def note_withdrawn(self, petitions: Mapping[str, datetime]) -> None:
        """Remember withdrawn petitions that have no case yet."""
        ...

    async def take_withdrawn(self, petitions: Collection[str]) -> set[str]:
        """Return which petitions were withdrawn before their case was opened, and forget them."""
        ...

    async def publish(self, news: Sequence[News], now: datetime) -> None:
        """Publish what changes tell others; it becomes visible by the commit."""
        ...


class Work(Protocol):
    """One unit of work; it is rolled back unless committed."""

    @property
    def cases(self) -> CaseStore:
        """The cases in it."""
        ...

    async def remembered(
        self, identity: str, method: str, request_id: str, digest: bytes
    ) -> bytes | None:
        """Return the answer that was given to this request before, or claim the request id."""
        ...

    async def keep_answer(self, identity: str, method: str, request_id: str, answer: bytes) -> None:
        """Keep the answer for a repetition of the request."""
        ...

    async def commit(self) -> None:
        """Make everything permanent."""
        ...


class Workshop(Protocol):
    """Opens units of work."""

    def open(self) -> AbstractAsyncContextManager[Work]:
        """Open one."""
        ...


@dataclass(frozen=True)
class CaseFilter:
    """Which cases a list shows; empty fields mean all."""

    region_prefix: str = ""
    category_code: str = ""
    states: tuple[State, ...] = ()
    track: Track | None = None
    petition: str = ""
    unit: str = ""


@dataclass(frozen=True)
class DeadlineFilter:
    """Which deadlines a list shows."""

    region_prefix: str = ""
    due_by: date | None = None
    unit: str = ""
    used_share: float = 0
    """Least share of the time that is used at `now`; 1 asks for what is overdue."""
    now: datetime | None = None


@dataclass(frozen=True)
class CasePosition:
    """Sort key of a case in a list."""

    opened_at: datetime
    uid: UUID


@dataclass(frozen=True)
class DeadlinePosition:
    """Sort key of a deadline in a list."""

    burns_at: datetime
    region: str
    uid: UUID
    number: int


@dataclass(frozen=True)
class BurningDeadline:
    """A running deadline and the case that owes it."""

    region: str
    uid: UUID
    title: str
    handling_region: str
    unit: str
    deadline: Deadline

    @property
    def position(self) -> DeadlinePosition:
        """Sort key in the list."""
        burns_at = self.deadline.due.ends_at() if self.deadline.due else datetime.max
        return DeadlinePosition(burns_at, self.region, self.uid, self.deadline.number)


@dataclass(frozen=True)
class NumberedStep:
    """A step of the history of a case, with its place in it."""

    number: int
    step: Step


class CaseReader(Protocol):
    """Reads that lock nothing."""

    async def get(self, key: Key) -> Case | None:
        """Return one case."""
        ...

    async def steps(self, key: Key, after: int, limit: int) -> list[NumberedStep]:
        """Return the steps of a case behind a number, oldest first."""
        ...

    async def children(self, parent: str) -> list[str]:
        """Return the names of the children of a case, at most 100, oldest first."""
        ...

    async def list_cases(
        self, wanted: CaseFilter, after: CasePosition | None, limit: int
    ) -> list[Case]:
        """Return cases, latest opened first."""
        ...

    async def list_deadlines(
        self, wanted: DeadlineFilter, after: DeadlinePosition | None, limit: int
    ) -> list[BurningDeadline]:
        """Return running deadlines, what burns most first."""
        ...
