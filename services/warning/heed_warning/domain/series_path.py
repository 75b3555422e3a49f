"""How a series is forecast, by its length and volume; each path has a rule of its own.

Every rule looks at steps up to the origin only. The numbers are the contract's SeriesPath.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from heed_warning.domain.panel import Booleans, Floats, Ints

WEEKS_REQUIRED = 4
WEEKS_FOR_REGULAR = 26
SPARSE_ITEMS_A_WEEK = 0.5
INTERVAL_INTERMITTENT = 1.32
VARIATION_INTERMITTENT = 0.49
"""Mean interval between weeks with items and squared variation of such weeks from which a series
counts as intermittent (the limits of Syntetos and Boylan, 2005)."""
WEEKS_AFTER_BREAK = 8
WEEKS_BEFORE_BREAK = 26
BREAK_RATIO = 2.5
BREAK_DEVIATIONS = 5.0
BREAK_DISPERSION = 0.1


class SeriesPath(IntEnum):
    """Paths; the numbers are the contract's."""

    REGULAR = 1
    SHORT = 2
    SPARSE = 3
    INTERMITTENT = 4
    BROKEN = 5
    INSUFFICIENT = 6


def paths_of(counts: Floats, factors: Floats, observed: Booleans, week_steps: int) -> Ints:
    """Return the path of each series from the steps known at an origin, (N,).

    `counts` are (N, T); `factors` say what the season lets expect of each step, (N, T), so that a
    season is not taken for a break; `week_steps` is the number of steps in a week.
    """
    weeks = observed.sum(axis=1) / week_steps
    by_week = [_by_week(values * observed, week_steps) for values in (counts, factors)]
    recent = by_week[0][:, -2 * WEEKS_FOR_REGULAR :]
    known = np.minimum(weeks, recent.shape[1])
    busy = (recent > 0).sum(axis=1)
    mean = recent.sum(axis=1) / np.maximum(known, 1.0)
    path = np.full(len(counts), SeriesPath.REGULAR, dtype=np.int64)
    path[_broken(*by_week)] = SeriesPath.BROKEN
    size = recent.sum(axis=1) / np.maximum(busy, 1)
    spread = np.where(recent > 0, (recent - size[:, None]) ** 2, 0.0).sum(axis=1)
    variation = spread / np.maximum(busy, 1) / np.maximum(size, 1e-9) ** 2
    interval = known / np.maximum(busy, 1)
    bursts = (interval >= INTERVAL_INTERMITTENT) & (variation >= VARIATION_INTERMITTENT)
    path[bursts] = SeriesPath.INTERMITTENT
    path[mean < SPARSE_ITEMS_A_WEEK] = SeriesPath.SPARSE
    path[weeks < WEEKS_FOR_REGULAR] = SeriesPath.SHORT
    path[weeks < WEEKS_REQUIRED] = SeriesPath.INSUFFICIENT
    return path


def _by_week(values: Floats, week_steps: int) -> Floats:
    """Return sums over the whole weeks that end at the origin, (N, W)."""
    weeks = values.shape[1] // week_steps
    ended = values[:, values.shape[1] - weeks * week_steps :]
    return np.asarray(ended.reshape(len(values), weeks, week_steps).sum(axis=2))


def _broken(counts: Floats, factors: Floats) -> Booleans:
    """Say whose level changed for good: both halves of the last weeks lie far off, on one side."""
    if counts.shape[1] < WEEKS_AFTER_BREAK + WEEKS_BEFORE_BREAK:
        return np.zeros(len(counts), dtype=np.bool_)
    before = slice(-WEEKS_AFTER_BREAK - WEEKS_BEFORE_BREAK, -WEEKS_AFTER_BREAK)
    level = (counts[:, before].sum(axis=1) + 0.5) / (factors[:, before].sum(axis=1) + 0.5)
    half = WEEKS_AFTER_BREAK // 2
    higher, lower = np.ones((2, len(counts)), dtype=np.bool_)
    for part in (slice(-WEEKS_AFTER_BREAK, -half), slice(-half, None)):
        seen = counts[:, part].sum(axis=1)
        expected = np.maximum(level * factors[:, part].sum(axis=1), 1e-9)
        far = np.abs(seen - expected) > BREAK_DEVIATIONS * np.sqrt(
            np.maximum(expected, seen) + BREAK_DISPERSION * expected**2 / half
        )
        higher &= far & (seen > BREAK_RATIO * expected)
        lower &= far & (seen < expected / BREAK_RATIO)
    return np.asarray(higher | lower)
