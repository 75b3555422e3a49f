"""The classical family: level by exponential smoothing, times the season that a category shares.

It is the multiplicative Holt-Winters idea for counts: the season comes from all series of the
category, the level from steady and recent smoothing, the spread from its own past errors. It fits
all series at once. Why no ETS or ARIMA library answers here: docs/adr/0008-forecast-families.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heed_warning.domain import negative_binomial as nb
from heed_warning.domain.distribution import Forecast
from heed_warning.domain.panel import Floats
from heed_warning.forecasting.family import CLASSICAL, Fitted, Prepared
from heed_warning.forecasting.grouping import BROKEN, groups_at, level_after_break
from heed_warning.forecasting.spread import spread_of


@dataclass(frozen=True)
class Smoothed:
    """Level and season at an origin."""

    prepared: Prepared
    origin: int

    def predict(self, horizon: int) -> Forecast:
        """Return the level times the season; after a break, the level of the last weeks alone."""
        table, shape = self.prepared.table, self.prepared.shape
        group, _ = groups_at(self.prepared, self.origin)
        level = np.where(
            group == BROKEN,
            level_after_break(self.prepared, self.origin),
            self.prepared.levels.expected[:, self.origin],
        )
        mean = level[:, None] * shape.ahead(self.origin, horizon)[table.category]
        return with_spread(self.prepared, self.origin, mean)


@dataclass(frozen=True)
class Classical:
    """Implements Family."""

    name: str = CLASSICAL

    def fit(self, prepared: Prepared, as_of: int) -> Fitted:
        """Everything is derived already; what is known at `as_of` is read from it."""
        return Smoothed(prepared, as_of)


def with_spread(prepared: Prepared, origin: int, mean: Floats) -> Forecast:
    """Return the law around means (N, H) whose spread is that of past errors."""
    horizon = mean.shape[1]
    dispersion, frailty = spread_of(
        prepared.table, prepared.shape, prepared.levels, origin, horizon
    )
    return Forecast(
        mean=np.maximum(mean, nb.SMALLEST_MEAN),
        dispersion=np.broadcast_to(dispersion[:, None], mean.shape).copy(),
        frailty=frailty,
    )
