"""The combination of all families behind the interface that the service asks.

One set of networks, and what validation taught about each group of series. Cells whose history is
too short for it are left to the seasonal baseline. Very many cells are forecast in parts, each a
sample of all by chance, so that memory stays small; level and season of categories and regions are
those of all cells.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from heed_warning.domain.distribution import Forecast
from heed_warning.domain.history import History, Prediction, Shares
from heed_warning.domain.panel import Ints
from heed_warning.domain.series_path import SeriesPath
from heed_warning.forecasting.classical import Classical
from heed_warning.forecasting.family import Family, Prepared, prepared_parts
from heed_warning.forecasting.grouping import groups_at
from heed_warning.forecasting.lstm import Lstm
from heed_warning.forecasting.mixing import Mixing
from heed_warning.forecasting.regression import Regression
from heed_warning.forecasting.series import of_panel

_AT_ONCE = 2
"""Parts that are forecast at the same time; each takes its own memory."""


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

    def predict(self, history: History, horizon: int) -> Prediction:
        """Predict the days after the history's last day; short histories are not able."""
        count = len(history.panel.cells)
        mean = np.empty((count, horizon))
        forecast = Forecast(mean, np.empty_like(mean), np.empty(count))
        group, path = np.empty((2, count), dtype=np.int64)

        def fill(rows: Ints, prepared: Prepared) -> None:
            group[rows], path[rows] = groups_at(prepared, history.origin)
            part = self._combined(prepared, history.origin, horizon, group[rows])
            forecast.mean[rows], forecast.dispersion[rows] = part.mean, part.dispersion
            forecast.frailty[rows] = part.frailty

        # Parts share no rows, and the arithmetic on them holds no lock of the interpreter.
        waiting: deque[Future[None]] = deque()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for rows, prepared in prepared_parts(of_panel(history.panel), history.kinds):
                if len(waiting) == _AT_ONCE:
                    waiting.popleft().result()
                waiting.append(pool.submit(fill, rows, prepared))
            for part in waiting:
                part.result()
        shares = self._shares()
        return Prediction(
            forecast,
            ~np.isin(path, (SeriesPath.SHORT, SeriesPath.INSUFFICIENT)),
            [shares[one] for one in group.tolist()],
            self.mixing.calibration.select(group),
        )

    def _combined(self, prepared: Prepared, origin: int, horizon: int, group: Ints) -> Forecast:
        parts = [family.fit(prepared, origin).predict(horizon) for family in self.families]
        return self.mixing.combine(parts, group)

    def _shares(self) -> list[Shares]:
        """Return the families and their weights in each group, heaviest first."""
        return [
            tuple(sorted(zip(self.mixing.families, row, strict=True), key=lambda one: -one[1]))
            for row in self.mixing.weights.tolist()
        ]
