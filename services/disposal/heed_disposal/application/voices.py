"""What the lists of ratings and lessons are asked for, and what they give."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from heed_disposal.domain.records import Lesson, Rating


@dataclass(frozen=True)
class RatingFilter:
    """Which ratings a list shows; None means no bound."""

    region_prefix: str
    begin: datetime | None
    end: datetime | None


@dataclass(frozen=True)
class RatingPosition:
    """Sort key of a rating in a list."""

    rated_at: datetime
    uid: UUID


@dataclass(frozen=True)
class ToldRating:
    """A rating with its case."""

    region: str
    uid: UUID
    rating: Rating


@dataclass(frozen=True)
class LessonFilter:
    """Which lessons a list shows; empty fields mean all."""

    region_prefix: str
    category_code: str


@dataclass(frozen=True)
class LessonPosition:
    """Sort key of a lesson in a list."""

    number: int


@dataclass(frozen=True)
class ToldLesson:
    """A lesson with its case."""

    region: str
    uid: UUID
    number: int
    category_code: str
    lesson: Lesson


class Voices(Protocol):
    """Reads ratings and lessons."""

    async def ratings(
        self, wanted: RatingFilter, after: RatingPosition | None, limit: int
    ) -> list[ToldRating]:
        """Return ratings, latest first."""
        ...

    async def lessons(
        self, wanted: LessonFilter, after: LessonPosition | None, limit: int
    ) -> list[ToldLesson]:
        """Return lessons, latest first."""
        ...
