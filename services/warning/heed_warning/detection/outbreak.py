"""What an outbreak looks like, and the odds that one is on given the latest counts.

An outbreak adds cases whose onsets are spread over time like a lognormal law with median 1 step and
deviation 0.5, its size being a multiple of the standard deviation of the counts (Noufaily et al.
2013, Statistics in Medicine 32:1206-1222). The odds sum over when it began and how large it is, and
over how far the baseline as a whole may be off.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

LATEST_STEPS: Final = 6
"""Steps before and including the one judged that are looked at for an onset."""
SHAPE: Final = np.diff(special.ndtr(np.log(np.maximum(np.arange(LATEST_STEPS + 1), 1e-12)) / 0.5))
"""Share of an outbreak's cases in its first, second ... step."""
SIZES: Final = np.arange(1.0, 11.0)
"""Cases of an outbreak in standard deviations of the counts, all thought equally likely."""
HISTORY_SIZES: Final = np.array([2.0, 3.5, 5.0, 7.0, 10.0])
ONSET_PROBABILITY: Final = 1.0 / 49.0
SHAPED_STEPS: Final = 4
LARGEST_DEVIATIONS: Final = 10.0
"""Counts further above their mean than this many standard deviations count as that far."""
SMALLEST_EXCESS_RATIO: Final = 1.0001
_NODES, _NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(5)


def log_probability(count: Floats, mean: Floats, variance: Floats) -> Floats:
    """Return the log probability under the negative-binomial law of that mean and variance."""
    ratio = np.maximum(variance / mean, SMALLEST_EXCESS_RATIO)
    shape = mean / (ratio - 1.0)
    return np.asarray(
        special.gammaln(count + shape)
        - special.gammaln(shape)
        - special.gammaln(count + 1.0)
        - shape * np.log(ratio)
        + count * np.log1p(-1.0 / ratio)
    )


def log_odds(counts: Floats, mean: Floats, ratio: Floats, level_variance: Floats) -> Floats:
    """Return the log odds that an outbreak is on in the last step, (N,).

    `counts` and `mean` are the latest steps, oldest first, (N, LATEST_STEPS); NaN where a count is
    missing. `ratio` is variance over mean, `level_variance` that of the log mean's error, (N,).
    """
    on = []
    off = []
    farthest = mean + LARGEST_DEVIATIONS * np.sqrt(ratio[:, None] * mean) + LARGEST_DEVIATIONS
    counts = np.minimum(counts, farthest)
    for node, weight in zip(_NODES, _NODE_WEIGHTS / _NODE_WEIGHTS.sum(), strict=True):
        shifted = mean * np.exp(np.sqrt(level_variance) * node)[:, None]
        calm, on_now, off_now = _hypotheses(counts, shifted, ratio)
        on.append(calm + np.log(weight) + on_now)
        off.append(calm + np.log(weight) + off_now)
    return np.asarray(np.logaddexp.reduce(on, axis=0) - np.logaddexp.reduce(off, axis=0))


def _hypotheses(counts: Floats, mean: Floats, ratio: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the log likelihood of no outbreak and, relative to it, of one on now and of none now.

    Each is (N,); "none now" holds outbreaks that are over.
    """
    steps = counts.shape[1]
    deviation = np.sqrt(ratio[:, None] * mean)
    calm = np.nan_to_num(log_probability(counts, mean, deviation**2))
    prior = np.log(ONSET_PROBABILITY / len(SIZES))
    on: list[Floats] = []
    off: list[Floats] = [np.zeros(len(counts))]
    for size in SIZES:
        gains = [
            np.nan_to_num(
                log_probability(counts, mean + cases, deviation**2 + cases),
            )
            - calm
            for cases in (size * share * deviation for share in SHAPE[:SHAPED_STEPS])
        ]
        for age in range(steps):
            shaped = min(age, SHAPED_STEPS)
            before = sum(
                (gains[lag][:, steps - 1 - age + lag] for lag in range(shaped)),
                np.zeros(len(counts)),
            )
            now = gains[age][:, -1] if age < SHAPED_STEPS else 0.0
            to_come = size * deviation[:, steps - 1 - age] * SHAPE[age:].sum()
            ended = before - to_come
            whole = before + now
            # Of all ways it may have gone, those with a case still to come: the rest has ended.
            lasting = -np.expm1(np.minimum(ended - whole, -1e-9))
            off.append(ended + prior)
            on.append(whole + np.log(np.maximum(lasting, 1e-9)) + prior)
    return (
        np.asarray(calm.sum(axis=1)),
        np.asarray(np.logaddexp.reduce(on, axis=0)),
        np.asarray(np.logaddexp.reduce(off, axis=0)),
    )
