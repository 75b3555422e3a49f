"""Calibration in pure numpy: temperature, cut-offs of the bands, and honest metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heed_classifier.domain.decision import Cutoffs

Array = NDArray[Any]

# AUTO means: right in at least so many of a hundred on phrases never seen in training.
AUTO_PRECISION = 0.95
REVIEW_PRECISION = 0.70


def softmax(logits: Array) -> Array:
    """Row-wise softmax."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: Array = shifted / shifted.sum(axis=1, keepdims=True)
    return result


def best_temperature(logits: Array, truth: Array) -> float:
    """The temperature with the least negative log likelihood, by grid (0.3 to 5)."""
    rows = np.arange(len(truth))

    def loss(temperature: float) -> float:
        likelihood = softmax(logits / temperature)[rows, truth]
        return float(-np.log(likelihood + 1e-12).mean())

    return float(min(np.linspace(0.3, 5.0, 95), key=loss))


def first_level(probabilities: Array, codes: Sequence[str]) -> dict[str, Array]:
    """Sum second-level probabilities to first-level codes."""
    firsts = sorted({code[:2] for code in codes})
    return {
        first: probabilities[:, [i for i, code in enumerate(codes) if code[:2] == first]].sum(1)
        for first in firsts
    }


def band_cutoffs(first: dict[str, Array], truth: Sequence[str]) -> Cutoffs:
    """The lowest probabilities above which the answers are right often enough."""
    firsts, best, right = _answers(first, truth)
    del firsts
    order = np.argsort(-best)
    precision = np.cumsum(right[order]) / np.arange(1, len(order) + 1)

    def cutoff(wanted: float, otherwise: float) -> float:
        good = np.nonzero(precision >= wanted)[0]
        return float(best[order][good[-1]]) if len(good) else otherwise

    auto = max(cutoff(AUTO_PRECISION, 0.99), 0.80)
    return Cutoffs(auto=auto, review=min(max(cutoff(REVIEW_PRECISION, 0.5), 0.30), auto))


def metrics(first: dict[str, Array], truth: Sequence[str], cutoffs: Cutoffs) -> dict[str, float]:
    """Accuracy, macro-F1, expected calibration error, share and precision of AUTO."""
    names, best, right = _answers(first, truth)
    auto = best >= cutoffs.auto
    return {
        "accuracy": float(right.mean()),
        "macro_f1": macro_f1(truth, names),
        "calibration_error": _calibration_error(best, right),
        "auto_share": float(auto.mean()),
        "auto_precision": float(right[auto].mean()) if auto.any() else 0.0,
    }


def macro_f1(truth: Sequence[str], answers: Sequence[str]) -> float:
    """Mean F1 over the labels that occur in the truth."""
    scores = []
    for label in sorted(set(truth)):
        pairs = list(zip(truth, answers, strict=True))
        hits = sum(t == a == label for t, a in pairs)
        misses = sum((t == label) != (a == label) for t, a in pairs)
        scores.append(2 * hits / (2 * hits + misses) if hits else 0.0)
    return sum(scores) / len(scores)


def _answers(first: dict[str, Array], truth: Sequence[str]) -> tuple[list[str], Array, Array]:
    labels = list(first)
    table = np.stack([first[label] for label in labels], axis=1)
    names = [labels[i] for i in table.argmax(1)]
    right = np.array([name == wanted for name, wanted in zip(names, truth, strict=True)])
    return names, table.max(1), right


def _calibration_error(best: Array, right: Array, bins: int = 15) -> float:
    places = np.minimum((best * bins).astype(int), bins - 1)
    return float(
        sum(
            abs(best[places == b].mean() - right[places == b].mean()) * (places == b).mean()
            for b in range(bins)
            if (places == b).any()
        )
    )
