"""The network: an LSTM over a series' steps, decoded into corrections of the classical forecast.

Shapes: B sequences, L steps, O origins, H steps ahead. The last layer starts at zero, so an
untrained network answers the classical family; training only moves away from it where that pays.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from heed_warning.forecasting.features import AHEAD_WIDTH, CALENDAR_WIDTH, STEP_WIDTH

HIDDEN = 24
EMBEDDING = 2
DROPOUT = 0.4
UNKNOWN_SHARE = 0.1
"""How often training shows a region or category as unknown, so that new ones can be forecast."""
LARGEST_CORRECTION = 1.5


class Correction(NamedTuple):
    """What the network changes about the classical forecast."""

    log_mean: Tensor
    """Added to the logarithm of each step's mean, (..., H)."""
    log_dispersion: Tensor
    """Added to the logarithm of the dispersion of each step, (..., H)."""
    log_frailty: Tensor
    """Added to the logarithm of the frailty, (...)."""


class Network(nn.Module):
    """Global over all series; region and category enter through small embeddings."""

    def __init__(self, region_count: int, category_count: int) -> None:
        super().__init__()
        self.region = nn.Embedding(region_count + 1, EMBEDDING)
        self.category = nn.Embedding(category_count + 1, EMBEDDING)
        step = STEP_WIDTH + CALENDAR_WIDTH + 2 * EMBEDDING
        self.encoder = nn.LSTM(step, HIDDEN, batch_first=True)
        self.from_state = nn.Linear(HIDDEN + step, HIDDEN)
        self.from_ahead = nn.Linear(AHEAD_WIDTH + CALENDAR_WIDTH + EMBEDDING + 1, HIDDEN)
        self.to_step = nn.Linear(HIDDEN, 2)
        self.to_frailty = nn.Linear(HIDDEN, 1)
        self.dropout = nn.Dropout(DROPOUT)
        for layer in (self.to_step, self.to_frailty):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def encode(self, steps: Tensor, region: Tensor, category: Tensor, at: Tensor) -> Tensor:
        """Read steps (B, L, step and calendar); return states after the steps `at` (O,)."""
        static = torch.cat(
            [self.region(self._hidden(region)), self.category(self._hidden(category))], dim=-1
        )
        read = torch.cat([steps, static[:, None, :].expand(-1, steps.shape[1], -1)], dim=-1)
        hidden, _ = self.encoder(read)  # (B, L, HIDDEN)
        state = torch.cat([self.dropout(hidden[:, at]), read[:, at]], dim=-1)
        return torch.tanh(self.from_state(state))  # (B, O, HIDDEN)

    def decode(self, state: Tensor, ahead: Tensor, category: Tensor) -> Correction:
        """Answer for states (B, O, HIDDEN) and what is known of the steps ahead (B, O, H, A)."""
        horizon = ahead.shape[2]
        number = torch.log(torch.arange(1, horizon + 1, device=ahead.device).float()) / 3.0
        number = number[:, None].expand(*ahead.shape[:-1], 1)
        kind = self.category(category)[:, None, None, :].expand(*ahead.shape[:-1], -1)
        step = self.from_ahead(torch.cat([ahead, kind, number], dim=-1))
        answer = self.to_step(self.dropout(torch.relu(state[:, :, None, :] + step)))
        frailty = self.to_frailty(self.dropout(state))[..., 0]
        return Correction(_bounded(answer[..., 0]), _bounded(answer[..., 1]), _bounded(frailty))

    def _hidden(self, number: Tensor) -> Tensor:
        """Return numbers of names, in training some of them as unknown (0)."""
        if not self.training:
            return number
        kept = torch.rand(number.shape, device=number.device) >= UNKNOWN_SHARE
        return number * kept


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
