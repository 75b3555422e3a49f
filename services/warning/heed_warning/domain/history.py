"""What a forecaster may know: a panel cut at a day, the calendar, and the fitted baseline.

The one interface of all forecasters is `Forecaster`; the baseline and the network both answer it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from heed_warning.domain.baseline import Baseline, fit_baseline
from heed_warning.domain.day_kind import WorkingDay, kinds, year_days
from heed_warning.domain.distribution import Forecast
from heed_warning.domain.panel import Ints, Panel

LONGEST_HORIZON = 56
BASELINE_NAME, BASELINE_FAMILY = "baseline/seasonal", "baseline"
DAYS_FOR_BASELINE = 28


@dataclass(frozen=True)
class History:
    """A panel up to its last day, with everything derived from it and the calendar ahead."""

    panel: Panel
    kinds: Ints
    """Kinds of the panel's days and of the longest horizon after them, (T + 56,)."""
    year_days: Ints
    baseline: Baseline

    @property
    def origin(self) -> int:
        """Number of the last known day."""
        return self.panel.day_count - 1

    def without_outbreaks(self) -> History:
        """Return the history as an evaluator wants it: past outbreaks cut down to their bound."""
        return replace(self, panel=replace(self.panel, counts=self.baseline.bounded))


def history_of(panel: Panel, last_day: date, working: WorkingDay) -> History:
    """Cut a panel at a day and fit the baseline to what is left."""
    known = panel.until(last_day)
    ahead = known.day_count + LONGEST_HORIZON
    day_kinds = kinds(panel.first_day, ahead, working)
    days = year_days(panel.first_day, ahead)
    return History(known, day_kinds, days, fit_baseline(known, day_kinds, days))


Shares = tuple[tuple[str, float], ...]
"""Families of models with their weights, heaviest first."""


class Forecaster(Protocol):
    """Predicts the distribution of the coming days of every cell of a history."""

    @property
    def name(self) -> str:
        """Name under which answers are reported."""

    def able(self, history: History) -> NDArray[np.bool_]:
        """Say for which cells the history is long enough, (N,)."""

    def forecast(self, history: History, horizon: int) -> Forecast:
        """Predict `horizon` days after the history's last day; rows not able are undefined."""

    def shares(self, history: History) -> Sequence[Shares]:
        """Return the families behind the forecast of each cell, N of them."""


@dataclass(frozen=True)
class BaselineForecaster:
    """The seasonal baseline behind the interface of all forecasters."""

    name: str = BASELINE_NAME

    def able(self, history: History) -> NDArray[np.bool_]:
        """Say which cells have four weeks of history, (N,)."""
        return np.asarray(history.panel.history_days() >= DAYS_FOR_BASELINE)

    def forecast(self, history: History, horizon: int) -> Forecast:
        """Predict the days after the history's last day."""
        return history.baseline.forecast(history.origin, horizon)

    def shares(self, history: History) -> Sequence[Shares]:
        """Return the one family of every cell."""
        return [((BASELINE_FAMILY, 1.0),)] * len(history.panel.cells)
