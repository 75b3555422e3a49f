"""How an answer is put together from what the model and the rules say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heed_classifier.domain.nature import (
    Band,
    Importance,
    Level,
    Nature,
    Route,
    Urgency,
)

# Weight of the rules beside the model. Between 4 and 24 the result moves by less than a point.
_RULE_WEIGHT = 8.0
_RULE_SATURATION = 3.0
# Sharpness when the rules stand alone.
_RULES_ALONE_WEIGHT = 6.0


@dataclass(frozen=True)
class Cutoffs:
    """Probabilities from which an answer is AUTO, or worth a REVIEW."""

    auto: float
    review: float

    def band(self, probability: float) -> Band:
        """The band of a probability."""
        if probability >= self.auto:
            return Band.AUTO
        return Band.REVIEW if probability >= self.review else Band.UNCERTAIN


@dataclass(frozen=True)
class Evidence:
    """A phrase that carried the decision; offsets in characters of the joined text."""

    phrase: str
    start: int
    end: int
    weight: float


@dataclass(frozen=True)
class Target:
    """Handling target (处理对象)."""

    level: Level
    line: str
    unit: str
    region_code: str


@dataclass(frozen=True)
class Opinion:
    """What one source (model or rules) thinks of a text, before the rest is derived."""

    content: Mapping[str, float]  # second-level code -> probability
    nature: Mapping[Nature, float]
    evidence: tuple[Evidence, ...]
    sure: bool  # whether its probabilities may reach AUTO


Span = tuple[int, int]
"""Start and end (exclusive) in characters of the joined text."""


@dataclass(frozen=True)
class Sorted:
    """The whole answer about one matter."""

    category_code: str
    subcategory_code: str
    candidates: tuple[tuple[str, float], ...]
    band: Band
    nature: Nature
    nature_probability: float
    accusation_suspected: bool
    route: Route
    target: Target
    urgency: Urgency
    importance: Importance
    hazard: bool
    evidence: tuple[Evidence, ...]
    title: str
    people_bucket: int
    spans: tuple[Span, ...] = ()
    """The parts of the text that it is; none means the whole text."""
    nature_evidence: tuple[Evidence, ...] = ()
    urgency_evidence: tuple[Evidence, ...] = ()
    route_reason: str = ""
    importance_reason: str = ""
    subcategory_candidates: tuple[tuple[str, float], ...] = ()

    @property
    def sealed_lane(self) -> bool:
        """Whether it belongs into the sealed lane: an accusation, or something that may be one."""
        return self.accusation_suspected or self.nature is Nature.ACCUSATION


def blend_content(log_probabilities: NDArray[Any], rules: NDArray[Any]) -> NDArray[Any]:
    """Add the rules' saturated share to the model's log probabilities, (B, C) each."""
    share = rules / (rules.sum(axis=-1, keepdims=True) + _RULE_SATURATION)
    result: NDArray[Any] = log_probabilities + _RULE_WEIGHT * share
    return result


def rules_alone(scores: Mapping[str, float]) -> dict[str, float]:
    """Probabilities from rule scores alone; nothing found means nothing is known."""
    total = sum(scores.values())
    if total <= 0:
        return {}
    weights = {
        code: float(np.exp(_RULES_ALONE_WEIGHT * score / (total + _RULE_SATURATION)))
        for code, score in scores.items()
    }
    # What no rule speaks for keeps a share, so that a single weak word is never sure.
    rest = 3.0
    return {code: weight / (sum(weights.values()) + rest) for code, weight in weights.items()}


SEALED_CATEGORY = "14"


def open_category(content: Mapping[str, float]) -> str:
    """The likeliest first level that is not sealed: the one that is shown, and explained."""
    for code, _ in first_level(content):
        if code != SEALED_CATEGORY:
            return code
    return ""


def first_level(content: Mapping[str, float]) -> list[tuple[str, float]]:
    """Sum second-level probabilities to the first level, likeliest first."""
    sums: dict[str, float] = {}
    for code, probability in content.items():
        sums[code[:2]] = sums.get(code[:2], 0.0) + probability
    return sorted(sums.items(), key=lambda item: (-item[1], item[0]))


def second_level(content: Mapping[str, float], parent: str) -> list[tuple[str, float]]:
    """The second-level codes below a first-level one, likeliest first."""
    children = [(c, p) for c, p in content.items() if c[:2] == parent and len(c) == 4]
    return sorted(children, key=lambda item: (-item[1], item[0]))
