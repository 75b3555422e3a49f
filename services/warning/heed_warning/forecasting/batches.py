"""Draws training sequences and computes their loss.

What the other series of a category did together over the steps ahead is taken out of the targets:
a few years show the common course of a category only a few times, and a network would learn those
years by heart. It learns how series move against their category; how far categories stray together
is added to the spread afterwards (`common_variance`).

Shapes: B sequences of L steps, O origins within each, H steps ahead.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heed_warning.domain.panel import Floats
from heed_warning.forecasting.family import Prepared
from heed_warning.forecasting.features import (
    calendar_features,
    season_features,
    step_features,
)
from heed_warning.forecasting.network import Network, negative_log_likelihood
from heed_warning.forecasting.series import DAY, sum_by
from heed_warning.forecasting.spread import spread_of

COMMON_ITEMS = 5.0
WHOLE_WEIGHT = 0.5
FIRST_WEEKS = 26
"""Weeks before the first sequence; levels and season are too young there."""
ORIGINS_A_SEQUENCE = 12


@dataclass(frozen=True)
class Lesson:
    """What there is to train on, as tensors of N series and T steps with F steps ahead."""

    steps: Tensor  # (N, T, STEP_WIDTH)
    calendar: Tensor  # (T + F, CALENDAR_WIDTH)
    seasons: Tensor  # (N, T + F, AHEAD_WIDTH)
    season: Tensor  # (C, T + F)
    week: Tensor  # factor of weekday and exception as known at each step, (C, T, 21)
    kind: Tensor  # (T + F,)
    region: Tensor  # number in the vocabulary, (N,)
    category: Tensor  # number in the vocabulary, (N,)
    group: Tensor  # row of season and week, (N,)
    counts: Tensor  # (N, T)
    observed: Tensor  # (N, T)
    level: Tensor  # classical level, (N, T)
    totals: Tensor  # counts of the category's finest series, (C, T)
    total_level: Tensor  # sum of their levels, (C, T)
    dispersion: Tensor  # (N,)
    frailty: Tensor  # (N,)
    weight: Tensor  # how often a series is drawn, (N,)
    horizon: int
    length: int  # steps in a sequence
    burn: int  # steps of a sequence before its first origin
    first: int  # step before which no sequence begins where there are more

    def to(self, device: torch.device) -> Lesson:
        """Return the same on a device; weights for drawing stay on the CPU."""
        moved: dict[str, Any] = {
            name: value.to(device)
            for name, value in vars(self).items()
            if isinstance(value, Tensor) and name != "weight"
        }
        return replace(self, **moved)


def sequence_steps(step_days: int) -> int:
    """Return the length of a sequence: 40 weeks, or 12 weeks of days."""
    return 84 if step_days == DAY else 40


def lesson_of(
    prepared: Prepared,
    horizon: int,
    vocabulary: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> Lesson:
    """Return the tensors of a table; `vocabulary` are numbers of regions and categories, (N,)."""
    table, shape, levels = prepared.table, prepared.shape, prepared.levels
    finest = table.finest[:, None] & table.observed
    count = len(table.categories)
    dispersion, frailty = spread_of(table, shape, levels, table.steps - 1, horizon)
    # Short histories have shorter sequences, so that there is more than one to draw.
    length = min(sequence_steps(table.step_days), 2 * (table.steps - horizon) // 3)
    usable = table.finest & (table.observed.sum(axis=1) > length + horizon)
    mean = table.counts.sum(axis=1) / np.maximum(table.observed.sum(axis=1), 1)
    return Lesson(
        steps=torch.from_numpy(step_features(prepared, 0, table.steps)),
        calendar=torch.from_numpy(calendar_features(prepared)),
        seasons=torch.from_numpy(season_features(prepared, np.arange(shape.season.shape[1]))),
        season=_float(np.log(shape.season)),
        week=_float(shape.week),
        kind=torch.from_numpy(shape.kind),
        region=torch.from_numpy(vocabulary[0]),
        category=torch.from_numpy(vocabulary[1]),
        group=torch.from_numpy(table.category),
        counts=_float(table.counts),
        observed=torch.from_numpy(table.observed),
        level=_float(levels.expected),
        totals=_float(sum_by(np.where(finest, table.counts, 0.0), table.category, count)),
        total_level=_float(sum_by(np.where(finest, levels.expected, 0.0), table.category, count)),
        dispersion=_float(dispersion),
        frailty=_float(frailty),
        weight=_float(np.sqrt(mean * table.week_steps + 0.1) * usable),
        horizon=horizon,
        length=length,
        burn=length // 3,
        first=FIRST_WEEKS * table.week_steps,
    )


def draw_loss(network: Network, lesson: Lesson, size: int, generator: torch.Generator) -> Tensor:
    """Return the loss of `size` random sequences."""
    length, horizon = lesson.length, lesson.horizon
    device = lesson.steps.device
    last = lesson.counts.shape[1] - horizon - length
    first = min(lesson.first, last // 2)
    row = torch.multinomial(lesson.weight, size, replacement=True, generator=generator)
    start = first + (torch.rand(size, generator=generator) * (last - first + 1)).long()
    row, start = row.to(device), start.to(device)
    step = start[:, None] + torch.arange(length, device=device)  # (B, L)
    read = torch.cat([lesson.steps[row[:, None], step], lesson.calendar[step]], dim=-1)
    stride = max(1, (length - lesson.burn) // ORIGINS_A_SEQUENCE)
    at = torch.arange(lesson.burn, length, stride, device=device)  # (O,)
    state = network.encode(read, lesson.region[row], lesson.category[row], at)
    today = start[:, None] + at  # (B, O)
    ahead = today[:, :, None] + torch.arange(1, horizon + 1, device=device)  # (B, O, H)
    correction = network.decode(state, known_ahead(lesson, row, ahead), lesson.category[row])
    base = lesson.level[row[:, None], today][:, :, None] * _factor(lesson, row, today, ahead)
    base = base * _common_course(lesson, row, today, ahead)
    mean = base.clamp(min=1e-4) * torch.exp(correction.log_mean)  # (B, O, H)
    dispersion = lesson.dispersion[row, None, None] * torch.exp(correction.log_dispersion)
    frailty = lesson.frailty[row, None] * torch.exp(correction.log_frailty)
    rows = row[:, None, None]
    return _loss(
        lesson.counts[rows, ahead], lesson.observed[rows, ahead], mean, dispersion, frailty
    )


def known_ahead(lesson: Lesson, row: Tensor, ahead: Tensor) -> Tensor:
    """Return what is known of steps ahead, (B, O, H, AHEAD_WIDTH + CALENDAR_WIDTH)."""
    known = lesson.seasons[row[:, None, None], ahead]
    return torch.cat([known, lesson.calendar[ahead]], dim=-1)


def _factor(lesson: Lesson, row: Tensor, today: Tensor, ahead: Tensor) -> Tensor:
    group = lesson.group[row][:, None, None]
    week = lesson.week[group, today[:, :, None], lesson.kind[ahead]]
    return torch.exp(lesson.season[group, ahead]) * week


def _common_course(lesson: Lesson, row: Tensor, today: Tensor, ahead: Tensor) -> Tensor:
    """Return how the other series of the category did against what was expected, (B, O, H)."""
    group, rows = lesson.group[row][:, None, None], row[:, None, None]
    factor = _factor(lesson, row, today, ahead)
    own = lesson.counts[rows, ahead] * lesson.observed[rows, ahead]
    others = lesson.totals[group, ahead] - own
    now = today[:, :, None]
    level = lesson.total_level[group, now] - lesson.level[rows, now] * lesson.observed[rows, now]
    expected = level.clamp(min=0.0) * factor
    return (others + COMMON_ITEMS) / (expected + COMMON_ITEMS)


def _loss(
    count: Tensor, observed: Tensor, mean: Tensor, dispersion: Tensor, frailty: Tensor
) -> Tensor:
    """Score single steps and sums over halves and the whole, so that both spreads are learned."""
    frail = frailty[:, :, None]
    single = dispersion + frail + dispersion * frail
    known = observed.float()
    loss = (negative_log_likelihood(count, mean, single) * known).sum() / known.sum().clamp(min=1)
    horizon = mean.shape[-1]
    if horizon == 1:
        return loss
    within = dispersion * (1.0 + frail) * mean**2
    complete = known.amin(dim=-1)
    half = horizon // 2
    for first, stop in ((0, half), (half, horizon), (0, horizon)):
        total = mean[..., first:stop].sum(dim=-1)
        spread = within[..., first:stop].sum(dim=-1) / total**2 + frailty
        seen = count[..., first:stop].sum(dim=-1)
        each = negative_log_likelihood(seen, total, spread) * complete
        loss = loss + WHOLE_WEIGHT * each.sum() / complete.sum().clamp(min=1)
    return loss


def common_variance(prepared: Prepared, horizon: int) -> Floats:
    """Return the variance of the course that series of a category share, (C,).

    That of the logarithm of counts over expectation of whole horizons, less what chance does.
    """
    table, levels = prepared.table, prepared.levels
    finest = table.finest[:, None] & table.observed
    count = len(table.categories)
    totals = sum_by(np.where(finest, levels.bounded, 0.0), table.category, count)
    level = sum_by(np.where(finest, levels.expected, 0.0), table.category, count)
    first = min(FIRST_WEEKS * table.week_steps, table.steps // 2)
    origins = range(first, table.steps - horizon, max(1, horizon // 2))
    above, below = np.zeros((2, count))
    for origin in origins:
        expected = (level[:, origin, None] * prepared.shape.ahead(origin, horizon)).sum(axis=1)
        seen = totals[:, origin + 1 : origin + 1 + horizon].sum(axis=1)
        above += (seen - expected) ** 2 - seen
        below += expected**2
    return np.clip(above / np.maximum(below, 1e-9), 0.0, 1.0)


def _float(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
