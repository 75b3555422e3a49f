"""What was to be expected of the latest steps, step by step, as it was known at the time.

The regression of a step learns from what came before the window that may hold an outbreak; the
movement common to all series is read off the window itself. Nothing rests on later steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from heed_warning.detection.movement import Movement, excesses
from heed_warning.detection.outbreak import WINDOW_STEPS, log_odds
from heed_warning.detection.regression import Fit, design, fit, means
from heed_warning.detection.selection import average

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

STEPS_REQUIRED: Final = 26
"""Steps before the first one that can be judged: half a year of weeks."""
PAST_STEPS: Final = 30
"""Steps before the window that tell of drift; older ones are forgotten."""
BLOCK_SERIES: Final = 1024
"""Series fitted together: their matrices stay in the processor's cache."""
CAUTION: Final = 1.5
"""The regression's variance of its own error is multiplied by this: a straight trend and a fixed
season are never quite true. On simulated counts, where they are, it costs under 0.5 % of outbreaks.
"""
RATIO_MARGIN: Final = 1.06
"""Scores take the ratio of variance to mean as this much higher than estimated. Weighting outbreaks
down takes 2 % off it, and it is known to 9 % only, of which the side that is too low costs more.
"""
MOVEMENT_LOADING_VARIANCE: Final = 0.5
"""How differently series follow the common movement, as a share of its square."""
LARGEST_LEVEL_VARIANCE: Final = 2.0


@dataclass(frozen=True)
class Prediction:
    """What was expected of N series in the W steps up to the one judged."""

    step: int
    counts: Floats
    """(N, W), NaN where missing."""
    mean: Floats
    """(N, W)."""
    ratio: Floats
    """Variance of a count over its mean, (N,)."""
    level_variance: Floats
    """Variance of the regression's error, common to the log means, (N,)."""
    drift_variance: Floats
    """Variance of what the level may have drifted, (N,)."""
    past_counts: Floats
    """Counts of the steps before the window, (N, up to PAST_STEPS)."""
    past_observed: Floats
    """Whether they exist, 0 or 1."""
    past_mean: Floats
    """Their fitted means."""

    def drifted(self, factor: Floats, variance: Floats) -> Prediction:
        """Return the same with means times a factor whose log has a variance, each (N,)."""
        return replace(self, mean=self.mean * factor[:, None], drift_variance=variance)

    def log_odds(self) -> Floats:
        """Return the scores of the last step, (N,)."""
        variance = self.level_variance + self.drift_variance
        return scores(self.counts, self.mean, self.ratio, variance)


def scores(counts: Floats, mean: Floats, ratio: Floats, level_variance: Floats) -> Floats:
    """Return the log odds of `outbreak.log_odds` where the ratio is an estimate, (N,)."""
    return log_odds(counts, mean, RATIO_MARGIN * ratio, level_variance)


def predict(
    counts: Floats, observed: Booleans, period: float, first: int, end: int
) -> Iterator[list[Prediction]]:
    """Yield the predictions of steps first .. end-1, for each step one per block of series.

    `first` must be at least STEPS_REQUIRED. Counts and observed are (N, T).
    """
    if first >= end:
        return
    regressors = design(end, period, first)
    blocks = [slice(at, at + BLOCK_SERIES) for at in range(0, len(counts), BLOCK_SERIES)]
    movement = Movement(end)
    fits: list[Fit] = []
    for block in blocks:
        learned = slice(0, first - WINDOW_STEPS + 1)
        flat = np.zeros(learned.stop)
        known = observed[block, learned].astype(float)
        fits.append(fit(counts[block, learned], known, regressors[learned], flat, None))
        mean = means(fits[-1].coefficients, regressors[learned], flat)
        movement.add(learned, *excesses(counts[block, learned], known, mean, fits[-1].ratio))
    for step in range(first, end):
        learned = slice(0, step - WINDOW_STEPS + 1)
        window = slice(learned.stop, step + 1)
        offset = movement.log_factor(learned.stop)
        movement.clear(window)
        told = []
        for place, block in enumerate(blocks):
            known = observed[block, : window.stop].astype(float)
            fits[place] = fit(
                counts[block, learned], known[:, learned], regressors[learned], offset, fits[place]
            )
            mean = means(fits[place].coefficients, regressors[window], np.zeros(WINDOW_STEPS))
            told.append(excesses(counts[block, window], known[:, window], mean, fits[place].ratio))
            movement.add(window, *told[-1])
        variance = movement.variance(step + 1)
        yield [
            _prediction(
                counts[block], observed[block], step, regressors, offset, fits[place],
                movement.log_factor_without(window, *told[place], variance),
            )
            for place, block in enumerate(blocks)
        ]  # fmt: skip


def _prediction(
    counts: Floats,
    observed: Booleans,
    step: int,
    regressors: Floats,
    offset: Floats,
    fitted: Fit,
    movement: Floats,
) -> Prediction:
    window = slice(step - WINDOW_STEPS + 1, step + 1)
    past = slice(max(0, window.start - PAST_STEPS), window.start)
    now = regressors[step]
    coefficients, covariance = average(fitted)
    error = CAUTION * np.einsum("p,npq,q->n", now, covariance, now)
    error = error + MOVEMENT_LOADING_VARIANCE * movement[:, -1] ** 2
    return Prediction(
        step=step,
        counts=np.where(observed[:, window], counts[:, window], np.nan),
        mean=means(coefficients, regressors[window], movement),
        ratio=fitted.ratio,
        level_variance=np.minimum(error, LARGEST_LEVEL_VARIANCE),
        drift_variance=np.zeros(len(counts)),
        past_counts=counts[:, past],
        past_observed=observed[:, past].astype(float),
        past_mean=means(coefficients, regressors[past], offset[past]),
    )
