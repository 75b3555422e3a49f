"""The seasonal baseline: a discounted level per cell, times the shape of week and year.

It needs four weeks, is the yardstick that a trained network must beat, and supplies the causal
level that the network reads. Past outbreaks do not raise it: items of a seven-day window that went
beyond what had been foreseen for it seven days before count only up to that bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from heed_warning.domain import negative_binomial as nb
from heed_warning.domain.distribution import Forecast
from heed_warning.domain.panel import Booleans, Floats, Ints, Panel
from heed_warning.domain.profile import Profile, fit_profile

WINDOW_DAYS = 7
LONG_HALF_LIFE_DAYS = 60.0
SHORT_HALF_LIFE_DAYS = 14.0
SHORT_SHARE_AT_START = 0.1
SHARE_WEIGHT = 60.0
DISPERSION_HALF_LIFE_DAYS = 180.0
PRIOR_DAYS = 7.0
"""How many days of its own a cell weighs against what region and category let expect."""
BOUND_DEVIATIONS = 2.33
PASSES = 3
TAIL_ALLOWANCE = 1.1
"""Variance of a normal law over that of its part below BOUND_DEVIATIONS, rounded up."""
START_DISPERSION = 0.05


@dataclass(frozen=True)
class Shrinkage:
    """How strongly a ratio of sums is held back, in units of its denominator."""

    start: float
    cell_weight: float
    group_weight: float


_DISPERSION = Shrinkage(START_DISPERSION, 1500.0, 6000.0)
_SHARE = Shrinkage(SHORT_SHARE_AT_START, SHARE_WEIGHT, SHARE_WEIGHT)


@dataclass(frozen=True)
class Baseline:
    """The fitted baseline on every day of its panel."""

    factors: Floats
    """Expected share of the level on each day, future days included, (N, T + F)."""
    level: Floats
    """Items a day at factor 1 as known at the end of each day, (N, T)."""
    evidence: Floats
    """Items that the level rests on at the end of each day, (N, T)."""
    window_dispersion: Floats
    """Dispersion of seven-day sums around their expectation beyond the level's own, (N,)."""
    day_dispersion: Floats
    """Dispersion of single days given the level, (N,)."""
    bounded: Floats
    """Counts with past outbreaks cut down, (N, T)."""

    def frailty(self, origin: int) -> Floats:
        """Return the variance of the level's error as known on a day, (N,)."""
        common = np.maximum(self.window_dispersion - self.day_dispersion / WINDOW_DAYS, 0.0)
        return common + 1.0 / self.evidence[:, origin]

    def forecast(self, origin: int, horizon: int) -> Forecast:
        """Return the forecast made at the end of day `origin` for the days after it."""
        mean = self.level[:, origin, None] * self.factors[:, origin + 1 : origin + 1 + horizon]
        return Forecast(
            mean=np.maximum(mean, nb.SMALLEST_MEAN),
            dispersion=np.broadcast_to(self.day_dispersion[:, None], mean.shape).copy(),
            frailty=self.frailty(origin),
        )


def fit_baseline(
    panel: Panel, kinds: Ints, year_days: Ints, profile: Profile | None = None
) -> Baseline:
    """Fit to a panel; `kinds` and `year_days` also cover the days to forecast.

    Every quantity of a day rests on days up to it, except the shared profile and the dispersions,
    which rest on the whole panel.
    """
    category, region = panel.groups()
    days = panel.day_count
    profile = profile or fit_profile(panel, category, kinds[:days], year_days[:days])
    factors = profile.factors(category, kinds, year_days)
    counted = np.arange(days)[None, :] >= panel.started[:, None]
    exposed = factors[:, :days] * counted
    exposures = [_discounted(exposed, days) for days in (LONG_HALF_LIFE_DAYS, SHORT_HALF_LIFE_DAYS)]
    sums = _window_sums(panel.counts)
    ahead = _window_sums(factors[:, :days])
    bounded = panel.counts
    dispersion = np.full(len(panel.cells), START_DISPERSION)
    for _ in range(PASSES):
        level, evidence = _levels(panel, bounded, exposures, ahead, region, category)
        mean, frailty = _foreseen(level, evidence, ahead)
        bound = mean + 1.0
        bound += BOUND_DEVIATIONS * np.sqrt(mean + (frailty + dispersion[:, None]) * mean**2)
        bound[:, : 2 * WINDOW_DAYS] = np.inf
        bounded = _bounded(panel.counts, bound)
        calm = counted & (sums <= bound)
        dispersion = _dispersion(sums, mean, frailty, calm, category)
    level, evidence = _levels(panel, bounded, exposures, ahead, region, category)
    single = _day_dispersion(bounded, level, evidence, factors, counted, dispersion, category)
    return Baseline(factors, level, evidence, dispersion, single, bounded)


def _bounded(counts: Floats, bound: Floats) -> Floats:
    """Return the counts of which no seven days together exceed their bound, (N, T).

    Each day counts up to what the six days before it leave of the bound. It looks only backwards:
    what is left of a day never rests on later ones.
    """
    by_day, bound_by_day = np.ascontiguousarray(counts.T), np.ascontiguousarray(bound.T)
    kept = np.zeros_like(by_day)
    running = np.zeros(counts.shape[0])
    for day, items in enumerate(by_day):
        if day >= WINDOW_DAYS:
            running -= kept[day - WINDOW_DAYS]
        kept[day] = np.clip(items, 0.0, np.maximum(bound_by_day[day] - running, 0.0))
        running += kept[day]
    return np.ascontiguousarray(kept.T)


def _discounted(values: Floats, half_life: float) -> Floats:
    keep = 0.5 ** (1.0 / half_life)
    return np.asarray(lfilter([1.0], [1.0, -keep], values, axis=1))


def _window_sums(values: Floats) -> Floats:
    """Return the sum of each day and the six before it, (N, T)."""
    sums = values.cumsum(axis=1)
    sums[:, WINDOW_DAYS:] -= sums[:, :-WINDOW_DAYS].copy()
    return sums


def _levels(
    panel: Panel,
    counts: Floats,
    exposures: Sequence[Floats],
    ahead: Floats,
    region: Ints,
    category: Ints,
) -> tuple[Floats, Floats]:
    """Return level and evidence, each (N, T): a steady level mixed with a quick one.

    How much of the quick one is what would have foreseen past windows best: little where cells are
    steady, much where a season moves them.
    """
    steady, much = _level(panel, counts, exposures[0], LONG_HALF_LIFE_DAYS, region, category)
    quick, little = _level(panel, counts, exposures[1], SHORT_HALF_LIFE_DAYS, region, category)
    foreseen, _ = _foreseen(steady, much, ahead)
    change = _foreseen(quick, little, ahead)[0] - foreseen
    scale = 1.0 / (foreseen + 1.0)
    scale[:, : 2 * WINDOW_DAYS] = 0.0
    missed = _window_sums(counts) - foreseen
    known = exposures[0] > 0
    share = _pooled(missed * change * scale, change**2 * scale, known, category, _SHARE)
    share = np.minimum(share, 1.0)[:, None]
    level = steady + share * (quick - steady)
    # The quick level's items are a part of the steady one's.
    variance = (1.0 - share**2) / much + share**2 / little
    return level, 1.0 / variance


def _level(
    panel: Panel,
    counts: Floats,
    exposure: Floats,
    half_life: float,
    region: Ints,
    category: Ints,
) -> tuple[Floats, Floats]:
    """Return level and evidence, mixing in what region and category together let expect."""
    items = _discounted(counts, half_life)
    prior = np.zeros_like(items)
    for level in np.unique(panel.levels):
        rows = panel.levels == level
        prior[rows] = _independent_rate(items[rows], exposure[rows], region[rows], category[rows])
    evidence = items + PRIOR_DAYS * prior
    return np.asarray(evidence / (exposure + PRIOR_DAYS)), np.maximum(evidence, 0.05)


def _independent_rate(items: Floats, exposure: Floats, region: Ints, category: Ints) -> Floats:
    """Return the rate of each cell if regions and categories were independent, (n, T)."""
    total = np.maximum(items.sum(axis=0), 1.0)
    share = _sum_of_group(items, region) * _sum_of_group(items, category) / total
    return np.asarray((share + 0.02) / (exposure + 1.0))


def _sum_of_group(values: Floats, group: Ints) -> Floats:
    """Return for each row the sum over the rows of its group, (n, T).

    Sorted rows and reduceat: np.add.at took half of the whole fit.
    """
    _, number = np.unique(group, return_inverse=True)
    order = np.argsort(number, kind="stable")
    starts = np.flatnonzero(np.diff(number[order], prepend=-1))
    return np.asarray(np.add.reduceat(values[order], starts, axis=0)[number])


def _foreseen(level: Floats, evidence: Floats, ahead: Floats) -> tuple[Floats, Floats]:
    """Return mean and frailty of each day's window as foreseen seven days before, (N, T)."""
    lag = WINDOW_DAYS
    mean = np.empty_like(level)
    frailty = np.empty_like(level)
    mean[:, lag:] = level[:, :-lag] * ahead[:, lag:]
    frailty[:, lag:] = 1.0 / evidence[:, :-lag]
    mean[:, :lag] = level[:, :1] * ahead[:, :lag]
    frailty[:, :lag] = 1.0 / evidence[:, :1]
    return mean, frailty


def _dispersion(
    sums: Floats, mean: Floats, frailty: Floats, counted: Booleans, category: Ints
) -> Floats:
    """Estimate the dispersion of windows by moments, shrunk to the category's and to all, (N,).

    Windows beyond their bound are outbreaks and left out; the allowance stands for the quiet ones
    among them.
    """
    settled = np.cumsum(counted, axis=1) > 2 * WINDOW_DAYS
    excess = TAIL_ALLOWANCE * (sums - mean) ** 2 - mean - frailty * mean**2
    return _pooled(excess, mean**2, counted & settled, category, _DISPERSION)


def _day_dispersion(
    bounded: Floats,
    level: Floats,
    evidence: Floats,
    factors: Floats,
    counted: Booleans,
    window: Floats,
    category: Ints,
) -> Floats:
    """Split the dispersion into that of single days and that common to a window, (N,)."""
    mean = level[:, :-1] * factors[:, 1 : level.shape[1]]
    excess = (bounded[:, 1:] - mean) ** 2 - mean - mean**2 / evidence[:, :-1]
    total = _pooled(excess, mean**2, counted[:, :-1], category, _DISPERSION)
    return np.maximum(total - window, 0.0) * WINDOW_DAYS / (WINDOW_DAYS - 1)


def _pooled(
    above: Floats, below: Floats, usable: Booleans, category: Ints, shrinkage: Shrinkage
) -> Floats:
    """Return a ratio of discounted sums for each cell, shrunk to its category's and that to all."""
    keep = 0.5 ** (1.0 / DISPERSION_HALF_LIFE_DAYS)
    days = above.shape[1]
    weight = usable * keep ** np.arange(days - 1, -1, -1)[None, :]
    above, below = (above * weight).sum(axis=1), (below * weight).sum(axis=1)
    group = shrinkage.group_weight
    pool = (above.sum() + group * shrinkage.start) / (below.sum() + group)
    sums = np.zeros((2, int(category.max()) + 1))
    np.add.at(sums[0], category, above)
    np.add.at(sums[1], category, below)
    shared = (sums[0] + group * pool) / (sums[1] + group)
    own = (above + shrinkage.cell_weight * shared[category]) / (below + shrinkage.cell_weight)
    return np.asarray(np.maximum(own, 0.0))
