"""Trains the network on every cell at once and measures it against the baseline.

The days are split three ways: training, an end that decides when to stop, and a last end, untouched
until then, on which network and baseline are compared from rolling origins a week apart. One seed
gives one result on one machine, unless the time budget cuts in.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from heed_warning.domain.day_kind import WorkingDay
from heed_warning.domain.history import BaselineForecaster, Forecaster, History, history_of
from heed_warning.domain.panel import Floats, Panel
from heed_warning.forecasting.batches import TrainingDays, draw_loss, training_days
from heed_warning.forecasting.features import Vocabulary, features_of
from heed_warning.forecasting.lstm import LstmForecaster, to_bytes
from heed_warning.forecasting.network import Network
from heed_warning.forecasting.scores import coverage, log_loss, weighted_quantile_loss

DAYS_FOR_SEASON = 730
BATCH = 48
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 1e-2
AVERAGE_DECAY = 0.98
STEPS_PER_CHECK = 40
SHARES_KEPT = (1.0, 0.75, 0.5, 0.25)
CHECKS_WITHOUT_GAIN = 16
MAX_STEPS = 2400
SHARE_FOR_DESCENT = 0.85
WEEK = 7
LONGEST_HELD_OUT = 42


@dataclass(frozen=True)
class Trained:
    """A trained network with how it did on the days kept from it."""

    weights: bytes
    validation_loss: float
    """Mean weighted quantile loss of seven-day sums."""
    baseline_loss: float
    coverage_90: float
    """Share of held-out single days inside the central 90 % interval."""
    steps: int


@dataclass(frozen=True)
class _Limits:
    """When to stop at the latest."""

    steps: int
    deadline: float

    def allow(self, step: int) -> bool:
        return step < self.steps and time.monotonic() < self.deadline

    def share_done(self, step: int, started: float) -> float:
        spent = (time.monotonic() - started) / max(self.deadline - started, 1e-9)
        return min(0.95, max(step / self.steps, spent))


@dataclass(frozen=True)
class Origin:
    """A history to forecast from, and the week that came after it."""

    history: History
    week: Floats
    """(N, 7)."""


def train(
    panel: Panel,
    working: WorkingDay,
    *,
    seed: int,
    max_seconds: float,
    report: Callable[[float], None],
    max_steps: int = MAX_STEPS,
) -> Trained:
    """Train on a panel of at least DAYS_FOR_TRAINING days; `report` receives the share done."""
    deadline = time.monotonic() + SHARE_FOR_DESCENT * max_seconds
    torch.manual_seed(seed)
    held = min(LONGEST_HELD_OUT, panel.day_count // 6) // WEEK * WEEK
    training = panel.until(panel.last_day - timedelta(days=2 * held))
    categories = tuple(sorted({cell.category for cell in panel.cells}))
    vocabulary = Vocabulary(categories, training.day_count >= DAYS_FOR_SEASON)
    stopping = rolling_origins(panel.until(panel.last_day - timedelta(days=held)), held, working)
    history = history_of(training, training.last_day, working)
    network = Network(len(categories))
    steps = _descend(
        network,
        training_days(history, features_of(history, vocabulary)),
        lambda some: _stopping_loss(some.eval(), vocabulary, stopping),
        torch.Generator().manual_seed(seed),
        _Limits(max_steps, deadline),
        report,
    )
    forecaster = LstmForecaster("candidate", network.eval(), vocabulary)
    last = rolling_origins(panel, held, working)
    trained = Trained(
        weights=to_bytes(network, vocabulary),
        validation_loss=loss_of(forecaster, last),
        baseline_loss=loss_of(BaselineForecaster(), last),
        coverage_90=coverage_of(forecaster, last),
        steps=steps,
    )
    report(1.0)
    return trained


def rolling_origins(panel: Panel, held: int, working: WorkingDay) -> list[Origin]:
    """Return the origins, a week apart, whose weeks fill the last `held` days of a panel."""
    found = []
    for start in range(panel.day_count - held, panel.day_count - WEEK + 1, WEEK):
        day = panel.first_day + timedelta(days=start - 1)
        week = panel.counts[:, start : start + WEEK]
        found.append(Origin(history_of(panel, day, working), week))
    return found


def _stopping_loss(network: Network, vocabulary: Vocabulary, origins: list[Origin]) -> float:
    """Return the likelihood's loss, which tells small gains from chance better than quantiles."""
    return log_loss(*_weeks(LstmForecaster("candidate", network, vocabulary), origins))


def loss_of(forecaster: Forecaster, origins: list[Origin]) -> float:
    """Return the mean weighted quantile loss of the weeks after the origins."""
    return weighted_quantile_loss(*_weeks(forecaster, origins))


def _weeks(forecaster: Forecaster, origins: list[Origin]) -> tuple[Floats, Floats, Floats]:
    """Return count, mean and dispersion of the weeks after the origins, (M,) each."""
    counts, means, dispersions = [], [], []
    for origin in origins:
        able = forecaster.able(origin.history)
        mean, dispersion = forecaster.forecast(origin.history, WEEK).window(0, WEEK)
        counts.append(origin.week.sum(axis=1)[able])
        means.append(mean[able])
        dispersions.append(dispersion[able])
    return np.concatenate(counts), np.concatenate(means), np.concatenate(dispersions)


def coverage_of(forecaster: Forecaster, origins: list[Origin]) -> float:
    """Return the share of the days after the origins inside their central 90 % interval."""
    shares = []
    for origin in origins:
        rows = np.flatnonzero(forecaster.able(origin.history))
        forecast = forecaster.forecast(origin.history, WEEK).select(rows)
        if len(rows):
            shares.append(coverage(origin.week[rows], forecast.mean, forecast.day_dispersion()))
    return float(np.mean(shares)) if shares else 0.0


def _descend(
    network: Network,
    data: TrainingDays,
    measure: Callable[[Network], float],
    generator: torch.Generator,
    limits: _Limits,
    report: Callable[[float], None],
) -> int:
    """Train until the stopping loss no longer falls; leave the best weights; return the steps."""
    optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, MAX_STEPS, eta_min=3e-4)
    # PyTorch leaves this helper untyped.
    mean_of_weights = get_ema_multi_avg_fn(AVERAGE_DECAY)  # type: ignore[no-untyped-call]
    average = AveragedModel(network, multi_avg_fn=mean_of_weights)
    best, best_weights = measure(network), deepcopy(network.state_dict())
    started, step, stale = time.monotonic(), 0, 0
    while limits.allow(step) and stale < CHECKS_WITHOUT_GAIN:
        loss = draw_loss(network.train(), data, BATCH, generator)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        average.update_parameters(network)
        step += 1
        if step % STEPS_PER_CHECK == 0:
            reached = measure(cast("Network", average.module))
            stale = 0 if reached < best else stale + 1
            if reached < best:
                best, best_weights = reached, deepcopy(average.module.state_dict())
            report(limits.share_done(step, started))
    network.load_state_dict(best_weights)
    _hold_back(network, measure)
    return step


def _hold_back(network: Network, measure: Callable[[Network], float]) -> None:
    """Shrink the corrections where less of them would have been better on the stopping days."""
    trained = deepcopy(network.state_dict())
    losses = {}
    for share in SHARES_KEPT:
        network.load_state_dict(trained)
        network.hold_back(share)
        losses[share] = measure(network)
    network.load_state_dict(trained)
    network.hold_back(min(losses, key=lambda share: losses[share]))
