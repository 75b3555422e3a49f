"""What a forecaster may know: a panel cut at a day, with the calendar ahead.

The one interface of all forecasters is `Forecaster`; the baseline and the trained combination both
answer it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Protocol

import numpy as np

from heed_warning.domain import negative_binomial as nb
from heed_warning.domain.day_kind import WorkingDay, kinds, year_days
from heed_warning.domain.distribution import Forecast
from heed_warning.domain.intervals import Calibration, nominal
from heed_warning.domain.panel import Booleans, Ints, Panel
from heed_warning.domain.profile import fit_profile
from heed_warning.domain.track import WINDOW_DAYS, Track, follow

LONGEST_HORIZON = 56
BASELINE_NAME, BASELINE_FAMILY = "baseline/seasonal", "baseline"
DAYS_FOR_BASELINE = 28


@dataclass(frozen=True)
class History:
    """A panel up to its last day, with the calendar ahead and what follows from both."""

    panel: Panel
    kinds: Ints
    """Kinds of the panel's days and of the longest horizon after them, (T + 56,)."""
    year_days: Ints

    @property
    def origin(self) -> int:
        """Number of the last known day."""
        return self.panel.day_count - 1

    @cached_property
    def track(self) -> Track:
        """The level of every cell followed to the last day; worked out when first asked for."""
        category, _ = self.panel.groups()
        days = self.panel.day_count
        profile = fit_profile(self.panel, category, self.kinds[:days], self.year_days[:days])
        return follow(
            self.panel, profile, self.kinds, self.year_days, [self.origin], keep_bounded=True
        )

    def without_outbreaks(self) -> History:
        """Return the history as an evaluator wants it: past outbreaks cut down to their bound."""
        return replace(self, panel=replace(self.panel, counts=self.track.bounded))


def history_of(panel: Panel, last_day: date, working: WorkingDay) -> History:
    """Cut a panel at a day."""
    known = panel.until(last_day)
    ahead = known.day_count + LONGEST_HORIZON
    return History(known, kinds(panel.first_day, ahead, working), year_days(panel.first_day, ahead))


Shares = tuple[tuple[str, float], ...]
"""Families of models with their weights, heaviest first."""


@dataclass(frozen=True)
class Prediction:
    """What a forecaster says of the coming days of the N cells of a history."""

    forecast: Forecast
    able: Booleans
    """For which cells the history is long enough; of others nothing is said, (N,)."""
    shares: Sequence[Shares]
    """The families behind the forecast of each cell, N of them."""
    calibration: Calibration
    """How the forecast is to be read so that its intervals hold what they promise."""


class Forecaster(Protocol):
    """Predicts the distribution of the coming days of every cell of a history."""

    @property
    def name(self) -> str:
        """Name under which answers are reported."""

    def predict(self, history: History, horizon: int) -> Prediction:
        """Predict `horizon` days after the history's last day."""


@dataclass(frozen=True)
class BaselineForecaster:
    """The followed level times the shape of week and year, behind the interface of all."""

    name: str = BASELINE_NAME

    def predict(self, history: History, horizon: int) -> Prediction:
        """Predict the days after the history's last day; able is who has four weeks of history."""
        track, origin = history.track, history.origin
        ahead = track.factors[:, origin + 1 : origin + 1 + horizon][track.category]
        day = track.day_dispersion[:, 0]
        common = np.maximum(track.window_dispersion[:, 0] - day / WINDOW_DAYS, 0.0)
        forecast = Forecast(
            mean=np.maximum(track.level[:, :1] * ahead, nb.SMALLEST_MEAN),
            dispersion=np.broadcast_to(day[:, None], ahead.shape).copy(),
            frailty=common + 1.0 / track.evidence[:, 0],
        )
        count = len(history.panel.cells)
        return Prediction(
            forecast,
            np.asarray(history.panel.history_days() >= DAYS_FOR_BASELINE),
            [((BASELINE_FAMILY, 1.0),)] * count,
            nominal(count),
        )
