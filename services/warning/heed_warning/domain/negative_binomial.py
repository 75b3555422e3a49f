"""The negative-binomial law on arrays, in the mean and dispersion form used throughout.

The variance of a count with mean m and dispersion a is m + a m^2; a = 0 is the Poisson law. Every
function broadcasts, and none answers NaN for finite input. It must not know what is counted.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Numbers = Floats | float

SMALLEST_MEAN = 1e-9
SMALLEST_DISPERSION = 1e-8


def upper_tail(count: Numbers, mean: Numbers, dispersion: Numbers) -> Floats:
    """Return P(Y >= count). At a count of 0 or less it is 1."""
    count, mean, dispersion = np.broadcast_arrays(
        np.asarray(count, float), np.asarray(mean, float), np.asarray(dispersion, float)
    )
    mean = np.maximum(mean, SMALLEST_MEAN)
    shape = 1.0 / np.maximum(dispersion, SMALLEST_DISPERSION)
    at_least_one = np.maximum(count, 1.0)
    overdispersed = special.betainc(at_least_one, shape, mean / (mean + shape))
    poisson = special.gammainc(at_least_one, mean)
    tail = np.where(dispersion > SMALLEST_DISPERSION, overdispersed, poisson)
    return np.where(count <= 0, 1.0, tail)


def quantile(probability: Numbers, mean: Numbers, dispersion: Numbers) -> Floats:
    """Return the smallest count q with P(Y <= q) >= probability."""
    probability, mean, dispersion = np.broadcast_arrays(
        np.asarray(probability, float), np.asarray(mean, float), np.asarray(dispersion, float)
    )
    deviation = np.sqrt(mean + dispersion * mean**2)
    low = np.full(mean.shape, -1.0)
    high = np.ceil(mean + 8.0 * deviation + 8.0)
    while np.any(short := 1.0 - upper_tail(high + 1.0, mean, dispersion) < probability):
        high = np.where(short, 2.0 * high, high)
        if np.all(high > 1e15):
            break
    while np.any(high - low > 1.0):
        middle = np.floor((low + high) / 2.0)
        reached = 1.0 - upper_tail(middle + 1.0, mean, dispersion) >= probability
        open_interval = high - low > 1.0
        high = np.where(open_interval & reached, middle, high)
        low = np.where(open_interval & ~reached, middle, low)
    return high


def draw(rng: np.random.Generator, mean: Numbers, dispersion: Numbers) -> NDArray[np.int64]:
    """Return random counts of the broadcast shape."""
    mean, dispersion = np.broadcast_arrays(mean, dispersion)
    shape = 1.0 / np.maximum(dispersion, SMALLEST_DISPERSION)
    return rng.poisson(rng.gamma(shape, np.maximum(mean, SMALLEST_MEAN) / shape))
