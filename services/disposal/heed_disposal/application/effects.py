"""How cases with a playbook's measure went beside similar cases without it. No cause is claimed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from heed_disposal.domain.terms import MeasureKind


@dataclass(frozen=True)
class EffectFilter:
    """Which cases are compared: those opened from ``begin`` until before ``end``."""

    region_prefix: str
    begin: datetime
    end: datetime


@dataclass(frozen=True)
class Course:
    """How a group of cases went; None where no case has come so far."""

    median_days: float | None = None
    """From the opening to the conclusion."""
    solved_share: float | None = None
    """Of follow-ups that found anything out."""


@dataclass(frozen=True)
class PlaybookEffect:
    """One playbook's measure of one kind."""

    playbook: str
    kind: MeasureKind
    completed: int
    solved: int
    partly: int
    none: int
    """Without effect, or worse than before."""
    with_it: Course
    without: Course
    """Cases of the same tracks and categories in which no such measure was completed."""


class Effects(Protocol):
    """Compares cases."""

    async def compare(self, wanted: EffectFilter) -> list[PlaybookEffect]:
        """Return one entry for each playbook and kind of measure that was completed."""
        ...
