"""The expected counts of many series at once: one regression each, fitted together.

Every series has log mean = level + trend + harmonics of the period, and a variance proportional to
its mean. Weights keep past outbreaks out of the fit; priors hold trend and season back where the
history is short. All series share one time axis, so a Newton step is one matrix product for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from heed_warning.detection.outbreak import SHAPE

Floats = NDArray[np.float64]

LEVEL_DEVIATION: Final = 10.0
TREND_DEVIATION: Final = 0.15
"""Prior standard deviation of the change of the log mean over TREND_STEPS."""
TREND_STEPS: Final = 52.0
HARMONIC_DEVIATIONS: Final = (0.5, 0.25, 0.15)
PRIOR_CASES: Final = 0.5
"""Cases that a series is thought to have had beyond those seen, so that no mean is zero."""
PRIOR_RATIO: Final = 1.4
PRIOR_STEPS: Final = 10.0
"""How many steps of its own a series weighs against the prior ratio of variance to mean."""
PAST_SIZES: Final = np.array([2.0, 3.5, 5.0, 7.0, 10.0])
PAST_ONSET_PROBABILITY: Final = 0.015
LARGEST_MULTIPLE: Final = 10.0
LOG_MEAN_RANGE: Final = (-12.0, 20.0)
RESIDUAL_RANGE: Final = (-3.0, 12.0)


@dataclass(frozen=True)
class Fit:
    """The regressions of N series with P coefficients over T steps."""

    coefficients: Floats
    """(N, P)."""
    covariance: Floats
    """Of the coefficients, (N, P, P)."""
    ratio: Floats
    """Variance of a count over its mean, at least 1, (N,)."""
    weights: Floats
    """Probability of each step to hold no outbreak; 0 where nothing was observed, (N, T)."""


def design(steps: int, period: float, origin: int) -> Floats:
    """Return the regressors of steps 0 .. steps-1, (steps, P); the trend is 0 at the origin."""
    step = np.arange(steps)
    columns = [np.ones(steps), (step - origin) / TREND_STEPS]
    for multiple in range(1, _harmonics(period) + 1):
        angle = 2.0 * np.pi * multiple * step / period
        columns += [np.cos(angle), np.sin(angle)]
    return np.stack(columns, axis=1)


def _harmonics(period: float) -> int:
    """Return how many harmonics are fitted: all that a week of days has, else two at most."""
    return int(min(3 if period <= 7 else 2, (period - 1) // 2))


def fit(
    counts: Floats, observed: Floats, regressors: Floats, offset: Floats, last: Fit | None
) -> Fit:
    """Fit to counts (N, T), of which `observed` (N, T) marks those that exist by 1.

    `offset` (T,) is added to every log mean. `last` is the fit of the same series some steps
    earlier, from which two rounds suffice.
    """
    rounds = 10 if last is None else 2
    counts = _bounded(counts, observed)
    last = last or _start(counts, observed, regressors.shape[1])
    weights = np.concatenate([last.weights, observed[:, last.weights.shape[1] :]], axis=1)
    coefficients, covariance, ratio = last.coefficients, last.covariance, last.ratio
    mean = means(coefficients, regressors, offset)
    for round_ in range(rounds):
        coefficients, covariance = _newton_step(
            counts, weights / ratio[:, None], mean, coefficients, regressors
        )
        mean = means(coefficients, regressors, offset)
        if round_ >= rounds - 4:
            ratio = _variance_ratio(counts, mean, weights, regressors.shape[1])
            weights = calm(counts, mean, ratio, observed) * observed
    return Fit(coefficients, covariance, ratio, weights)


def _bounded(counts: Floats, observed: Floats) -> Floats:
    """Return counts cut to LARGEST_MULTIPLE of the geometric mean of the steps around them, (N, T).

    An entry a million times too high would else carry the first rounds of the fit away.
    """
    logs = _sums_around(np.log1p(counts) * observed)
    typical = np.exp(logs / np.maximum(_sums_around(observed), 1.0))
    return np.asarray(np.minimum(counts, LARGEST_MULTIPLE * typical))


def _sums_around(values: Floats) -> Floats:
    """Return the sums over the steps 3 to 10 before and after each, (N, T)."""
    steps = np.arange(values.shape[1])
    total = np.concatenate([np.zeros((len(values), 1)), values.cumsum(axis=1)], axis=1)

    def between(first: int, last: int) -> Floats:
        start, stop = (np.clip(steps + at, 0, len(steps)) for at in (first, last + 1))
        return np.asarray(total[:, stop] - total[:, start])

    return between(-10, -3) + between(3, 10)


def means(coefficients: Floats, regressors: Floats, offset: Floats) -> Floats:
    """Return the expected counts, (N, T)."""
    log_mean = coefficients @ regressors.T + offset
    return np.asarray(np.exp(np.clip(log_mean, *LOG_MEAN_RANGE)))


def _start(counts: Floats, observed: Floats, size: int) -> Fit:
    series = len(counts)
    coefficients = np.zeros((series, size))
    mean = ((counts * observed).sum(axis=1) + PRIOR_CASES) / (observed.sum(axis=1) + 1.0)
    coefficients[:, 0] = np.log(mean)
    ratio = np.full(series, PRIOR_RATIO)
    return Fit(coefficients, np.zeros((series, size, size)), ratio, observed.copy())


def _newton_step(
    counts: Floats, weights: Floats, mean: Floats, coefficients: Floats, regressors: Floats
) -> tuple[Floats, Floats]:
    """Return coefficients and covariance after one step of the weighted quasi-likelihood."""
    size = regressors.shape[1]
    rows, columns = np.triu_indices(size)
    precision = 1.0 / prior_deviations(size) ** 2
    products = (weights * mean) @ (regressors[:, rows] * regressors[:, columns])
    information = np.empty((len(counts), size, size))
    information[:, rows, columns] = products
    information[:, columns, rows] = products
    information += np.diag(precision)
    gradient = (weights * (counts - mean)) @ regressors
    gradient[:, 0] += PRIOR_CASES
    gradient[:, 1:] -= coefficients[:, 1:] * precision[1:]
    covariance = np.linalg.inv(information)
    change = np.einsum("npq,nq->np", covariance, gradient)
    return np.asarray(coefficients + np.clip(change, -1.5, 1.5)), np.asarray(covariance)


def prior_deviations(size: int) -> Floats:
    """Return the prior standard deviations of the coefficients, (size,)."""
    seasonal = np.repeat(HARMONIC_DEVIATIONS, 2)
    return np.concatenate([[LEVEL_DEVIATION, TREND_DEVIATION], seasonal])[:size]


def _variance_ratio(counts: Floats, mean: Floats, weights: Floats, size: int) -> Floats:
    """Return Pearson's estimate of variance over mean, shrunk to the prior, at least 1."""
    squares = (weights * (counts - mean) ** 2 / mean).sum(axis=1)
    freedom = np.maximum(weights.sum(axis=1) - size, 1.0)
    ratio = (squares + PRIOR_STEPS * PRIOR_RATIO) / (freedom + PRIOR_STEPS)
    return np.asarray(np.maximum(ratio, 1.0))


def calm(counts: Floats, mean: Floats, ratio: Floats, observed: Floats) -> Floats:
    """Return for each step the probability that it holds no outbreak, (N, T).

    Works on residuals made symmetric, as Farrington's reweighting does, but takes the steps
    together that one outbreak would fill, so that what comes after tells as well. The power that
    takes the skewness away falls from 2/3 for a Poisson count (Anscombe) to 1/3 for a widely
    spread one, which is like a gamma variable (Wilson and Hilferty).
    """
    power = ((1.0 + 1.0 / ratio) / 3.0)[:, None]
    scale = power * mean ** (power - 0.5) * np.sqrt(ratio)[:, None]
    residual = (counts**power - mean**power) / scale
    residual = np.clip(residual, *RESIDUAL_RANGE) * observed
    series, steps = residual.shape
    ahead = np.concatenate([residual, np.zeros((series, 2))], axis=1)
    matched = sum(SHAPE[lag] * ahead[:, lag : lag + steps] for lag in range(3))
    half_energy = (SHAPE[:3] ** 2).sum() / 2.0
    begun = np.zeros_like(residual)
    for size in PAST_SIZES:
        begun += np.exp(np.minimum(size * matched - size**2 * half_energy, 30.0))
    begun *= PAST_ONSET_PROBABILITY / len(PAST_SIZES)
    on = begun.copy()
    on[:, 1:] += begun[:, :-1]
    # A third step belongs to the outbreak only as far as it stands out itself.
    on[:, 2:] += begun[:, :-2] * np.clip(residual[:, 2:] - 0.5, 0.0, 1.0)
    return np.asarray(1.0 / (1.0 + on))
