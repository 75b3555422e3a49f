"""Scores of many series, step by step, as they would have been told on the day.

The score of a step rests on counts up to that step only. Scores are log odds, so one threshold
serves all series.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from heed_warning.detection.outbreak import LATEST_STEPS, log_odds
from heed_warning.detection.regression import Fit, design, fit, means

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Booleans = NDArray[np.bool_]

HELD_BACK_STEPS = 3
"""Steps before the one judged that the baseline does not learn from: they may be an outbreak."""
STEPS_REQUIRED = 26
"""Observed steps that a series needs before the first one that is judged."""
BLOCK_SERIES = 2048
"""Series fitted together: their matrices stay in the processor's cache."""
LOWEST_SCORE = -20.0


class Outcome(IntEnum):
    """What a score is worth; the numbers are those of the threshold evaluator."""

    SCORED = 1
    INSUFFICIENT_HISTORY = 3
    MISSING = 5


@dataclass(frozen=True)
class DetectionScores:
    """Scores of N series on S steps, each (N, S)."""

    expected: Floats
    """Count expected had nothing happened."""
    dispersion: Floats
    """Dispersion of the expected count: its variance is expected + dispersion * expected^2."""
    tail_probability: Floats
    """Probability of so high a score if nothing had happened; 1 where nothing is scored."""
    score: Floats
    """Log odds that an outbreak is on: the higher the more alarming, comparable across series."""
    outcome: Ints


def score_latest(counts: Floats, observed: Booleans, period: float) -> DetectionScores:
    """Score the last step of N series; counts and observed are (N, T), the answer (N, 1)."""
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
        counts: Counts of equally spaced steps, (N, T); what stands at missing steps is ignored.
        observed: Which counts exist, (N, T); a missing one is never taken for zero.
        period: Steps after which the season repeats.
        first: First step to score.
        advance: Told how many cells have been scored since the last call.
    """
    blocks = [
        _score_block(counts[rows], observed[rows], period, first, advance)
        for rows in _blocks(len(counts))
    ]
    return DetectionScores(
        *(
            np.concatenate([getattr(block, name) for block in blocks])
            for name in DetectionScores.__dataclass_fields__
        )
    )


def _blocks(series: int) -> list[slice]:
    return [slice(start, start + BLOCK_SERIES) for start in range(0, series, BLOCK_SERIES)] or [
        slice(0, 0)
    ]


def _score_block(
    counts: Floats,
    observed: Booleans,
    period: float,
    first: int,
    advance: Callable[[int], None],
) -> DetectionScores:
    series, steps = counts.shape
    regressors = design(steps, period)
    known = observed.astype(float)
    filled = np.where(observed, counts, 0.0)
    shape = (series, steps - first)
    expected, dispersion, score = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    last: Fit | None = None
    for step in range(max(first, STEPS_REQUIRED), steps):
        end = max(step - HELD_BACK_STEPS, 0)
        last = fit(filled[:, :end], known[:, :end], regressors[:end], last)
        column = step - first
        latest = slice(step - LATEST_STEPS + 1, step + 1)
        mean = means(last.coefficients, regressors[latest])
        now = regressors[step]
        variance = np.einsum("p,npq,q->n", now, last.covariance, now)
        score[:, column] = log_odds(
            np.where(observed, counts, np.nan)[:, latest], mean, last.variance_ratio, variance
        )
        expected[:, column] = mean[:, -1]
        dispersion[:, column] = (last.variance_ratio - 1.0) / mean[:, -1] + np.expm1(variance)
        advance(series)
    history = observed.cumsum(axis=1)[:, first:] - observed[:, first:]
    outcome = np.where(history >= STEPS_REQUIRED, Outcome.SCORED, Outcome.INSUFFICIENT_HISTORY)
    outcome = np.where(observed[:, first:], outcome, Outcome.MISSING).astype(np.int64)
    score = np.where(outcome == Outcome.SCORED, score, LOWEST_SCORE)
    return DetectionScores(expected, dispersion, np.exp(-score), score, outcome)
