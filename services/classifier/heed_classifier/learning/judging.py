"""How well a model sorts labelled texts, as it would when serving: with the rules beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heed_classifier.application.ports import Sorter
from heed_classifier.domain.decision import Opinion, first_level
from heed_classifier.domain.models import CategoryReport, LabelledText, Report
from heed_classifier.domain.nature import Band, Nature

_BATCH = 256
_BINS = 15


def judge(sorter: Sorter, texts: Sequence[LabelledText], weights: Sequence[float]) -> Report:
    """Sort N texts and compare with the truth about them.

    Args:
        sorter: The model, or the rules.
        texts: What to sort, (N,); at least one.
        weights: As how many texts each counts, (N,).
    """
    opinions: list[Opinion] = []
    for start in range(0, len(texts), _BATCH):
        opinions += sorter.opinions([item.text for item in texts[start : start + _BATCH]])
    counts = np.asarray(weights, dtype=np.float64)
    truth = [item.code[:2] for item in texts]
    ranked = [(first_level(opinion.content) or [("", 0.0)])[0] for opinion in opinions]
    answers = [code for code, _ in ranked]
    sure = np.array([probability for _, probability in ranked])
    right = np.array([answer == code for answer, code in zip(answers, truth, strict=True)])
    auto = np.array(
        [
            opinion.sure and sorter.cutoffs.band(probability) is Band.AUTO
            for opinion, (_, probability) in zip(opinions, ranked, strict=True)
        ]
    )
    categories = _by_category(truth, answers, counts)
    return Report(
        text_count=len(texts),
        macro_f1=float(np.mean([item.f1 for item in categories])),
        accuracy=_share(right, counts),
        calibration_error=calibration_error(sure, right, counts),
        auto_share=_share(auto, counts),
        auto_precision=_share(right[auto], counts[auto]),
        nature_accuracy=_nature_accuracy(texts, opinions, counts),
        categories=categories,
    )


def calibration_error(sure: NDArray[Any], right: NDArray[Any], counts: NDArray[Any]) -> float:
    """Expected calibration error: 15 equal bins of the probability given, weighted by their texts.

    Source: Guo et al. 2017, On Calibration of Modern Neural Networks, equation 3.
    """
    bins = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    error = 0.0
    for place in np.unique(bins):
        inside = bins == place
        weight = counts[inside].sum() / counts.sum()
        gap = _share(right[inside], counts[inside]) - _share(sure[inside], counts[inside])
        error += weight * abs(gap)
    return float(error)


def _by_category(
    truth: Sequence[str], answers: Sequence[str], counts: NDArray[Any]
) -> tuple[CategoryReport, ...]:
    found = []
    true, answered = np.array(truth), np.array(answers)
    for code in sorted(set(truth)):
        belongs, sorted_here = true == code, answered == code
        hits = counts[belongs & sorted_here].sum()
        precision = hits / counts[sorted_here].sum() if sorted_here.any() else 0.0
        recall = hits / counts[belongs].sum()
        f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
        found.append(
            CategoryReport(code, float(precision), float(recall), float(f1), int(belongs.sum()))
        )
    return tuple(found)


def _nature_accuracy(
    texts: Sequence[LabelledText], opinions: Sequence[Opinion], counts: NDArray[Any]
) -> float:
    """The share right of those whose nature somebody said; 0 when nobody did."""
    known = np.array([item.nature is not Nature.UNKNOWN for item in texts])
    right = np.array(
        [
            max(opinion.nature, key=lambda nature: opinion.nature[nature]) is item.nature
            for item, opinion in zip(texts, opinions, strict=True)
        ]
    )
    return _share(right[known], counts[known])


def _share(values: NDArray[Any], counts: NDArray[Any]) -> float:
    return float(np.average(values, weights=counts)) if len(values) else 0.0
