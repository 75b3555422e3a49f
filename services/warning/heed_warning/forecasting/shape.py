"""The shape that series of a category share: time of year, weekday, holidays. Causal throughout.

The factor of a step rests on earlier years and on days up to the origin only, so one pass over the
history serves every origin, training included, without a look ahead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d

from heed_warning.domain.panel import Floats, Ints
from heed_warning.forecasting.series import WEEK, SeriesTable, step_kinds, sum_by

SEASON_WINDOW_WEEKS = 4
"""Weeks on each side of the same week of an earlier year that speak for it."""
SEASON_ITEMS = 60.0
WEEKDAY_ITEMS = 40.0
EXCEPTION_ITEMS = 20.0
YEARS_REMEMBERED = 4
EXCEPTIONS = 3


@dataclass(frozen=True)
class Shape:
    """Factors of C categories over T known steps and F steps after them."""

    season: Floats
    """Factor of the time of year, known half a year before, (C, T + F)."""
    week: Floats
    """Factor of weekday and exception as known at the end of each step, (C, T, 21)."""
    kind: Ints
    """Weekday and exception of each step as one number, (T + F,)."""

    def running(self) -> Floats:
        """Return the factor of each known step, (C, T)."""
        steps = self.week.shape[1]
        at = np.arange(steps)
        return np.asarray(self.season[:, :steps] * self.week[:, at, self.kind[:steps]])

    def ahead(self, origin: int, horizon: int) -> Floats:
        """Return the factor of each step after an origin as known at its end, (C, horizon)."""
        steps = np.arange(origin + 1, origin + 1 + horizon)
        return np.asarray(self.season[:, steps] * self.week[:, origin][:, self.kind[steps]])


def shape_of(table: SeriesTable, kinds: Ints) -> Shape:
    """Return the shape of every category; `kinds` covers known steps and those ahead, (T + F,)."""
    finest = np.where(table.finest[:, None], table.counts, 0.0)  # parents repeat their children
    totals = sum_by(finest, table.category, len(table.categories))
    weekday, exception = step_kinds(table, kinds)
    ahead = len(kinds) - table.steps
    return Shape(
        season=_season(totals, table, ahead),
        week=_week(totals, weekday[: table.steps], exception[: table.steps], table.step_days),
        kind=weekday * EXCEPTIONS + exception,
    )


def _season(totals: Floats, table: SeriesTable, ahead: int) -> Floats:
    """Return items around the same time of earlier years over what their years would give."""
    seen, expected = _around_earlier_years(totals.sum(axis=0, keepdims=True), table, ahead)
    shared = (seen + SEASON_ITEMS) / (expected + SEASON_ITEMS)
    seen, expected = _around_earlier_years(totals, table, ahead)
    return np.asarray((seen + SEASON_ITEMS * shared) / (expected + SEASON_ITEMS))


def _around_earlier_years(totals: Floats, table: SeriesTable, ahead: int) -> tuple[Floats, Floats]:
    """Return items seen around the same step of earlier years, and a year's average for them."""
    year, margin = table.year_steps, SEASON_WINDOW_WEEKS * table.week_steps
    width = 2 * margin + 1
    sums = np.concatenate([np.zeros((len(totals), 1)), totals.cumsum(axis=1)], axis=1)
    seen, expected = np.zeros((2, len(totals), table.steps + ahead))
    for years in range(1, YEARS_REMEMBERED + 1):
        step = np.arange(table.steps + ahead)
        middle = step - years * year
        last = np.minimum(middle + year // 2, step - ahead)  # known when the horizon began
        step = step[(middle >= margin) & (last >= middle + margin) & (last < table.steps)]
        middle = step - years * year
        first = np.maximum(middle - year // 2, 0)
        last = np.minimum(middle + year // 2, step - ahead)
        seen[:, step] += sums[:, middle + margin + 1] - sums[:, middle - margin]
        expected[:, step] += (
            (sums[:, last + 1] - sums[:, first]) / (last + 1 - first) * width
        )  # fmt: skip
    return seen, expected


def _week(totals: Floats, weekday: Ints, exception: Ints, step_days: int) -> Floats:
    """Return the factors of weekday times exception after each step, (C, T, 21)."""
    count = WEEK * EXCEPTIONS
    if step_days == WEEK:
        return np.ones((*totals.shape, count))
    around = uniform_filter1d(totals, WEEK, axis=1, mode="nearest")
    plain = exception == 0
    days = _running_ratio(totals, around, weekday, WEEK, WEEKDAY_ITEMS, plain)
    days /= days.mean(axis=2, keepdims=True)
    at = np.arange(len(weekday))
    usual = around * days[:, at, weekday]
    special = _running_ratio(totals, usual, exception, EXCEPTIONS, EXCEPTION_ITEMS, ~plain)
    return np.asarray((days[:, :, :, None] * special[:, :, None, :]).reshape(*totals.shape, count))


def _running_ratio(
    seen: Floats, expected: Floats, kind: Ints, kinds: int, items: float, usable: np.ndarray
) -> Floats:
    """Return seen over expected of each kind up to each step, shrunk to all categories', to 1.

    What stands around a step reaches three days past it, so the step counts four days later.
    """
    marks = (kind[:, None] == np.arange(kinds)) & usable[:, None]  # (T, K)
    both = []
    for values in (seen, expected):
        sums = np.cumsum(values[:, :, None] * marks[None], axis=1)
        lag = min(WEEK // 2 + 1, sums.shape[1])
        both.append(np.concatenate([np.zeros_like(sums[:, :lag]), sums[:, :-lag]], axis=1))
    one, other = both
    shared = (one.sum(axis=0) + items) / (other.sum(axis=0) + items)
    return np.asarray((one + items * shared) / (other + items))
