"""Draws training sequences and computes their loss.

Shapes: B sequences of L days, O origins within each, H days ahead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from heed_warning.domain.history import History
from heed_warning.forecasting.features import Features
from heed_warning.forecasting.lstm import DISPERSION_FLOOR, FRAILTY_FLOOR
from heed_warning.forecasting.network import Network, negative_log_likelihood

HORIZON = 28
SEQUENCE_DAYS = 84
SHORTEST_SEQUENCE_DAYS = 35
FIRST_ORIGIN = 28
ORIGIN_STEP = 4
WINDOWS = ((0, 7), (7, 14), (0, 14), (0, 28))
WINDOW_WEIGHT = 0.5


@dataclass(frozen=True)
class TrainingDays:
    """The days to train on, as tensors of N cells and T days with F calendar days after them."""

    days: Tensor  # (N, T, DAY_WIDTH)
    calendar: Tensor  # (T + F, CALENDAR_WIDTH)
    category: Tensor  # (N,)
    level: Tensor  # (N,)
    counts: Tensor  # (N, T)
    rate: Tensor  # the baseline's level, (N, T)
    factors: Tensor  # (N, T + F)
    dispersion: Tensor  # (N,)
    frailty: Tensor  # (N, T)
    first_start: Tensor  # first day of each cell, (N,)
    weight: Tensor  # how often a cell is drawn, (N,)

    @property
    def sequence_days(self) -> int:
        """Days in one sequence, fewer where the history is short."""
        return min(SEQUENCE_DAYS, self.counts.shape[1] - HORIZON)


def training_days(history: History, features: Features) -> TrainingDays:
    """Return the tensors of a history."""
    baseline = history.baseline
    common = np.maximum(baseline.window_dispersion - baseline.day_dispersion / 7.0, 0.0)
    mean = history.panel.counts.mean(axis=1)
    return TrainingDays(
        days=torch.from_numpy(features.days),
        calendar=torch.from_numpy(features.calendar),
        category=torch.from_numpy(features.category),
        level=torch.from_numpy(features.level),
        counts=_float(history.panel.counts),
        rate=_float(baseline.level),
        factors=_float(baseline.factors),
        dispersion=_float(baseline.day_dispersion) + DISPERSION_FLOOR,
        frailty=_float(common[:, None] + 1.0 / baseline.evidence) + FRAILTY_FLOOR,
        first_start=torch.from_numpy(history.panel.started),
        weight=_float(np.sqrt(mean + 0.02)),
    )


def draw_loss(
    network: Network, data: TrainingDays, size: int, generator: torch.Generator
) -> Tensor:
    """Return the loss of `size` random sequences."""
    length = data.sequence_days
    latest = data.counts.shape[1] - HORIZON - length
    usable = data.weight * (data.first_start <= latest)
    cell = torch.multinomial(usable, size, replacement=True, generator=generator)  # (B,)
    span = (latest - data.first_start[cell] + 1).float()
    offset = (torch.rand(size, generator=generator) * span).long()
    start = data.first_start[cell] + offset  # (B,)
    days = start[:, None] + torch.arange(length)  # (B, L)
    state = network.encode(data.days[cell[:, None], days], data.category[cell], data.level[cell])
    origin = torch.arange(min(FIRST_ORIGIN, length - 1), length, ORIGIN_STEP)  # (O,)
    today = start[:, None] + origin  # (B, O)
    ahead = today[:, :, None] + torch.arange(1, HORIZON + 1)  # (B, O, H)
    correction = network.decode(state[:, origin], data.calendar[ahead])
    rows = cell[:, None, None]
    base = data.rate[cell[:, None], today][:, :, None] * data.factors[rows, ahead]
    mean = base.clamp(min=1e-4) * torch.exp(correction.log_mean)  # (B, O, H)
    dispersion = data.dispersion[cell][:, None] * torch.exp(correction.log_dispersion)  # (B, O)
    frailty = data.frailty[cell[:, None], today] * torch.exp(correction.log_frailty)
    return _loss(data.counts[rows, ahead], mean, dispersion[:, :, None], frailty[:, :, None])


def _loss(count: Tensor, mean: Tensor, dispersion: Tensor, frailty: Tensor) -> Tensor:
    """Score single days and sums over weeks, so that both spreads are learned."""
    single = dispersion + frailty + dispersion * frailty
    loss = negative_log_likelihood(count, mean, single).mean()
    within = dispersion * (1.0 + frailty) * mean**2
    for first, stop in WINDOWS:
        total = mean[..., first:stop].sum(dim=-1)
        spread = within[..., first:stop].sum(dim=-1) / total**2 + frailty[..., 0]
        observed = count[..., first:stop].sum(dim=-1)
        loss = loss + WINDOW_WEIGHT * negative_log_likelihood(observed, total, spread).mean()
    return loss


def _float(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
