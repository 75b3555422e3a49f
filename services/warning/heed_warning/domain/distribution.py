"""What every forecaster answers: the joint law of the coming days of many cells.

A cell's day h has a negative-binomial count around mean[h], and one random factor (the frailty)
multiplies all its days, because the level itself is uncertain: that is what makes a whole week too
high at once. Sums over days and quantiles follow by matching mean and variance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heed_warning.domain import negative_binomial as nb

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Forecast:
    """The coming days of N cells, H days ahead."""

    mean: Floats
    """Expected items, (N, H)."""
    dispersion: Floats
    """Dispersion of single days given the level, (N, H)."""
    frailty: Floats
    """Variance of the factor common to a cell's days, (N,)."""

    def day_dispersion(self) -> Floats:
        """Return the dispersion of single days with the level unknown, (N, H)."""
        frailty = self.frailty[:, None]
        return self.dispersion + frailty + self.dispersion * frailty

    def window(self, start: int, stop: int) -> tuple[Floats, Floats]:
        """Return mean and dispersion of the sum over the days start to stop, each (N,)."""
        mean = self.mean[:, start:stop]
        total = np.maximum(mean.sum(axis=1), nb.SMALLEST_MEAN)
        within = (self.dispersion[:, start:stop] * (1 + self.frailty[:, None]) * mean**2).sum(
            axis=1
        )
        return total, within / total**2 + self.frailty

    def day_quantile(self, probability: float) -> Floats:
        """Return a quantile of every single day, (N, H)."""
        return nb.quantile(probability, self.mean, self.day_dispersion())

    def sample(self, rng: np.random.Generator, paths: int) -> NDArray[np.int64]:
        """Return simulated days, (paths, N, H); days of one path share their cell's factor."""
        shape = 1.0 / np.maximum(self.frailty, nb.SMALLEST_DISPERSION)
        factor = rng.gamma(shape, 1.0 / shape, size=(paths, *shape.shape))
        return nb.draw(rng, self.mean * factor[:, :, None], self.dispersion)

    def exceedance(
        self,
        rng: np.random.Generator,
        threshold: Floats,
        *,
        window_days: int,
        past: Floats,
        horizons: tuple[int, ...],
        paths: int = 400,
    ) -> Floats:
        """Return the probability that some window ending within each horizon exceeds the threshold.

        A window that ends soon holds days already known; `past` has the last window_days - 1
        observed days, (N, window_days - 1). It is the share of simulated futures that exceed,
        never a mean count held against a factor of the threshold. Returns (N, len(horizons)).
        """
        days = self.sample(rng, paths).astype(float)
        known = np.broadcast_to(past, (paths, *past.shape))
        sums = np.concatenate([known, days], axis=2).cumsum(axis=2)
        sums = np.concatenate([np.zeros((*sums.shape[:2], 1)), sums], axis=2)
        windows = sums[:, :, window_days:] - sums[:, :, :-window_days]  # (paths, N, H)
        exceeded = np.maximum.accumulate(windows > threshold[None, :, None], axis=2)
        return np.stack([exceeded[:, :, horizon - 1].mean(axis=0) for horizon in horizons], axis=1)

    def select(self, rows: NDArray[np.int64]) -> Forecast:
        """Return the same for some of the cells."""
        return Forecast(self.mean[rows], self.dispersion[rows], self.frailty[rows])


def combine(first: Forecast, second: Forecast, use_second: NDArray[np.bool_]) -> Forecast:
    """Return the first forecast with the cells marked in `use_second` taken from the second."""
    rows = use_second[:, None]
    return Forecast(
        mean=np.where(rows, second.mean, first.mean),
        dispersion=np.where(rows, second.dispersion, first.dispersion),
        frailty=np.where(use_second, second.frailty, first.frailty),
    )
