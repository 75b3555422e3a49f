"""A trained model beside its weights: what it learned from, how well it did, who put it to use."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum

from heed_classifier.domain.nature import Nature

MOST_WEIGHT = 20.0


class ModelState(IntEnum):
    """State of a model; the numbers are the contract's."""

    CANDIDATE = 1
    CURRENT = 2
    RETIRED = 3


@dataclass(frozen=True)
class LabelledText:
    """A text with the truth about it."""

    text: str
    code: str
    """First-level or second-level category code."""
    nature: Nature = Nature.UNKNOWN
    """Unknown where nobody said."""


@dataclass(frozen=True)
class CorrectedText:
    """A masked text as a person corrected it."""

    label: LabelledText
    corrected_on: date


@dataclass(frozen=True)
class CategoryReport:
    """How well a model knows one first-level category."""

    code: str
    precision: float
    recall: float
    f1: float
    text_count: int


@dataclass(frozen=True)
class Report:
    """How well a model sorts texts that it was not trained on."""

    text_count: int
    macro_f1: float
    accuracy: float
    calibration_error: float
    auto_share: float
    auto_precision: float
    nature_accuracy: float
    categories: tuple[CategoryReport, ...] = ()


@dataclass(frozen=True)
class Promotion:
    """Who put a model to use."""

    identity: str
    display_name: str
    unit: str


@dataclass(frozen=True)
class ModelRecord:
    """A model as stored, without its weights."""

    name: str
    state: ModelState
    version: int
    data_from: date | None
    data_to: date | None
    seed: int
    code_version: str
    taxonomy_version: str
    text_count: int
    corrected_count: int
    last_correction: int
    """Number of the last correction there was when it was trained, learned from or held out."""
    report: Report
    trained_at: datetime
    promoted_at: datetime | None = None
    promoted_by: Promotion | None = None

    @property
    def resource_name(self) -> str:
        """Name in the contract."""
        return f"models/{self.name}"


def newest_held_out(
    corrected: Sequence[CorrectedText],
) -> tuple[list[CorrectedText], list[CorrectedText]]:
    """Part corrected texts into those to learn from and those to be tested on.

    Of every first-level category the newest fifth is held out, at least one of three or more. As
    corrections are only added, what one training holds out no earlier training has learned from.

    Args:
        corrected: Oldest first; of the same text twice the later one counts.
    """
    latest = {item.label.text: item for item in corrected}
    groups: dict[str, list[CorrectedText]] = {}
    for item in sorted(latest.values(), key=lambda item: item.corrected_on):
        groups.setdefault(item.label.code[:2], []).append(item)
    seen: list[CorrectedText] = []
    held: list[CorrectedText] = []
    for _, group in sorted(groups.items()):
        cut = len(group) - (max(1, len(group) // 5) if len(group) >= 3 else 0)
        seen += group[:cut]
        held += group[cut:]
    return seen, held


def corrected_weight(generated: int, corrected: int) -> float:
    """How many generated texts a corrected one counts as, in training and in the test.

    Twenty; fewer where there are so many that the generated ones would not be heard.
    """
    return min(MOST_WEIGHT, max(1.0, generated / corrected)) if corrected else 1.0


def better(candidate: Report, current: Report | None) -> bool:
    """Say whether a candidate may replace the present model: both met the same texts."""
    return current is None or candidate.macro_f1 > current.macro_f1


def taxonomy_version(codes: Iterable[str]) -> str:
    """A short digest of the second-level codes that a model can answer."""
    return hashlib.blake2b(" ".join(sorted(codes)).encode(), digest_size=6).hexdigest()
