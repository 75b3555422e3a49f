"""Prediction intervals of counts, calibrated to hold as many as they say (conformal).

A count's law has steps, so an interval between its quantiles holds too many counts where they are
small. The bounds here are the counts whose middle probability, that of fewer and half that of as
many, lies within the levels. How much a 90 % interval has to leave outside so that it holds 90 % is
learned from what earlier forecasts missed (a conformal score); all other quantiles are drawn in or
out as far, on the scale of the normal law, so that they keep their order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from heed_warning.domain import negative_binomial as nb
from heed_warning.domain.panel import Booleans, Floats, Ints

SUM_DAYS = (7, 14, 28)
"""Days whose sums are calibrated, each number of days for itself."""
NOMINAL_OUTSIDE = 0.1
NOMINAL_TAIL = NOMINAL_OUTSIDE / 2.0
_NOMINAL_Z = float(special.ndtri(1.0 - NOMINAL_TAIL))


@dataclass(frozen=True)
class Calibration:
    """What validation taught about the intervals of N series, or of N groups of series."""

    day: Floats
    """Probability left outside the 90 % interval of single steps so that it holds 90 %, (N,)."""
    sums: Floats
    """The same for sums over SUM_DAYS, (N, 3)."""
    tail: Floats
    """Probability by the law beyond which 5 % of the sums of a week lay, (N,)."""

    def select(self, rows: Ints) -> Calibration:
        """Return that of some rows, or that of each series by its group."""
        return Calibration(self.day[rows], self.sums[rows], self.tail[rows])

    def sum_outside(self, days: int) -> Floats:
        """Return what the interval of the sum over a number of days leaves outside, (N,)."""
        longest = max((place for place, known in enumerate(SUM_DAYS) if known <= days), default=0)
        return np.asarray(self.sums[:, longest])

    def exceedance(self, share: Floats) -> Floats:
        """Return how likely that is to which simulated futures give a share (N, ...)."""
        scale = self.tail.reshape(-1, *(1,) * (share.ndim - 1))
        scale = special.ndtri(1.0 - scale) / _NOMINAL_Z
        return np.asarray(special.ndtr(special.ndtri(share) / scale))


def nominal(count: int) -> Calibration:
    """Return the calibration of series of which nothing was learned."""
    return Calibration(
        np.full(count, NOMINAL_OUTSIDE),
        np.full((count, len(SUM_DAYS)), NOMINAL_OUTSIDE),
        np.full(count, NOMINAL_TAIL),
    )


def choose(first: Calibration, second: Calibration, use_second: Booleans) -> Calibration:
    """Return the first calibration with the rows marked in `use_second` taken from the second."""
    return Calibration(
        np.where(use_second, second.day, first.day),
        np.where(use_second[:, None], second.sums, first.sums),
        np.where(use_second, second.tail, first.tail),
    )


def middle_probability(counts: Floats, mean: Floats, dispersion: Floats) -> Floats:
    """Return P(Y < count) + P(Y = count) / 2; all of one shape."""
    reached = nb.upper_tail(counts, mean, dispersion)
    exceeded = nb.upper_tail(counts + 1.0, mean, dispersion)
    return 1.0 - (reached + exceeded) / 2.0


def outside_scores(counts: Floats, mean: Floats, dispersion: Floats) -> Floats:
    """Return the largest probability left outside at which the interval holds each count."""
    middle = middle_probability(counts, mean, dispersion)
    return 2.0 * np.minimum(middle, 1.0 - middle)


def interval(mean: Floats, dispersion: Floats, outside: Floats) -> tuple[Floats, Floats]:
    """Return the bounds of 90 % intervals that leave a probability outside; all of one shape.

    The median always lies within.
    """
    low, high = (_bound(share, mean, dispersion) for share in (outside / 2.0, 1.0 - outside / 2.0))
    median = nb.quantile(0.5, mean, dispersion)
    return np.minimum(low, median), np.maximum(high, median)


def calibrated_quantile(
    probability: float, mean: Floats, dispersion: Floats, outside: Floats
) -> Floats:
    """Return a quantile whose 90 % interval leaves `outside` outside; all of one shape."""
    median = nb.quantile(0.5, mean, dispersion)
    if probability == 0.5:
        return median
    scale = special.ndtri(1.0 - outside / 2.0) / _NOMINAL_Z
    bound = _bound(special.ndtr(special.ndtri(probability) * scale), mean, dispersion)
    return np.minimum(bound, median) if probability < 0.5 else np.maximum(bound, median)


def _bound(share: Floats, mean: Floats, dispersion: Floats) -> Floats:
    """Return the outermost count whose middle probability lies within, on the side of a share."""
    lower = share < 0.5
    found = nb.quantile(share, mean, dispersion)
    middle = middle_probability(found, mean, dispersion)
    return np.where(lower, found + (middle < share), found - (middle > share))
