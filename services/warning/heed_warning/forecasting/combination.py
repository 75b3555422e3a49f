"""The combination of all families behind the interface that the service asks.

One set of networks, and what validation taught about each group of series. Cells whose history is
too short for it are left to the seasonal baseline.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heed_warning.domain.distribution import Forecast
from heed_warning.domain.history import History, Shares
from heed_warning.domain.series_path import SeriesPath
from heed_warning.forecasting.classical import Classical
from heed_warning.forecasting.family import Family, Prepared, prepare
from heed_warning.forecasting.grouping import groups_at
from heed_warning.forecasting.lstm import Lstm
from heed_warning.forecasting.mixing import Mixing
from heed_warning.forecasting.regression import Regression
from heed_warning.forecasting.series import of_panel


@dataclass(frozen=True)
class Combination:
    """Implements heed_warning.domain.history.Forecaster; it never changes."""

    name: str
    lstm: Lstm
    mixing: Mixing

    @property
    def families(self) -> tuple[Family, ...]:
        """The families in the order of the mixing's weights."""
        every: dict[str, Family] = {
            family.name: family for family in (Classical(), Regression(), self.lstm)
        }
        return tuple(every[name] for name in self.mixing.families)

    def able(self, history: History) -> NDArray[np.bool_]:
        """Say which cells have enough history for the combination, (N,)."""
        prepared = prepared_of(history)
        _, path = groups_at(prepared, history.origin)
        return ~np.isin(path, (SeriesPath.SHORT, SeriesPath.INSUFFICIENT))

    def forecast(self, history: History, horizon: int) -> Forecast:
        """Predict the days after the history's last day."""
        prepared, origin = prepared_of(history), history.origin
        group, _ = groups_at(prepared, origin)
        parts = [family.fit(prepared, origin).predict(horizon) for family in self.families]
        return self.mixing.combine(parts, group)

    def shares(self, history: History) -> list[Shares]:
        """Return the families and their weights in the forecast of each cell, heaviest first."""
        group, _ = groups_at(prepared_of(history), history.origin)
        by_group = [
            tuple(sorted(zip(self.mixing.families, row, strict=True), key=lambda one: -one[1]))
            for row in self.mixing.weights.tolist()
        ]
        return [by_group[one] for one in group]

    def outside(self, history: History) -> NDArray[np.float64]:
        """Return what each cell's interval leaves outside so as to hold 90 % of counts, (N,)."""
        group, _ = groups_at(prepared_of(history), history.origin)
        return np.asarray(self.mixing.outside[group])


def prepared_of(history: History) -> Prepared:
    """Return a history as the families read it."""
    return prepare(of_panel(history.panel), history.kinds)
