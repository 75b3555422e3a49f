"""Counts of many series on equal steps of a day or a week, as every family of models reads them.

A table is cut by its origin: whatever a model fits or reads for an origin rests on steps up to it.
Shapes: N series, T known steps, F steps of calendar after them, C categories.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from heed_warning.domain.day_kind import HOLIDAY, MAKE_UP, WorkingDay, kinds
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
    return SeriesTable(panel.counts, counted, category, region, panel.first_day, DAY)


def groups_of(keys: Sequence[tuple[str, ...]]) -> tuple[Ints, Ints]:
    """Return category and region of each series from the columns that name it, (N,) each.

    The last column is the category, those before it are the region. A single column whose texts
    all have the same number of parts between bars (A|B) is read as so many columns.
    """
    split = [tuple(key[0].split("|")) if len(key) == 1 else key for key in keys]
    if len({len(key) for key in split}) > 1:
        split = list(keys)
    region = _numbers([key[:-1] or key for key in split])
    category = _numbers([key[-1:] if len(key) > 1 else () for key in split])
    if len(split) < SERIES_PER_CATEGORY * (int(category.max(initial=0)) + 1):
        category = np.zeros(len(split), dtype=np.int64)
    return category, region


def _numbers(names: Sequence[tuple[str, ...]]) -> Ints:
    number = {name: place for place, name in enumerate(sorted(set(names)))}
    return np.array([number[name] for name in names], dtype=np.int64)


def step_kinds(table: SeriesTable, ahead: int, working: WorkingDay) -> tuple[Ints, Ints]:
    """Return weekday (0-6) and kind of exception (0 none, 1 holiday, 2 made up) of each step.

    Weeks have neither: both are 0. Each is (T + ahead,).
    """
    count = table.steps + ahead
    if table.step_days != DAY:
        return np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    kind = kinds(table.first_day, count, working)
    weekday = (np.arange(count) + table.first_day.weekday()) % WEEK
    exception = np.where(kind == HOLIDAY, 1, np.where(kind == MAKE_UP, 2, 0))
    return weekday, exception


def sum_by(values: NDArray[np.float64], group: Ints, count: int) -> Floats:
    """Return the sums of rows over their groups, (count, ...)."""
    sums = np.zeros((count, *values.shape[1:]))
    np.add.at(sums, group, values)
    return sums
