"""Discounted levels of series and of their categories at several speeds; the classical family.

A level is items a step at factor 1, from counts whose sudden peaks are cut down to what the level
before them allowed, so that yesterday's outbreak hardly raises tomorrow. Every level of a step
rests on steps up to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from heed_warning.domain.panel import Floats, Ints
from heed_warning.forecasting.series import SeriesTable, sum_by
from heed_warning.forecasting.shape import Shape

HALF_LIVES_WEEKS = (2.0, 4.0, 8.0, 26.0)
SUDDEN, RECENT, STEADY = 0, 1, 3
CATEGORY_SHARE = 0.5
"""How much of the category's sudden change is expected to last."""
OWN_SHARE = 0.5
"""How much of the series' own recent change, beyond its category's, is expected to last."""
PRIOR_WEEKS = 1.0
BOUND_DEVIATIONS = 4.0
BOUND_DISPERSION = 0.3
BOUND_ITEMS = 2.0
WEEKS_UNBOUNDED = 4
SMALLEST_LEVEL = 1e-3
PASSES = 2


@dataclass(frozen=True)
class Levels:
    """Logarithms of levels at HALF_LIVES_WEEKS, and counts without their peaks."""

    own: Floats
    """Level of each series, (4, N, T)."""
    category: Floats
    """Level of each category, items a step and series, (4, C, T)."""
    region: Floats
    """Level of each region, (4, R, T)."""
    common: Floats
    """Level of all series, (4, 1, T)."""
    expected: Floats
    """Level that the classical family answers, (N, T)."""
    bounded: Floats
    """Counts with peaks cut down, (N, T)."""


def levels_of(table: SeriesTable, shape: Shape) -> Levels:
    """Return the levels of every series at every step."""
    running = shape.running()
    bounded = table.counts
    levels = _levels(table, bounded, running)
    for _ in range(PASSES):
        bounded = _bounded(table, levels.expected, running)
        levels = _levels(table, bounded, running)
    return levels


def _levels(table: SeriesTable, counts: Floats, running: Floats) -> Levels:
    exposure = running[table.category] * table.observed
    everywhere = np.zeros_like(table.category)
    shared = _group_levels(table, counts, exposure, table.category, len(running))
    region = _group_levels(table, counts, exposure, table.region, len(table.regions))
    common = _group_levels(table, counts, exposure, everywhere, 1)
    prior = np.exp(shared)[:, table.category]
    own = _log_levels(counts, exposure, prior, table.week_steps)
    expected = expected_level(own, shared[:, table.category])
    return Levels(own, shared, region, common, expected, counts)


def _group_levels(
    table: SeriesTable, counts: Floats, exposure: Floats, group: Ints, groups: int
) -> Floats:
    """Return logarithms of the levels of groups of series, items a step and series, (4, G, T)."""
    finest = table.finest[:, None]
    totals = sum_by(np.where(finest, counts, 0.0), group, groups)
    exposures = sum_by(np.where(finest, exposure, 0.0), group, groups)
    everything, every = totals.sum(axis=0).cumsum(), exposures.sum(axis=0).cumsum()
    everywhere = (everything + SMALLEST_LEVEL) / (every + 1.0)
    prior = np.broadcast_to(everywhere, (len(HALF_LIVES_WEEKS), 1, len(everywhere)))
    return _log_levels(totals, exposures, prior, table.week_steps)


def _log_levels(counts: Floats, exposure: Floats, prior: Floats, week_steps: int) -> Floats:
    """Return logarithms of discounted levels at HALF_LIVES_WEEKS, (4, N, T).

    `prior` (4, N or 1, T) weighs as much as PRIOR_WEEKS of observation.
    """
    found = []
    for weeks, expected in zip(HALF_LIVES_WEEKS, prior, strict=True):
        keep = 0.5 ** (1.0 / (weeks * week_steps))
        items = lfilter([1.0], [1.0, -keep], counts, axis=1)
        exposed = lfilter([1.0], [1.0, -keep], exposure, axis=1)
        weight = PRIOR_WEEKS * week_steps
        found.append(np.log((items + weight * expected) / (exposed + weight) + SMALLEST_LEVEL))
    return np.stack(found)


def expected_level(own: Floats, category: Floats) -> Floats:
    """Return the steady level with a share of the category's and the series' recent changes.

    Both are (4, N, T) logarithms; the answer is items a step, (N, T).
    """
    sudden = category[SUDDEN] - category[STEADY]
    apart = own[RECENT] - own[STEADY] - (category[RECENT] - category[STEADY])
    return np.asarray(np.exp(own[STEADY] + CATEGORY_SHARE * sudden + OWN_SHARE * apart))


def _bounded(table: SeriesTable, level: Floats, running: Floats) -> Floats:
    """Cut each count down to what the level of the step before allowed."""
    foreseen = np.full_like(level, np.inf)
    mean = level[:, :-1] * running[table.category, 1:]
    spread = np.sqrt(mean + BOUND_DISPERSION * mean**2)
    foreseen[:, 1:] = mean + BOUND_DEVIATIONS * spread + BOUND_ITEMS
    known = np.cumsum(table.observed, axis=1)
    foreseen[known <= WEEKS_UNBOUNDED * table.week_steps] = np.inf
    return np.asarray(np.minimum(table.counts, foreseen))
