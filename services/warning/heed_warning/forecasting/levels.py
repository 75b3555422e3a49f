"""Discounted levels of series and of their categories at several speeds; the classical family.

A level is items a step at factor 1, from counts whose sudden peaks are cut down to what the level
before them allowed, so that yesterday's outbreak hardly raises tomorrow. Every level of a step
rests on steps up to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
FEWEST_ROWS, VALUES_AT_ONCE = 2048, 2**21


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
    return group_levels(table, shape).levels_of(table, np.arange(len(table.counts)))


@dataclass(frozen=True)
class GroupLevels:
    """Logarithms of the levels of groups at HALF_LIVES_WEEKS, and counts without their peaks."""

    running: Floats
    """Factor of the shape of each category and known step, (C, T)."""
    category: Floats
    region: Floats
    common: Floats
    bounded: Floats
    """Of all series, (N, T)."""

    def levels_of(self, table: SeriesTable, rows: Ints) -> Levels:
        """Return the levels of some series of a table."""
        part = table.select(rows)
        bounded = self.bounded[rows]
        own = _own_levels(part, bounded, self.running, self.category)
        shared = self.category[:, part.category]
        expected = expected_level(own[RECENT], own[STEADY], shared)
        return Levels(own, self.category, self.region, self.common, expected, bounded)


def group_levels(table: SeriesTable, shape: Shape) -> GroupLevels:
    """Return the levels of categories, regions and of all, taking the series part by part."""
    running = shape.running()
    category = _group_levels(table, table.counts, running, table.category, len(running))
    bounded = table.counts
    for _ in range(PASSES):
        bounded = np.concatenate(
            [
                _bounded(table.select(rows), bounded[rows], running, category)
                for rows in parts_of(np.arange(len(bounded)), table.steps)
            ]
        )
        category = _group_levels(table, bounded, running, table.category, len(running))
    region = _group_levels(table, bounded, running, table.region, len(table.regions))
    common = _group_levels(table, bounded, running, np.zeros_like(table.category), 1)
    return GroupLevels(running, category, region, common, bounded)


def parts_of(rows: Ints, steps: int) -> list[Ints]:
    """Return the rows in parts whose arrays over all steps stay small."""
    size = max(FEWEST_ROWS, VALUES_AT_ONCE // max(steps, 1))
    return [rows[first : first + size] for first in range(0, len(rows), size)]


def _group_levels(
    table: SeriesTable, counts: Floats, running: Floats, group: Ints, groups: int
) -> Floats:
    """Return logarithms of the levels of groups of series, items a step and series, (4, G, T)."""
    rows = np.flatnonzero(table.finest)
    group = group[rows]
    totals = sum_by(counts[rows], group, groups)
    exposures = np.zeros_like(totals)
    # How many of a group are observed, by category: no product of all series and steps.
    for number, factor in enumerate(running):
        own = np.flatnonzero(table.category[rows] == number)
        exposures += sum_by(table.observed[rows[own]].astype(float), group[own], groups) * factor
    everything, every = totals.sum(axis=0).cumsum(), exposures.sum(axis=0).cumsum()
    everywhere = (everything + SMALLEST_LEVEL) / (every + 1.0)
    prior = np.broadcast_to(everywhere, (len(HALF_LIVES_WEEKS), 1, len(everywhere)))
    return _log_levels(totals, exposures, prior, table.week_steps, HALF_LIVES_WEEKS)


def _own_levels(
    part: SeriesTable,
    counts: Floats,
    running: Floats,
    category: Floats,
    speeds: Sequence[int] = range(len(HALF_LIVES_WEEKS)),
) -> Floats:
    """Return logarithms of the levels of series at some of the speeds, (S, n, T)."""
    exposure = running[part.category] * part.observed
    prior = (np.exp(category[speed])[part.category] for speed in speeds)
    weeks = [HALF_LIVES_WEEKS[speed] for speed in speeds]
    return _log_levels(counts, exposure, prior, part.week_steps, weeks)


def _log_levels(
    counts: Floats,
    exposure: Floats,
    priors: Iterable[Floats],
    week_steps: int,
    half_lives: Sequence[float],
) -> Floats:
    """Return logarithms of discounted levels at some half-lives, (S, N, T).

    The prior of each, (N or 1, T), weighs as much as PRIOR_WEEKS of observation.
    """
    found = np.empty((len(half_lives), *counts.shape))
    for place, (weeks, prior) in enumerate(zip(half_lives, priors, strict=True)):
        keep = 0.5 ** (1.0 / (weeks * week_steps))
        items = lfilter([1.0], [1.0, -keep], counts, axis=1)
        exposed = lfilter([1.0], [1.0, -keep], exposure, axis=1)
        weight = PRIOR_WEEKS * week_steps
        np.log((items + weight * prior) / (exposed + weight) + SMALLEST_LEVEL, out=found[place])
    return found


def expected_level(own_recent: Floats, own_steady: Floats, category: Floats) -> Floats:
    """Return the steady level with a share of the category's and the series' recent changes.

    Logarithms: of the series (N, T), of its category (4, N, T); the answer is items a step, (N, T).
    """
    sudden = category[SUDDEN] - category[STEADY]
    apart = own_recent - own_steady - (category[RECENT] - category[STEADY])
    return np.asarray(np.exp(own_steady + CATEGORY_SHARE * sudden + OWN_SHARE * apart))


def _bounded(part: SeriesTable, before: Floats, running: Floats, category: Floats) -> Floats:
    """Cut each count down to what the level of the step before allowed; `before` gives levels."""
    recent, steady = _own_levels(part, before, running, category, (RECENT, STEADY))
    level = expected_level(recent, steady, category[:, part.category])
    foreseen = np.full_like(level, np.inf)
    mean = level[:, :-1] * running[part.category, 1:]
    spread = np.sqrt(mean + BOUND_DISPERSION * mean**2)
    foreseen[:, 1:] = mean + BOUND_DEVIATIONS * spread + BOUND_ITEMS
    known = np.cumsum(part.observed, axis=1)
    foreseen[known <= WEEKS_UNBOUNDED * part.week_steps] = np.inf
    return np.asarray(np.minimum(part.counts, foreseen))
