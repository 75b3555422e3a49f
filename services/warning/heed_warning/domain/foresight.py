"""What is foreseen of every cell from one day on: worked out once a day, read cell by cell.

Expected counts of parents and children add up over all cells, so that all of them have to be
forecast before a single one is told; what single cells need beyond that is worked out for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np

from heed_warning.domain import negative_binomial as nb
from heed_warning.domain.day_kind import WorkingDay
from heed_warning.domain.distribution import Forecast, combine
from heed_warning.domain.history import (
    DAYS_FOR_BASELINE,
    BaselineForecaster,
    Forecaster,
    History,
    Shares,
    history_of,
)
from heed_warning.domain.inhibition import parent_rows
from heed_warning.domain.intervals import Calibration, choose, nominal
from heed_warning.domain.panel import Cell, Floats, Ints, Panel
from heed_warning.domain.reconciliation import reconciled
from heed_warning.domain.series_path import WEEKS_AFTER_BREAK, SeriesPath, paths_of
from heed_warning.domain.track import WINDOW_DAYS

Ancestors = Callable[[str], Sequence[str]]


def no_ancestors(_region: str) -> Sequence[str]:
    """Stand for regions without any above them."""
    return ()


@dataclass(frozen=True)
class Foresight:
    """The coming days of the N cells of a panel, as foreseen at the end of a day."""

    known: Panel
    """The counts up to that day, without the silence before them."""
    as_of: date
    forecast: Forecast
    """With means that add up over regions, H days ahead."""
    calm_mean: Floats
    """Items of the next seven days, had there been no outbreaks in the past, (N,)."""
    calm_dispersion: Floats
    bounded: Floats
    """Known counts with outbreaks cut down, (N, T)."""
    calibration: Calibration
    names: Sequence[str]
    """Who made the forecast of each cell."""
    shares: Sequence[Shares]
    paths: Ints
    history_days: Ints

    @cached_property
    def row_of(self) -> Mapping[Cell, int]:
        """Row of each cell that has a forecast."""
        able = (self.history_days >= DAYS_FOR_BASELINE).tolist()
        return {cell: row for row, cell in enumerate(self.known.cells) if able[row]}

    @cached_property
    def days_of(self) -> Mapping[Cell, int]:
        """Days of history of every cell."""
        return dict(zip(self.known.cells, self.history_days.tolist(), strict=True))


def foresee(
    panel: Panel,
    as_of: date,
    horizon: int,
    *,
    model: Forecaster | None,
    working: WorkingDay,
    ancestors: Ancestors = no_ancestors,
) -> Foresight:
    """Foresee every cell; days after `as_of` are never looked at."""
    known = panel.until(as_of).after_silence()
    history_days = known.history_days()
    able = history_days >= DAYS_FOR_BASELINE
    if not able.any():
        return _nothing(known, as_of, horizon)
    history = history_of(known, as_of, working)
    base = BaselineForecaster().predict(history, horizon)
    paths = _paths(history)
    forecast = _after_break(history, base.forecast, np.flatnonzero(paths == SeriesPath.BROKEN))
    calibration = base.calibration
    names, shares = [BaselineForecaster.name] * len(able), list(base.shares)
    mean, dispersion = base.forecast.window(0, WINDOW_DAYS)
    if model is not None:
        made = model.predict(history, horizon)
        forecast = combine(forecast, made.forecast, made.able)
        calibration = choose(base.calibration, made.calibration, made.able)
        for row in np.flatnonzero(made.able).tolist():
            names[row], shares[row] = model.name, made.shares[row]
        calm = model.predict(history.without_outbreaks(), WINDOW_DAYS)
        of_model = calm.forecast.window(0, WINDOW_DAYS)
        mean = np.where(calm.able, of_model[0], mean)
        dispersion = np.where(calm.able, of_model[1], dispersion)
    parents = parent_rows(known.cells, ancestors)
    return Foresight(
        known=known,
        as_of=as_of,
        forecast=reconciled(forecast, known.counts, known.levels, parents, able),
        calm_mean=mean,
        calm_dispersion=dispersion,
        bounded=history.track.bounded,
        calibration=calibration,
        names=names,
        shares=shares,
        paths=paths,
        history_days=history_days,
    )


def _nothing(known: Panel, as_of: date, horizon: int) -> Foresight:
    """Return what is foreseen where no history is long enough: nothing for any cell."""
    count = len(known.cells)
    zeros = np.zeros(count)
    none = np.zeros((count, horizon))
    return Foresight(
        known, as_of, Forecast(none, none, zeros), zeros, zeros, known.counts, nominal(count),
        [""] * count, [()] * count, np.full(count, SeriesPath.INSUFFICIENT),
        known.history_days(),
    )  # fmt: skip


def _after_break(history: History, forecast: Forecast, rows: Ints) -> Forecast:
    """Return the baseline's forecast with broken series at the level of the last weeks alone."""
    track, days = history.track, WEEKS_AFTER_BREAK * WINDOW_DAYS
    stop = history.panel.day_count
    factors = track.factors[:, stop - days : stop].sum(axis=1)[track.category[rows]]
    level = history.panel.counts[rows, stop - days :].sum(axis=1) / np.maximum(factors, 1e-9)
    mean = forecast.mean.copy()
    mean[rows] *= (level / np.maximum(track.level[rows, 0], 1e-9))[:, None]
    return replace(forecast, mean=np.maximum(mean, nb.SMALLEST_MEAN))


def _paths(history: History) -> Ints:
    """Return the path of each cell's series, (N,)."""
    panel, track = history.panel, history.track
    counted = np.arange(panel.day_count)[None, :] >= panel.started[:, None]
    factors = track.factors[:, : panel.day_count][track.category]
    return paths_of(panel.counts, factors, counted, WINDOW_DAYS)
