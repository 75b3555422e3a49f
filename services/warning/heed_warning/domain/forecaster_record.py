"""What is kept about a trained forecaster beside its weights."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum
from uuid import UUID

DAYS_FOR_TRAINING = 112
"""Days that training needs, so that two ends can be kept from it."""


class ForecasterState(IntEnum):
    """State of a trained forecaster; the numbers are the contract's."""

    CANDIDATE = 1
    CURRENT = 2
    RETIRED = 3


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

    @property
    def name(self) -> str:
        """Resource name."""
        return f"forecasters/{self.uid}"


def better(candidate: ForecasterRecord) -> bool:
    """Say whether a trained network may replace what answers now.

    It must beat the seasonal baseline on days that it had never seen. A network in use meets the
    same test on its own days only, so the newer one, which saw more, takes its place.
    """
    return candidate.validation_loss < candidate.baseline_loss
