"""Learns how intervals have to be read, from forecasts made before and what came (conformal)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from heed_warning.domain import negative_binomial as nb
from heed_warning.domain.distribution import Forecast
from heed_warning.domain.intervals import (
    NOMINAL_OUTSIDE,
    NOMINAL_TAIL,
    SUM_DAYS,
    outside_scores,
)
from heed_warning.domain.panel import Booleans, Floats

OUTSIDE_BOUNDS = (0.005, 0.5)
TAIL_BOUNDS = (0.002, 0.25)
FEWEST_SUMS = 100
"""Sums below which nothing is learned from them: a tail of 5 % has five of them."""
POINTS_OF_A_STEP = (np.arange(8) + 0.5) / 8.0


@dataclass(frozen=True)
class Held:
    """Forecasts of series made at one origin, held against what came."""

    forecast: Forecast
    counts: Floats
    """(N, H)."""
    observed: Booleans


def day_outside(held: Sequence[Held]) -> float:
    """Return what 90 % intervals of single steps leave outside so as to hold 90 % of them."""
    scores = [
        outside_scores(one.counts, one.forecast.mean, one.forecast.day_dispersion())[one.observed]
        for one in held
    ]
    return _share(scores, 1, NOMINAL_OUTSIDE, NOMINAL_OUTSIDE, OUTSIDE_BOUNDS)


def sum_outside(held: Sequence[Held]) -> list[float]:
    """Return the same for sums over SUM_DAYS; of longer sums than horizons what shorter ones say.

    As learned from whole sums alone; nominal where there are too few.
    """
    found: list[float] = []
    for days in SUM_DAYS:
        scores = [outside_scores(*sums) for sums in _sums(held, days)]
        usual = found[-1] if found else NOMINAL_OUTSIDE
        found.append(_share(scores, FEWEST_SUMS, usual, NOMINAL_OUTSIDE, OUTSIDE_BOUNDS))
    return found


def tail_share(held: Sequence[Held]) -> float:
    """Return the probability by the law beyond which 5 % of the sums of a week lay.

    A count is spread evenly over its step of the law, so that steps make no difference.
    """
    scores = []
    for counts, mean, dispersion in _sums(held, SUM_DAYS[0]):
        reached = nb.upper_tail(counts, mean, dispersion)[:, None]
        exceeded = nb.upper_tail(counts + 1.0, mean, dispersion)[:, None]
        scores.append((exceeded + (reached - exceeded) * POINTS_OF_A_STEP).ravel())
    fewest = FEWEST_SUMS * len(POINTS_OF_A_STEP)
    return _share(scores, fewest, NOMINAL_TAIL, NOMINAL_TAIL, TAIL_BOUNDS)


def _share(
    scores: Sequence[Floats], fewest: int, usual: float, wanted: float, limits: tuple[float, float]
) -> float:
    """Return the score below which a wanted share of all lie, the usual one of too few."""
    every = np.concatenate([np.zeros(0), *scores])
    if len(every) < fewest:
        return usual
    return float(np.clip(np.quantile(every, wanted), *limits))


def _sums(held: Sequence[Held], days: int) -> list[tuple[Floats, Floats, Floats]]:
    """Return counts, means and dispersions of the sums over the first days, where all are known."""
    found = []
    for one in held:
        if one.counts.shape[1] >= days:
            rows = np.flatnonzero(one.observed[:, :days].all(axis=1))
            mean, dispersion = one.forecast.select(rows).window(0, days)
            found.append((one.counts[rows, :days].sum(axis=1), mean, dispersion))
    return found
