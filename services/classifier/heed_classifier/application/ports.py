"""What the use cases need from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from heed_classifier.domain.decision import Cutoffs, Opinion, Sorted
from heed_classifier.domain.incident_summary import Summary
from heed_classifier.domain.incidents import IncidentKey, Known, MatterKey
from heed_classifier.domain.nature import Nature
from heed_classifier.domain.records import (
    ClassificationRecord,
    CorrectedBy,
    IncidentMember,
    IncidentRecord,
    MatterRecord,
    PetitionKey,
)
from heed_classifier.domain.text import PetitionText

T = TypeVar("T")
Position = Sequence[str | int]
"""Sort key of the last row of a page; empty for the first page."""


@dataclass(frozen=True)
class MaskedPetition:
    """A petition as intake lets the classifier read it."""

    key: PetitionKey
    region_code: str
    received_at: datetime
    text: PetitionText
    place: str
    declared_nature: Nature
    people_bucket: int
    accusation_cleared: bool = False
    """Whether a person found in intake's sealed lane that it accuses nobody."""


class Texts(Protocol):
    """Where masked texts come from."""

    async def read(self, keys: Sequence[PetitionKey]) -> dict[PetitionKey, MaskedPetition]:
        """Read those that may be read now; sealed, erased and unknown ones are left out."""
        ...


class Sorter(Protocol):
    """Something that has an opinion on texts: the trained model, or the rules."""

    @property
    def name(self) -> str:
        """Name and version that is stored with every answer."""
        ...

    @property
    def cutoffs(self) -> Cutoffs:
        """Its cut-offs of the bands."""
        ...

    def opinions(self, texts: Sequence[str]) -> list[Opinion]:
        """Sort a batch; takes CPU time, so it is called in a worker."""
        ...


class Workers(Protocol):
    """The bounded place where CPU work runs, off the event loop."""

    async def run(self, work: Callable[[], T]) -> T:
        """Run ``work`` there and return its result."""
        ...


class ClassificationStore(Protocol):
    """Classifications and matters, inside the caller's transaction."""

    async def load(
        self, keys: Sequence[PetitionKey], *, for_change: bool = False
    ) -> dict[PetitionKey, ClassificationRecord]:
        """Load those that exist, locked when meant for change."""
        ...

    async def insert(self, records: Sequence[ClassificationRecord]) -> None:
        """Store new ones in order of arrival."""
        ...

    async def update(self, record: ClassificationRecord) -> None:
        """Store a changed one with its matters, those that are new too."""
        ...

    async def delete(self, keys: Sequence[PetitionKey]) -> list[MatterRecord]:
        """Remove all that was derived from petitions, their repeat links too.

        Returns matters of other petitions that were linked to one of them, as they were until now.
        """
        ...

    async def touch(
        self, keys: Sequence[PetitionKey], now: datetime
    ) -> list[tuple[PetitionKey, int, str]]:
        """Give petitions a new version; key, version, region of each that exists."""
        ...

    async def set_incident(self, key: MatterKey, incident: IncidentKey | None) -> None:
        """Put a matter into an incident, or let it stand alone."""
        ...

    async def suspicions(self, keys: Sequence[PetitionKey]) -> set[PetitionKey]:
        """Which were reported as suspected accusations before."""
        ...

    async def suspect(self, keys: Sequence[PetitionKey], now: datetime) -> None:
        """Remember that they were reported."""
        ...

    async def forget_suspicions(self, keys: Sequence[PetitionKey]) -> None:
        """Forget that they were."""
        ...

    async def add_correction(
        self, key: MatterKey, now: datetime, by: CorrectedBy, before: Sorted, after: Sorted
    ) -> None:
        """Keep who corrected what, and why."""
        ...


class IncidentStore(Protocol):
    """Incidents and their terms, inside the caller's transaction."""

    async def lock(self, cities: Iterable[str]) -> None:
        """One transaction at a time groups the matters of a city."""
        ...

    async def counts(self, city: str, terms: Iterable[str]) -> tuple[dict[str, int], int]:
        """Matters per term, and matters in all."""
        ...

    async def add_counts(self, city: str, matters: Sequence[Sequence[str]], sign: int) -> None:
        """Count terms up or down."""
        ...

    async def near(
        self, city: str, names: Iterable[str], first: datetime, last: datetime
    ) -> list[Known]:
        """Matters that share a name, near in time, with the members of their incidents."""
        ...

    async def add_terms(self, city: str, matters: Sequence[Known]) -> None:
        """Make matters findable."""
        ...

    async def members(self, key: IncidentKey) -> list[Known]:
        """Members of an incident in order of arrival."""
        ...

    async def save(self, summaries: Mapping[IncidentKey, Summary]) -> None:
        """Store what is shown of incidents."""
        ...

    async def delete(self, key: IncidentKey) -> None:
        """Remove an incident."""
        ...


class Queries(Protocol):
    """Read-only questions to what is stored."""

    async def classifications(
        self, keys: Sequence[PetitionKey]
    ) -> dict[PetitionKey, ClassificationRecord]:
        """Those that exist."""
        ...

    async def newest(
        self, prefix: str, category_code: str, band: int, after: Position, most: int
    ) -> list[ClassificationRecord]:
        """A page of classifications, newest first."""
        ...

    async def largest(
        self, prefix: str, least: int, seen_from: datetime | None, after: Position, most: int
    ) -> list[IncidentRecord]:
        """A page of incidents, largest first."""
        ...

    async def incident(
        self, key: IncidentKey, prefix: str
    ) -> tuple[IncidentRecord, list[IncidentMember]] | None:
        """An incident with its members inside a region, oldest first; None when it has none."""
        ...
