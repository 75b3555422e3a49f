"""What is kept about a trained forecaster beside its weights."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum
from uuid import UUID

from heed_warning.domain.life import Staff

DAYS_FOR_TRAINING = 112
"""Days that training needs, so that two ends can be kept from it."""


class ForecasterState(IntEnum):
    """State of a trained forecaster; the numbers are the contract's."""

    CANDIDATE = 1
    CURRENT = 2
    RETIRED = 3


@dataclass(frozen=True)
class FamilyScore:
    """How well one family of models did on the held-out end."""

    family: str
    loss: float
    """Mean weighted quantile loss of single days; lower is better."""
    coverage_90: float


@dataclass(frozen=True)
class ForecasterRecord:
    """A trained forecaster: on what it was trained, and how well it did."""

    uid: UUID
    state: ForecasterState
    kind: str
    data_from: date
    data_to: date
    seed: int
    code_version: str
    validation_loss: float
    baseline_loss: float
    coverage_90: float
    cell_count: int
    trained_at: datetime
    losses: tuple[FamilyScore, ...] = ()
    promoted_at: datetime | None = None
    promoted_by: Staff | None = None
    """None for a training that promoted its own result."""
    version: int = 1

    @property
    def name(self) -> str:
        """Resource name."""
        return f"forecasters/{self.uid}"


def better(candidate: ForecasterRecord, *, beats_current: bool) -> bool:
    """Say whether a trained combination may replace what answers now.

    It must beat the seasonal baseline on days that it had never seen, and the one in use on those
    of these days that neither had seen.
    """
    return beats_current and candidate.validation_loss < candidate.baseline_loss
