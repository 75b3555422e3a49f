"""The network: an LSTM over a cell's days, decoded into corrections of the baseline.

Shapes: B sequences, L days, O origins, H days ahead, C hidden. The last layer starts at zero, so an
untrained network answers the baseline; training only moves away from it where that pays.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from heed_warning.forecasting.features import CALENDAR_WIDTH, DAY_WIDTH, SERIES_WIDTH

HIDDEN = 48
CATEGORY_WIDTH = 8
LEVEL_WIDTH = 3
DECODER_WIDTH = 48
LEVEL_COUNT = 3
DROPOUT = 0.2
LONGEST_TRAINED_HORIZON = 28
LARGEST_CORRECTION = 1.5


class Correction(NamedTuple):
    """What the network changes about the baseline's forecast."""

    log_mean: Tensor
    """Added to the logarithm of each day's mean, (..., H)."""
    log_dispersion: Tensor
    """Added to the logarithm of the dispersion of single days, (...)."""
    log_frailty: Tensor
    """Added to the logarithm of the frailty, (...)."""


class Network(nn.Module):
    """Global over all cells; region level and category enter through embeddings."""

    def __init__(self, category_count: int) -> None:
        super().__init__()
        self.category = nn.Embedding(category_count + 1, CATEGORY_WIDTH)
        self.level = nn.Embedding(LEVEL_COUNT, LEVEL_WIDTH)
        self.encoder = nn.LSTM(DAY_WIDTH + CATEGORY_WIDTH + LEVEL_WIDTH, HIDDEN, batch_first=True)
        state = HIDDEN + CATEGORY_WIDTH + LEVEL_WIDTH + SERIES_WIDTH
        self.from_state = nn.Linear(state, DECODER_WIDTH)
        self.from_day = nn.Linear(CALENDAR_WIDTH + 1, DECODER_WIDTH)
        self.to_mean = nn.Linear(DECODER_WIDTH, 1)
        self.to_spread = nn.Linear(state, 2)
        self.straight = nn.Linear(state, 1)
        self.dropout = nn.Dropout(DROPOUT)
        self.hold_back(0.0)

    def hold_back(self, share: float) -> None:
        """Keep a share of every correction; 0 leaves the baseline."""
        with torch.no_grad():
            for layer in (self.to_mean, self.straight, self.to_spread):
                layer.weight.mul_(share)
                layer.bias.mul_(share)

    def encode(self, days: Tensor, category: Tensor, level: Tensor) -> Tensor:
        """Read days (B, L, DAY_WIDTH); return the state after each day, (B, L, S)."""
        static = torch.cat([self.category(category), self.level(level)], dim=-1)  # (B, E)
        static = static[:, None, :].expand(-1, days.shape[1], -1)  # (B, L, E)
        hidden, _ = self.encoder(torch.cat([days, static], dim=-1))  # (B, L, C)
        return torch.cat([self.dropout(hidden), static, days[..., :SERIES_WIDTH]], dim=-1)

    def decode(self, state: Tensor, ahead: Tensor) -> Correction:
        """Answer for states (..., S) and the days ahead (..., H, CALENDAR_WIDTH)."""
        horizon = ahead.shape[-2]
        step = torch.arange(1, horizon + 1).clamp(max=LONGEST_TRAINED_HORIZON)
        step = torch.log(step.float()) / 4.0
        step = step[:, None].expand(*ahead.shape[:-1], 1)
        day = self.from_day(torch.cat([ahead, step], dim=-1))  # (..., H, W)
        mixed = torch.relu(self.from_state(state)[..., None, :] + day)
        log_mean = _bounded(self.to_mean(mixed)[..., 0] + self.straight(state))
        spread = _bounded(self.to_spread(state))
        return Correction(log_mean, spread[..., 0], spread[..., 1])


def _bounded(raw: Tensor) -> Tensor:
    return LARGEST_CORRECTION * torch.tanh(raw / LARGEST_CORRECTION)


def negative_log_likelihood(count: Tensor, mean: Tensor, dispersion: Tensor) -> Tensor:
    """Return the negative-binomial loss of each count."""
    shape = 1.0 / dispersion
    return (
        torch.lgamma(shape)
        + torch.lgamma(count + 1.0)
        - torch.lgamma(count + shape)
        + (shape + count) * torch.log(shape + mean)
        - shape * torch.log(shape)
        - count * torch.log(mean)
    )
