"""The one interface of all families of forecast models.

A family is fitted to what is known at an origin and then answers a distribution for the steps after
it: mean, dispersion and frailty of every series, from which come quantiles, sums and samples
(heed_warning.domain.distribution.Forecast).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from heed_warning.domain.day_kind import WorkingDay, kinds
from heed_warning.domain.distribution import Forecast
from heed_warning.domain.panel import Ints
from heed_warning.forecasting.levels import Levels, group_levels, levels_of, parts_of
from heed_warning.forecasting.series import DAY, SeriesTable
from heed_warning.forecasting.shape import Shape, shape_of

REGRESSION, CLASSICAL, LSTM = "regression", "classical", "lstm"
FAMILIES = (CLASSICAL, REGRESSION, LSTM)
COMBINATION = "combination"


@dataclass(frozen=True)
class Prepared:
    """A table with what all families read of it; everything at a step rests on steps up to it."""

    table: SeriesTable
    kinds: Ints
    """Kind of each day, those ahead included, (T + F,)."""
    shape: Shape
    levels: Levels


def prepare(table: SeriesTable, kinds: Ints) -> Prepared:
    """Derive shape and levels once for all origins.

    `kinds` are the kinds of the table's days and of days ahead, (T + F,); zeros where steps are
    weeks. A horizon may be F steps long.
    """
    shape = shape_of(table, kinds)
    return Prepared(table, kinds, shape, levels_of(table, shape))


def prepared_parts(table: SeriesTable, kinds: Ints) -> Iterator[tuple[Ints, Prepared]]:
    """Yield rows of very many series with what is prepared of them, part by part.

    Each part is a sample of all by chance, the same each time; shape and levels of groups are those
    of all series.
    """
    shape = shape_of(table, kinds)
    groups = group_levels(table, shape)
    order = np.random.default_rng(len(table.counts)).permutation(len(table.counts))
    for part in parts_of(order, table.steps):
        rows = np.sort(part)
        yield rows, Prepared(table.select(rows), kinds, shape, groups.levels_of(table, rows))


def kinds_of(table: SeriesTable, ahead: int, working: WorkingDay) -> Ints:
    """Return the kinds of a table's steps and of `ahead` steps after them, (T + ahead,)."""
    count = table.steps + ahead
    if table.step_days == DAY:
        return kinds(table.first_day, count, working)
    return np.zeros(count, dtype=np.int64)


class Fitted(Protocol):
    """A model that has seen the steps up to its origin."""

    def predict(self, horizon: int) -> Forecast:
        """Return the joint law of the `horizon` steps after the origin, for every series."""


class Family(Protocol):
    """One way to forecast."""

    @property
    def name(self) -> str:
        """Name of the family."""

    def fit(self, prepared: Prepared, as_of: int) -> Fitted:
        """Fit to the steps up to `as_of`; later ones are never looked at."""
