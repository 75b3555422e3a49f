"""Calibration of margins: one scale and a shift for each label, fitted on held-out texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from heed_classifier.domain.decision import Cutoffs
from heed_classifier.learning.calibration import softmax

Array = NDArray[Any]

# AUTO means: right in at least so many of a hundred held-out texts.
AUTO_PRECISION = 0.95
# Below the cut-off of REVIEW fewer than this many are right.
REVIEW_PRECISION = 0.5
# Fewer held-out answers than this promise nothing.
_LEAST_ANSWERS = 20
_WINDOW = 30
# No probability is high enough: nothing becomes AUTO.
NEVER = Cutoffs(auto=1.01, review=0.5)
_SHIFT_PENALTY = 0.02


@dataclass(frozen=True)
class Calibration:
    """Probabilities are softmax(scale * margins + shifts)."""

    scale: float
    shifts: tuple[float, ...]

    def probabilities(self, margins: Array) -> Array:
        """Calibrated probabilities, (N, C) from (N, C)."""
        return softmax(self.scale * margins + np.array(self.shifts))


def calibrate(margins: Array, truth: Array, counts: Array) -> Calibration:
    """Fit scale and shifts by the negative log likelihood of held-out margins.

    Args:
        margins: (N, C).
        truth: Numbers of the right labels, (N,).
        counts: As how many texts each counts, (N,).
    """
    shares = torch.from_numpy(counts / counts.sum()).double()
    scores = torch.from_numpy(margins).double()
    wanted = torch.from_numpy(truth)
    scale = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    shifts = torch.zeros(margins.shape[1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([scale, shifts], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        losses = functional.cross_entropy(scores * scale.exp() + shifts, wanted, reduction="none")
        loss = (shares * losses).sum()
        loss = loss + _SHIFT_PENALTY * shifts.square().mean()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return Calibration(float(scale.detach().exp()), tuple(shifts.detach().tolist()))


def honest_probabilities(margins: Array, truth: Array, counts: Array, folds: Array) -> Array:
    """Probabilities of held-out texts by a calibration that did not see their fold."""
    probabilities = np.zeros_like(margins, dtype=np.float64)
    parts = folds if len(np.unique(folds)) > 1 else np.arange(len(folds)) % 5
    for part in np.unique(parts):
        own = parts == part
        others = ~own if (~own).any() else own
        fitted = calibrate(margins[others], truth[others], counts[others])
        probabilities[own] = fitted.probabilities(margins[own])
    return probabilities


def band_cutoffs(best: Array, right: Array, counts: Array) -> Cutoffs:
    """Cut-offs of the bands from held-out answers: their probability and whether they are right.

    Each counts as many texts as its ``counts`` says.

    AUTO: the lowest probability from which on ``AUTO_PRECISION`` are right. REVIEW: the lowest
    around which half are right, so that an UNCERTAIN answer is more often wrong than right.
    """
    if not len(best):
        return NEVER
    order = np.argsort(-best, kind="stable")
    total = np.cumsum(counts[order])
    precision = np.cumsum((counts * right)[order]) / total
    enough = (precision >= AUTO_PRECISION) & (total >= _LEAST_ANSWERS)
    good = np.nonzero(enough)[0]
    auto = float(best[order][good[-1]]) if len(good) else NEVER.auto
    rising = np.argsort(best, kind="stable")
    window = min(_WINDOW, len(rising))
    hits, texts = (
        np.convolve(values[rising], np.ones(window), "valid") for values in (counts * right, counts)
    )
    nearby = hits / texts
    fair = np.nonzero(nearby >= REVIEW_PRECISION)[0]
    review = float(best[rising][fair[0]]) if len(fair) else auto
    return Cutoffs(auto=auto, review=min(review, auto))


@dataclass(frozen=True)
class LabelReport:
    """How well one label is found among held-out texts."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class AxisReport:
    """How well an axis is answered on held-out texts."""

    labels: tuple[LabelReport, ...]
    accuracy: float
    macro_f1: float
    calibration_error: float
    auto_share: float
    auto_precision: float


def report_of(names: Sequence[str], probabilities: Array, truth: Array, auto: Array) -> AxisReport:
    """Compare held-out probabilities, (N, C), with the truth; ``auto`` says which are AUTO."""
    answers, best = probabilities.argmax(1), probabilities.max(1)
    right = answers == truth
    labels = tuple(_label_report(name, answers == i, truth == i) for i, name in enumerate(names))
    return AxisReport(
        labels=labels,
        accuracy=float(right.mean()),
        macro_f1=float(np.mean([label.f1 for label in labels if label.support])),
        calibration_error=calibration_error(best, right),
        auto_share=float(auto.mean()),
        auto_precision=float(right[auto].mean()) if auto.any() else 0.0,
    )


def calibration_error(best: Array, right: Array, bins: int = 15) -> float:
    """Expected calibration error over bins of equal width."""
    places = np.minimum((best * bins).astype(int), bins - 1)
    gaps = np.abs(np.bincount(places, best, bins) - np.bincount(places, right, bins))
    return float(gaps.sum() / max(1, len(best)))


def _label_report(name: str, answered: Array, true: Array) -> LabelReport:
    hits, said, support = int((answered & true).sum()), int(answered.sum()), int(true.sum())
    return LabelReport(
        label=name,
        precision=hits / said if said else 0.0,
        recall=hits / support if support else 0.0,
        f1=2 * hits / (said + support) if hits else 0.0,
        support=support,
    )
