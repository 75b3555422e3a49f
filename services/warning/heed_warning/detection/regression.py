"""The expected counts of many series at once: one regression each, fitted together.

Every series has log mean = level + trend + harmonics of the period, and a variance proportional to
its mean. Weights keep past outbreaks out of the fit; priors hold trend and season back where the
history is short. All series share one time axis, so a Newton step is one matrix product for all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heed_warning.detection.outbreak import HISTORY_SIZES, SHAPE

Floats = NDArray[np.float64]

LEVEL_DEVIATION = 10.0
TREND_DEVIATION = 0.15
"""Prior standard deviation of the change of the log mean over TREND_STEPS."""
TREND_STEPS = 52.0
HARMONIC_DEVIATIONS = (0.5, 0.25, 0.15)
PRIOR_VARIANCE_RATIO = 1.4
PRIOR_STEPS = 10.0
"""How many steps of its own a series weighs against the prior ratio of variance to mean."""
OUTBREAK_SHARE = 0.015
"""Share of steps at which an outbreak is thought to begin before anything is seen."""
LARGEST_LOG_MEAN = 20.0
SMALLEST_LOG_MEAN = -12.0
EXTREME_RESIDUAL = 12.0


@dataclass
class Fit:
    """The regressions of N series; refitted in place of being fitted anew as steps arrive."""

    coefficients: Floats
    """(N, P)."""
    covariance: Floats
    """Of the coefficients, (N, P, P)."""
    variance_ratio: Floats
    """Variance of a count over its mean, at least 1, (N,)."""
    weights: Floats
    """Probability of each past step to hold no outbreak, (N, T)."""


def design(steps: int, period: float) -> Floats:
    """Return the regressors of steps 0 .. steps-1, (steps, P)."""
    step = np.arange(steps)
    columns = [np.ones(steps), (step - steps) / TREND_STEPS]
    for multiple in range(1, harmonics(period) + 1):
        angle = 2.0 * np.pi * multiple * step / period
        columns += [np.cos(angle), np.sin(angle)]
    return np.stack(columns, axis=1)


def harmonics(period: float) -> int:
    """Return how many harmonics a period carries: the whole week in days, else two."""
    most = 3 if period <= 7 else 2
    return max(0, min(most, int((period - 1) // 2)))


def fit(counts: Floats, observed: Floats, regressors: Floats, last: Fit | None = None) -> Fit:
    """Fit to counts (N, T), of which `observed` (N, T) marks those that exist by 1.

    `last` is the fit some steps earlier with the same regressors, from which two rounds suffice.
    """
    series, steps = counts.shape
    size = regressors.shape[1]
    rounds = 10 if last is None else 2
    current = _start(counts, observed, size) if last is None else last
    known = np.ones((series, steps - current.weights.shape[1]))
    weights = np.concatenate([current.weights, known], axis=1) * observed
    coefficients, ratio = current.coefficients, current.variance_ratio
    covariance = current.covariance
    for round_ in range(rounds):
        coefficients, covariance = _newton_step(counts, weights, ratio, coefficients, regressors)
        if round_ >= rounds - 4:
            mean = means(coefficients, regressors)
            ratio = _variance_ratio(counts, mean, weights, size)
            weights = calm(counts, mean, ratio, observed) * observed
    return Fit(coefficients, covariance, ratio, weights)


def means(coefficients: Floats, regressors: Floats) -> Floats:
    """Return the expected counts, (N, T)."""
    log_mean = coefficients @ regressors.T
    return np.asarray(np.exp(np.clip(log_mean, SMALLEST_LOG_MEAN, LARGEST_LOG_MEAN)))


def _start(counts: Floats, observed: Floats, size: int) -> Fit:
    series = len(counts)
    coefficients = np.zeros((series, size))
    mean = ((counts * observed).sum(axis=1) + 0.5) / (observed.sum(axis=1) + 1.0)
    coefficients[:, 0] = np.log(mean)
    return Fit(
        coefficients,
        np.zeros((series, size, size)),
        np.full(series, PRIOR_VARIANCE_RATIO),
        np.ones_like(counts),
    )


def _newton_step(
    counts: Floats, weights: Floats, ratio: Floats, coefficients: Floats, regressors: Floats
) -> tuple[Floats, Floats]:
    """Return coefficients and covariance after one step of the weighted quasi-likelihood."""
    size = regressors.shape[1]
    upper = np.triu_indices(size)
    precision = 1.0 / _prior_deviations(size) ** 2
    mean = means(coefficients, regressors)
    weights = weights / ratio[:, None]
    information = np.empty((len(counts), size, size))
    products = (weights * mean) @ (regressors[:, upper[0]] * regressors[:, upper[1]])
    information[:, upper[0], upper[1]] = products
    information[:, upper[1], upper[0]] = products
    information += np.diag(precision)
    gradient = (weights * (counts - mean)) @ regressors
    gradient[:, 1:] -= coefficients[:, 1:] * precision[1:]
    covariance = np.linalg.inv(information)
    change = np.einsum("npq,nq->np", covariance, gradient)
    return np.asarray(coefficients + np.clip(change, -1.5, 1.5)), np.asarray(covariance)


def _prior_deviations(size: int) -> Floats:
    deviations = [LEVEL_DEVIATION, TREND_DEVIATION]
    for deviation in HARMONIC_DEVIATIONS:
        deviations += [deviation, deviation]
    return np.array(deviations[:size])


def _variance_ratio(counts: Floats, mean: Floats, weights: Floats, size: int) -> Floats:
    """Return Pearson's estimate of variance over mean, shrunk to the prior, at least 1."""
    squares = (weights * (counts - mean) ** 2 / mean).sum(axis=1)
    freedom = np.maximum(weights.sum(axis=1) - size, 1.0)
    ratio = (squares + PRIOR_STEPS * PRIOR_VARIANCE_RATIO) / (freedom + PRIOR_STEPS)
    return np.asarray(np.maximum(ratio, 1.0))


def calm(counts: Floats, mean: Floats, ratio: Floats, observed: Floats) -> Floats:
    """Return for each step the probability that it holds no outbreak, (N, T).

    Works on Anscombe residuals, as Farrington's reweighting does, but looks at the steps together
    that one outbreak would fill: both what came before and what came after tell.
    """
    residual = 1.5 * (np.cbrt(counts**2) - np.cbrt(mean**2)) / np.sqrt(ratio)[:, None]
    residual /= mean ** (1.0 / 6.0)
    residual = np.clip(residual, -3.0, EXTREME_RESIDUAL) * observed
    series, steps = residual.shape
    after = np.concatenate([residual, np.zeros((series, 2))], axis=1)
    matched = sum(SHAPE[lag] * after[:, lag : lag + steps] for lag in range(3))
    power = (SHAPE[:3] ** 2).sum() / 2.0
    begun = np.zeros_like(residual)
    for size in HISTORY_SIZES:
        begun += np.exp(np.minimum(size * matched - size**2 * power, 30.0))
    begun *= OUTBREAK_SHARE / len(HISTORY_SIZES)
    on = begun.copy()
    on[:, 1:] += begun[:, :-1]
    on[:, 2:] += begun[:, :-2] * np.clip(residual[:, 2:] > 0.5, 0.0, 1.0)
    return np.asarray(1.0 / (1.0 + on))
