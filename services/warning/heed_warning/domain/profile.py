"""The shape of the week and of the year that all cells of a category share.

A factor says how much of a category's level is expected on a day: by kind of day, and, with at
least a year and a half of history, by time of year. Factors are shrunk towards 1 where few items
speak, so a sparse category borrows from all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d, median_filter, uniform_filter1d

from heed_warning.domain.day_kind import KIND_COUNT
from heed_warning.domain.panel import Floats, Ints, Panel

ITEMS_BEFORE_A_KIND_COUNTS = 20.0
ITEMS_BEFORE_A_CATEGORY_COUNTS = 150.0
ITEMS_BEFORE_A_SEASON_COUNTS = 60.0
DAYS_BEFORE_A_SEASON_COUNTS = 548
LOCAL_DAYS = 29
SPIKE_FACTOR = 3.0
SPIKE_ITEMS = 5.0
YEAR_DAYS = 365
SEASON_SMOOTHING_DAYS = 12.0


@dataclass(frozen=True)
class Profile:
    """Factors of C categories."""

    by_kind: Floats
    """Factor of each kind of day, (C, KIND_COUNT)."""
    by_year_day: Floats
    """Factor of each day of the year, (C, 365)."""

    def factors(self, category: Ints, kinds: Ints, year_days: Ints) -> Floats:
        """Return the factor of each cell and day, (N, D)."""
        return (self.by_kind[:, kinds] * self.by_year_day[:, year_days])[category]


def fit_profile(panel: Panel, category: Ints, kinds: Ints, year_days: Ints) -> Profile:
    """Learn the factors from the panel's days alone."""
    finest = panel.levels == panel.levels.max()  # parents repeat their children's items
    totals = np.stack(
        [
            panel.counts[np.flatnonzero(finest & (category == number))].sum(axis=0)
            for number in range(int(category.max()) + 1)
        ]
    )
    totals = _without_spikes(totals)
    season = _season(totals, year_days)
    level = uniform_filter1d(totals / season[:, year_days], LOCAL_DAYS, axis=1, mode="reflect")
    level *= season[:, year_days]
    return Profile(_by_kind(totals, level, kinds), season)


def _without_spikes(totals: Floats) -> Floats:
    """Cut single days far above the weeks around them, which say nothing about any shape."""
    usual = median_filter(totals, size=(1, LOCAL_DAYS), mode="reflect")
    return np.asarray(np.minimum(totals, SPIKE_FACTOR * usual + SPIKE_ITEMS))


def _by_kind(totals: Floats, level: Floats, kinds: Ints) -> Floats:
    indicator = (kinds[:, None] == np.arange(KIND_COUNT)[None, :]).astype(float)
    seen, expected = totals @ indicator, level @ indicator
    shared = (seen.sum(axis=0) + ITEMS_BEFORE_A_KIND_COUNTS) / (
        expected.sum(axis=0) + ITEMS_BEFORE_A_KIND_COUNTS
    )
    weight = ITEMS_BEFORE_A_CATEGORY_COUNTS
    factors = (seen + weight * shared) / (expected + weight)
    usual = indicator.mean(axis=0)  # factors tell days apart; how many items there are is the level
    return np.asarray(factors / (factors @ usual)[:, None])


def _season(totals: Floats, year_days: Ints) -> Floats:
    if totals.shape[1] < DAYS_BEFORE_A_SEASON_COUNTS:
        return np.ones((totals.shape[0], YEAR_DAYS))
    level = uniform_filter1d(totals, YEAR_DAYS, axis=1, mode="nearest")
    seen, expected = np.zeros((2, totals.shape[0], YEAR_DAYS))
    np.add.at(seen.T, year_days, totals.T)
    np.add.at(expected.T, year_days, level.T)
    spread = SEASON_SMOOTHING_DAYS
    seen = gaussian_filter1d(seen, spread, axis=1, mode="wrap")
    expected = gaussian_filter1d(expected, spread, axis=1, mode="wrap")
    around = spread * 2.5  # days that speak through the smoothing
    weight = ITEMS_BEFORE_A_SEASON_COUNTS / around
    shared = (seen.sum(axis=0) + weight) / (expected.sum(axis=0) + weight)
    return np.asarray((seen + weight * shared) / (expected + weight))
