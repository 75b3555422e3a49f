"""Counts of many series on equal steps of a day or a week, as every family of models reads them.

A table is cut by its origin: whatever a model fits or reads for an origin rests on steps up to it.
Shapes: N series, T known steps, F steps of calendar after them, C categories.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from heed_warning.domain.day_kind import HOLIDAY, MAKE_UP
from heed_warning.domain.panel import Booleans, Floats, Ints, Panel

DAY, WEEK = 1, 7
SERIES_PER_CATEGORY = 3
"""Fewer series than this in a category on average, and all are taken as one category."""


@dataclass(frozen=True)
class SeriesTable:
    """Counts of N series over T steps."""

    counts: Floats
    """(N, T); 0 where nothing was observed."""
    observed: Booleans
    """Whether the series was being counted at that step, (N, T)."""
    category: Ints
    """Group whose season and sudden changes are shared, 0 .. C-1, (N,)."""
    region: Ints
    """Where it was counted, 0 .. R-1, (N,)."""
    first_day: date
    step_days: int
    """Days in a step: 1 or 7."""
    finest: Booleans
    """Whether no other series is a part of this one, (N,)."""
    categories: tuple[str, ...]
    """Names of the categories, C."""
    regions: tuple[str, ...]
    """Names of the regions, R."""

    @property
    def steps(self) -> int:
        """Number of steps."""
        return int(self.counts.shape[1])

    @property
    def week_steps(self) -> int:
        """Steps in a week."""
        return WEEK // self.step_days

    @property
    def year_steps(self) -> int:
        """Steps in a year of whole weeks."""
        return 52 * self.week_steps

    def select(self, rows: Ints) -> SeriesTable:
        """Return some of the series; categories and regions keep their numbers."""
        return replace(
            self,
            counts=self.counts[rows],
            observed=self.observed[rows],
            category=self.category[rows],
            region=self.region[rows],
            finest=self.finest[rows],
        )

    def day_of(self, step: int) -> date:
        """Return the first day of a step, which may lie outside."""
        return self.first_day + timedelta(days=step * self.step_days)

    def history_steps(self, origin: int) -> Ints:
        """Return how many steps each series was observed up to an origin, (N,)."""
        return np.asarray(self.observed[:, : origin + 1].sum(axis=1), dtype=np.int64)


def of_panel(panel: Panel) -> SeriesTable:
    """Return the daily table of a panel of cells."""
    category, region = panel.groups()
    counted = np.arange(panel.day_count)[None, :] >= panel.started[:, None]
    return SeriesTable(
        counts=panel.counts,
        observed=counted,
        category=category,
        region=region,
        first_day=panel.first_day,
        step_days=DAY,
        finest=panel.levels == panel.levels.max(initial=0),
        categories=tuple(sorted({cell.category for cell in panel.cells})),
        regions=tuple(sorted({cell.region for cell in panel.cells})),
    )


def of_counts(
    keys: Sequence[tuple[str, ...]],
    counts: Floats,
    observed: Booleans,
    first_day: date,
    step_days: int,
) -> SeriesTable:
    """Return the table of series named by the columns of a file.

    The last column is the category, those before it are the region. A single column whose texts
    all have the same number of parts between bars (A|B) is read as so many columns. Categories of
    fewer than SERIES_PER_CATEGORY series on average are taken as one.
    """
    split = [tuple(key[0].split("|")) if len(key) == 1 else key for key in keys]
    if len({len(key) for key in split}) > 1:
        split = list(keys)
    regions, region = _numbered(["|".join(key[:-1] or key) for key in split])
    categories, category = _numbered([key[-1] if len(key) > 1 else "" for key in split])
    if len(split) < SERIES_PER_CATEGORY * len(categories):
        categories, category = _numbered([""] * len(split))
    every = np.ones(len(split), dtype=np.bool_)
    return SeriesTable(
        counts, observed, category, region, first_day, step_days, every, categories, regions
    )


def _numbered(names: Sequence[str]) -> tuple[tuple[str, ...], Ints]:
    distinct = tuple(sorted(set(names)))
    number = {name: place for place, name in enumerate(distinct)}
    return distinct, np.array([number[name] for name in names], dtype=np.int64)


def step_kinds(table: SeriesTable, kinds: Ints) -> tuple[Ints, Ints]:
    """Return weekday (0-6) and exception (0 none, 1 holiday, 2 made up) of each day's kind.

    Weeks have neither: both are 0. `kinds` covers the table's steps and those ahead, (T + F,).
    """
    if table.step_days != DAY:
        return np.zeros_like(kinds), np.zeros_like(kinds)
    weekday = (np.arange(len(kinds)) + table.first_day.weekday()) % WEEK
    exception = np.where(kinds == HOLIDAY, 1, np.where(kinds == MAKE_UP, 2, 0))
    return weekday, exception


def sum_by(values: NDArray[np.float64], group: Ints, count: int) -> Floats:
    """Return the sums of rows over their groups, (count, ...)."""
    sums = np.zeros((count, *values.shape[1:]))
    order = np.argsort(group, kind="stable")
    present, starts = np.unique(group[order], return_index=True)
    if len(present):  # sorted rows and reduceat: np.add.at takes many times as long
        sums[present] = np.add.reduceat(values[order], starts, axis=0)
    return sums
