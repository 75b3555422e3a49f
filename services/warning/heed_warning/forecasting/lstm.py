"""The neural family: a few networks of one kind, trained with different seeds, answer together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heed_warning.domain import negative_binomial as nb
from heed_warning.domain.distribution import Forecast
from heed_warning.domain.panel import Floats
from heed_warning.forecasting.batches import sequence_steps
from heed_warning.forecasting.family import LSTM, Fitted, Prepared
from heed_warning.forecasting.features import (
    calendar_features,
    season_features,
    step_features,
)
from heed_warning.forecasting.network import Correction, Network
from heed_warning.forecasting.series import DAY, SeriesTable
from heed_warning.forecasting.spread import spread_of

ROWS_AT_ONCE = 2048
CONTEXT_DAYS = 35
"""Days read; with 84 means differed by a thousandth, and it took twice as long."""


@dataclass(frozen=True)
class Vocabulary:
    """The names a network was trained to tell apart; others are read as unknown."""

    regions: tuple[str, ...]
    categories: tuple[str, ...]

    def numbers(self, table: SeriesTable) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the numbers of region and category of each series, 0 where unknown, (N,) each."""
        return (
            _numbers(self.regions, table.regions)[table.region],
            _numbers(self.categories, table.categories)[table.category],
        )


def _numbers(known: Sequence[str], names: Sequence[str]) -> NDArray[np.int64]:
    number = {name: place for place, name in enumerate(known, start=1)}
    return np.array([number.get(name, 0) for name in names], dtype=np.int64)


@dataclass(frozen=True)
class Lstm:
    """Trained networks; they never change, so threads may share them. Implements Family."""

    networks: tuple[Network, ...]
    vocabulary: Vocabulary
    common: tuple[float, ...]
    """Variance of the course that series of each category of the vocabulary share."""
    name: str = LSTM

    def fit(self, prepared: Prepared, as_of: int) -> Fitted:
        """Nothing is trained here: the networks read the steps up to `as_of`."""
        return _Read(self, prepared, as_of)

    def common_of(self, table: SeriesTable) -> Floats:
        """Return the common variance of each series' category; the mean where unknown, (N,)."""
        usual = float(np.mean(self.common)) if self.common else 0.0
        known = np.array([usual, *self.common])
        return np.asarray(known[_numbers(self.vocabulary.categories, table.categories)])[
            table.category
        ]


@dataclass(frozen=True)
class _Read:
    lstm: Lstm
    prepared: Prepared
    origin: int

    def predict(self, horizon: int) -> Forecast:
        """Return the classical forecast as the networks change it."""
        table, shape, levels = self.prepared.table, self.prepared.shape, self.prepared.levels
        base = levels.expected[:, self.origin, None]
        base = base * shape.ahead(self.origin, horizon)[table.category]
        dispersion, frailty = spread_of(table, shape, levels, self.origin, horizon)
        change = corrections(self.lstm, self.prepared, self.origin, horizon)
        return Forecast(
            mean=np.maximum(base * np.exp(change[0]), nb.SMALLEST_MEAN),
            dispersion=dispersion[:, None] * np.exp(change[1]),
            frailty=frailty * np.exp(change[2]) + self.lstm.common_of(table),
        )


def corrections(
    lstm: Lstm, prepared: Prepared, origin: int, horizon: int
) -> tuple[Floats, Floats, Floats]:
    """Return the mean over the networks of their corrections, (N, H), (N, H) and (N,)."""
    first = max(0, origin + 1 - _context_steps(prepared.table.step_days))
    steps = torch.from_numpy(step_features(prepared, first, origin + 1))
    seasons = torch.from_numpy(
        season_features(prepared, np.arange(origin + 1, origin + 1 + horizon))
    )
    calendar = torch.from_numpy(calendar_features(prepared))
    past, coming = calendar[first : origin + 1], calendar[origin + 1 : origin + 1 + horizon]
    region, category = (torch.from_numpy(part) for part in lstm.vocabulary.numbers(prepared.table))
    parts = []
    with torch.inference_mode():
        for start in range(0, len(region), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            read, ahead = _beside(steps[rows], past), _beside(seasons[rows], coming)[:, None]
            numbers = region[rows], category[rows]
            answers = [_answer(one, read, ahead, *numbers) for one in lstm.networks]
            parts.append([torch.stack(part).mean(dim=0) for part in zip(*answers, strict=True)])
    log_mean, log_dispersion, log_frailty = (
        torch.cat(part).double().numpy() for part in zip(*parts, strict=True)
    )
    return log_mean, log_dispersion, log_frailty


def _context_steps(step_days: int) -> int:
    """Return how many steps are read: as many as training shows before a usual origin."""
    return CONTEXT_DAYS if step_days == DAY else sequence_steps(step_days)


def _beside(values: Tensor, calendar: Tensor) -> Tensor:
    """Return values (n, L, V) with the calendar (L, K) beside them."""
    return torch.cat([values, calendar.expand(len(values), -1, -1)], dim=-1)


def _answer(
    network: Network, read: Tensor, ahead: Tensor, region: Tensor, category: Tensor
) -> Correction:
    state = network.encode(read, region, category, torch.tensor([read.shape[1] - 1]))
    found = network.decode(state, ahead, category)
    return Correction(found.log_mean[:, 0], found.log_dispersion[:, 0], found.log_frailty[:, 0])
