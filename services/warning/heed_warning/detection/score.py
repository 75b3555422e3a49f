"""Scores of many series, step by step, as they would have been told at the time.

The score of a step rests on counts up to that step only, of its own series and of the others. It is
on one scale for all series, so that one threshold serves them all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from heed_warning.detection import drift
from heed_warning.detection.calibration import Calibration
from heed_warning.detection.prediction import STEPS_REQUIRED, Prediction, predict

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Booleans = NDArray[np.bool_]

LOWEST_SCORE: Final = -20.0
"""Score where nothing can be told."""
REHEARSED_STEPS: Final = 52
REHEARSED_SERIES: Final = 500


class Outcome(IntEnum):
    """What a score is worth."""

    SCORED = 1
    INSUFFICIENT_HISTORY = 2
    MISSING = 3
    """There is no count to score."""


@dataclass(frozen=True)
class DetectionScores:
    """Scores of N series on S steps, each (N, S)."""

    expected: Floats
    """Count expected had nothing happened."""
    dispersion: Floats
    """Dispersion of that expectation: the variance is expected + dispersion * expected^2."""
    tail_probability: Floats
    """Probability of so high a score had nothing happened; 1 where nothing is scored."""
    score: Floats
    """Log odds that an outbreak is on: the higher the more alarming."""
    outcome: Ints
    """An Outcome each."""


def score_latest(counts: Floats, observed: Booleans, period: float) -> DetectionScores:
    """Score the last step of N series; counts and observed are (N, T), the answer's arrays (N, 1).

    As `score_steps`.
    """
    return score_steps(counts, observed, period, counts.shape[1] - 1)


def score_steps(
    counts: Floats,
    observed: Booleans,
    period: float,
    first: int,
    advance: Callable[[int], None] = lambda _: None,
) -> DetectionScores:
    """Score the steps first .. T-1 of N series.

    Args:
        counts: Counts of equally spaced steps, (N, T); 0 where missing.
        observed: Which counts exist, (N, T); a missing one is never taken for zero.
        period: Steps after which the season repeats.
        first: First step to score.
        advance: Told how many steps of series have been scored since the last call.
    """
    series, steps = counts.shape
    shape = (series, steps - first)
    expected, dispersion = np.zeros(shape), np.zeros(shape)
    score, tail = np.full(shape, LOWEST_SCORE), np.ones(shape)
    start = max(first, STEPS_REQUIRED)
    wandering = _rehearse(counts, observed, period, start)
    calibration = Calibration()
    for blocks in predict(counts, observed, period, start, steps):
        predictions = [wandering.follow(block) for block in blocks]
        calibration.learn(predictions)
        column = predictions[0].step - first
        score[:, column] = np.concatenate([block.log_odds() for block in predictions])
        tail[:, column] = calibration.tail_probability(score[:, column])
        expected[:, column] = np.concatenate([block.mean[:, -1] for block in predictions])
        dispersion[:, column] = np.concatenate([_dispersion(block) for block in predictions])
        advance(series)
    outcome = _outcomes(observed, first)
    scored = outcome == Outcome.SCORED
    return DetectionScores(
        expected, dispersion, np.where(scored, tail, 1.0), np.where(scored, score, LOWEST_SCORE),
        outcome,
    )  # fmt: skip


def _rehearse(counts: Floats, observed: Booleans, period: float, start: int) -> drift.Drift:
    """Predict the last year before `start`, for some of the series, to see how levels drift."""
    begin = max(STEPS_REQUIRED, start - REHEARSED_STEPS)
    rows = np.unique(np.linspace(0, len(counts) - 1, REHEARSED_SERIES).astype(np.int64))
    steps = predict(counts[rows], observed[rows], period, begin, start)
    return drift.estimate(step[0] for step in steps)


def _dispersion(prediction: Prediction) -> Floats:
    own = (prediction.ratio - 1.0) / prediction.mean[:, -1]
    return np.asarray(own + np.expm1(prediction.level_variance + prediction.drift_variance))


def _outcomes(observed: Booleans, first: int) -> Ints:
    """Return whether each count from `first` on exists, and enough before it, (N, S)."""
    history = observed.cumsum(axis=1)[:, first:] - observed[:, first:]
    outcome = np.where(history >= STEPS_REQUIRED, Outcome.SCORED, Outcome.INSUFFICIENT_HISTORY)
    return np.where(observed[:, first:], outcome, Outcome.MISSING).astype(np.int64)
