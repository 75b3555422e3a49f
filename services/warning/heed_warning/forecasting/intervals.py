"""Prediction intervals of counts, calibrated to hold as many as they say (conformal).

A count's law has steps, so an interval between its quantiles holds too many counts where they are
small. The bounds here are the counts whose middle probability, that of fewer and half that of as
many, lies within the levels; how much to leave outside is learned from what earlier forecasts
missed (a conformal score), so that over all counts the promised share is held.
"""

from __future__ import annotations

import numpy as np

from heed_warning.domain import negative_binomial as nb
from heed_warning.domain.distribution import Forecast
from heed_warning.domain.panel import Floats


def middle_probability(counts: Floats, forecast: Forecast) -> Floats:
    """Return P(Y < count) + P(Y = count) / 2 for counts (N, H)."""
    dispersion = forecast.day_dispersion()
    reached = nb.upper_tail(counts, forecast.mean, dispersion)
    exceeded = nb.upper_tail(counts + 1.0, forecast.mean, dispersion)
    return 1.0 - (reached + exceeded) / 2.0


def outside_scores(counts: Floats, forecast: Forecast) -> Floats:
    """Return the largest probability left outside at which the interval holds each count."""
    middle = middle_probability(counts, forecast)
    return 2.0 * np.minimum(middle, 1.0 - middle)


def interval(forecast: Forecast, outside: Floats | float) -> tuple[Floats, Floats]:
    """Return the bounds that leave a probability outside, `outside` (N,) or one; each (N, H).

    The median always lies within.
    """
    dispersion = forecast.day_dispersion()
    share = np.broadcast_to(np.asarray(outside, float), (len(forecast.mean),))[:, None] / 2.0
    median = nb.quantile(0.5, forecast.mean, dispersion)
    low = nb.quantile(share, forecast.mean, dispersion)
    low += middle_probability(low, forecast) < share
    high = nb.quantile(1.0 - share, forecast.mean, dispersion)
    high -= middle_probability(high, forecast) > 1.0 - share
    return np.minimum(low, median), np.maximum(high, median)
