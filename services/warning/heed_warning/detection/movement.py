"""The movement that all series share: weather, holidays, a new way of reporting.

A step in which most series stand above their expectation is no outbreak in any of them. How far it
explains a count is measured on how much the series moved together before: where they never did, as
in unrelated series, it explains nothing, and a single series has no such movement at all.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LARGEST_RESIDUAL: Final = 2.5
"""Standard deviations beyond which a count says no more about the common movement."""
OWN_VARIANCE: Final = 0.15
"""Variance of the relative movement of one series around the common one."""
FACTOR_RANGE: Final = (0.2, 6.0)


class Movement:
    """Sums over all series of how far each step was off, from which the movement follows."""

    def __init__(self, steps: int) -> None:
        self._sums = np.zeros((4, steps))
        """Of weighted residuals, of their squares, of weights and of their squares, per step."""

    def clear(self, steps: slice) -> None:
        """Forget some steps, so that they can be added anew."""
        self._sums[:, steps] = 0.0

    def add(self, steps: slice, excess: Floats, weight: Floats) -> None:
        """Add what `excesses` says of N series on some steps, each (N, steps)."""
        for total, values in zip(self._sums, (excess, excess**2, weight, weight**2), strict=True):
            total[steps] += values.sum(axis=0)

    def variance(self, end: int) -> float:
        """Return the variance of the movement over the steps before `end`.

        Products of different series only: a series' own noise is no movement.
        """
        excess, excess_squares, weight, weight_squares = self._sums[:, :end]
        pairs = (weight**2 - weight_squares).sum()
        together = (excess**2 - excess_squares).sum()
        return float(max(0.0, together / pairs)) if pairs > 1e-9 else 0.0

    def log_factor(self, end: int) -> Floats:
        """Return the log factor on the steps before `end`, (end,)."""
        return _log_factor(self._sums[0, :end], self._sums[2, :end], self.variance(end))

    def log_factor_without(
        self, steps: slice, excess: Floats, weight: Floats, variance: float
    ) -> Floats:
        """Return the log factor of each of N series told by the others alone, (N, steps)."""
        return _log_factor(self._sums[0, steps] - excess, self._sums[2, steps] - weight, variance)


def excesses(
    counts: Floats, observed: Floats, mean: Floats, ratio: Floats
) -> tuple[Floats, Floats]:
    """Return weighted relative residuals and their weights, each (N, steps)."""
    relative = np.sqrt(ratio[:, None] / mean)
    residual = np.clip((counts - mean) / (relative * mean), -LARGEST_RESIDUAL, LARGEST_RESIDUAL)
    weight = observed / (relative**2 + OWN_VARIANCE)
    return np.asarray(weight * residual * relative), np.asarray(weight)


def _log_factor(excess: Floats, weight: Floats, variance: float) -> Floats:
    """Return the log of 1 + the mean residual, shrunk by what chance alone would make of it."""
    factor = 1.0 + excess * variance / (weight * variance + 1.0)
    return np.asarray(np.log(np.clip(factor, *FACTOR_RANGE)))
