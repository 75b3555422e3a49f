"""What is kept of a sorted petition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from heed_classifier.domain.decision import Sorted
from heed_classifier.domain.incident_terms import Profile
from heed_classifier.domain.incidents import IncidentKey, MatterKey
from heed_classifier.domain.nature import Method, Nature, Urgency
from heed_classifier.domain.observations import Counted


@dataclass(frozen=True, order=True)
class PetitionKey:
    """Which petition: region of registration and uid."""

    region: str
    uid: UUID

    def matter(self, k: int = 1) -> MatterKey:
        """The key of one of its matters."""
        return MatterKey(self.region, self.uid, k)


@dataclass(frozen=True)
class CorrectedBy:
    """Who corrected a classification, and why."""

    identity: str
    display_name: str
    unit: str
    reason: str


@dataclass(frozen=True)
class CorrectedAxes:
    """What of a matter a person can correct."""

    category_code: str
    subcategory_code: str
    nature: Nature
    urgency: Urgency


@dataclass(frozen=True)
class KeptCorrection:
    """One correction: who changed what of which matter, when and why."""

    key: MatterKey
    corrected_at: datetime
    by: CorrectedBy
    before: CorrectedAxes
    after: CorrectedAxes


@dataclass(frozen=True)
class MatterRecord:
    """One matter as stored."""

    key: MatterKey
    region_code: str
    received_at: datetime
    received_day: date
    answer: Sorted
    place: str
    city_code: str
    profile: Profile
    counted_terms: tuple[str, ...]
    incident: IncidentKey | None = None
    repeat_of: MatterKey | None = None
    """The earlier matter that a person linked it to."""

    @property
    def counted(self) -> Counted:
        """What of it is counted, and where."""
        return Counted(
            self.received_day,
            self.region_code,
            self.answer.category_code,
            self.answer.nature,
            self.answer.hazard,
            self.answer.people_bucket,
            self.repeat_of is not None,
        )


@dataclass(frozen=True)
class ClassificationRecord:
    """The classification of one petition as stored."""

    key: PetitionKey
    version: int
    region_code: str
    received_at: datetime
    method: Method
    source: str
    corrected_by: CorrectedBy | None
    classified_at: datetime
    updated_at: datetime
    matters: Sequence[MatterRecord]


@dataclass(frozen=True)
class IncidentRecord:
    """An incident as stored."""

    key: IncidentKey
    title: str
    keywords: tuple[str, ...]
    category_code: str
    matter_count: int
    first_seen_at: datetime
    last_seen_at: datetime
    recent_count: int
    previous_count: int
    places: tuple[str, ...]


@dataclass(frozen=True)
class IncidentMember:
    """A matter of an incident with the region that decides who sees it."""

    key: PetitionKey
    k: int
    region_code: str


def city_of(region_code: str) -> str:
    """The city-level code above a region; a city or province is its own."""
    return f"{region_code[:4]}00"
