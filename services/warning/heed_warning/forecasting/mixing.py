"""How families are combined: weights and spread of each group of series, learned by validation.

The combined law has the weighted geometric mean of the families' means and the weighted mean of
their spreads. Everything is learned from forecasts made before, held against what came; weights
are drawn half way to equal ones, because a year of origins tells families apart only roughly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from heed_warning.domain import negative_binomial as nb
from heed_warning.domain.distribution import Forecast
from heed_warning.domain.intervals import Calibration, nominal
from heed_warning.domain.panel import Booleans, Floats, Ints
from heed_warning.forecasting.calibration import Held, day_outside, sum_outside, tail_share
from heed_warning.forecasting.family import CLASSICAL
from heed_warning.forecasting.grouping import BROKEN, GROUPS
from heed_warning.forecasting.scores import log_losses

WEIGHT_PARTS = 8
COUNTS_FOR_WEIGHTS = 400
SPREADS = (0.4, 0.55, 0.75, 1.0, 1.3, 1.7, 2.2)


@dataclass(frozen=True)
class Trial:
    """Forecasts of every family made at one origin, and what came."""

    group: Ints
    """Group of each series at the origin, (N,)."""
    forecasts: tuple[Forecast, ...]
    counts: Floats
    """(N, H)."""
    observed: Booleans


@dataclass(frozen=True)
class Mixing:
    """What validation taught about each group."""

    families: tuple[str, ...]
    weights: Floats
    """(G, M), rows add up to 1."""
    spread: Floats
    """Factor of dispersion and frailty, (G,)."""
    calibration: Calibration
    """How the intervals of each group are to be read, G rows."""

    def combine(self, forecasts: Sequence[Forecast], group: Ints) -> Forecast:
        """Return the combined law of each series."""
        weights, spread = self.weights[group], self.spread[group]
        return _mixed(forecasts, weights, spread)

    def champion(self, group: int) -> str:
        """Return the family that counts most in a group."""
        return self.families[int(self.weights[group].argmax())]


def _mixed(forecasts: Sequence[Forecast], weights: Floats, spread: Floats) -> Forecast:
    log_mean = sum(
        weights[:, place, None] * np.log(np.maximum(part.mean, nb.SMALLEST_MEAN))
        for place, part in enumerate(forecasts)
    )
    within = sum(weights[:, place, None] * part.dispersion for place, part in enumerate(forecasts))
    common = sum(weights[:, place] * part.frailty for place, part in enumerate(forecasts))
    return Forecast(
        mean=np.exp(log_mean),
        dispersion=spread[:, None] * np.asarray(within),
        frailty=spread * np.asarray(common),
    )


def prior_mixing(families: Sequence[str]) -> Mixing:
    """Return equal weights, spreads as they are, nominal intervals."""
    count = len(families)
    return Mixing(
        tuple(families),
        _classical_after_break(np.full((len(GROUPS), count), 1.0 / count), families),
        np.ones(len(GROUPS)),
        nominal(len(GROUPS)),
    )


def learn(families: Sequence[str], trials: Sequence[Trial]) -> Mixing:
    """Return weights, spreads and intervals that would have done best at the trials.

    Where earlier trials lack the last families, those get an equal share without proof.
    """
    prior = prior_mixing(families)
    if not trials:
        return prior
    proven = min(len(trial.forecasts) for trial in trials)
    trials = [replace(trial, forecasts=trial.forecasts[:proven]) for trial in trials]
    equal = np.full(proven, 1.0 / proven)
    weights, spread = np.zeros((len(GROUPS), proven)), prior.spread
    overall = _best_weights(trials, None)
    for group in range(len(GROUPS)):
        count = sum(int(trial.observed[trial.group == group].sum()) for trial in trials)
        own = _best_weights(trials, group) if count >= COUNTS_FOR_WEIGHTS else overall
        weights[group] = (own + overall) / 4.0 + equal / 2.0
    weights = _classical_after_break(weights, families[:proven])
    for group in range(len(GROUPS)):
        count = sum(int(trial.observed[trial.group == group].sum()) for trial in trials)
        chosen = group if count >= COUNTS_FOR_WEIGHTS else None
        spread[group] = _best_spread(trials, chosen, weights)
    calibration = _calibrated(trials, weights, spread)
    share = proven / len(families)
    rest = np.full((len(GROUPS), len(families) - proven), 1.0 / len(families))
    every = _classical_after_break(np.hstack([weights * share, rest]), families)
    return Mixing(tuple(families), every, spread, calibration)


def _classical_after_break(weights: Floats, families: Sequence[str]) -> Floats:
    """Leave broken series to the classical family: it alone leaves out what lies before."""
    if CLASSICAL in families:
        weights[BROKEN] = np.array([name == CLASSICAL for name in families], dtype=float)
    return weights


def _best_weights(trials: Sequence[Trial], group: int | None) -> Floats:
    """Return the weights of least log loss among a grid, (M,)."""
    count = len(trials[0].forecasts)
    best, least = np.full(count, 1.0 / count), np.inf
    for parts in product(range(WEIGHT_PARTS + 1), repeat=count):
        if sum(parts) != WEIGHT_PARTS:
            continue
        weights = np.array(parts) / WEIGHT_PARTS
        loss = 0.0
        for trial in trials:
            rows = _rows(trial, group)
            loss += _loss(trial, rows, np.broadcast_to(weights, (len(rows), count)), 1.0)
        if loss < least:
            best, least = weights, loss
    return best


def _rows(trial: Trial, group: int | None) -> Ints:
    chosen = trial.group == group if group is not None else np.ones(len(trial.group), np.bool_)
    return np.flatnonzero(chosen)


def _loss(trial: Trial, rows: Ints, weights: Floats, spread: float) -> float:
    mixed = _mixed(
        [part.select(rows) for part in trial.forecasts], weights, np.full(len(rows), spread)
    )
    losses = log_losses(trial.counts[rows], mixed.mean, mixed.day_dispersion())
    return float(losses[trial.observed[rows]].sum())


def _best_spread(trials: Sequence[Trial], group: int | None, weights: Floats) -> float:
    """Return the spread of least log loss, drawn half way to leaving it as it is."""
    losses = {
        spread: sum(
            _loss(trial, rows, weights[trial.group[rows]], spread)
            for trial in trials
            for rows in [_rows(trial, group)]
        )
        for spread in SPREADS
    }
    return float(np.sqrt(min(losses, key=lambda one: losses[one])))


def _calibrated(trials: Sequence[Trial], weights: Floats, spread: Floats) -> Calibration:
    """Return how the intervals of each group are to be read; that of all where it has too few."""
    found = nominal(len(GROUPS))
    mixed = [_mixed(trial.forecasts, weights[trial.group], spread[trial.group]) for trial in trials]
    every = _calibration(trials, mixed, None)
    for group in range(len(GROUPS)):
        count = sum(int(trial.observed[trial.group == group].sum()) for trial in trials)
        own = _calibration(trials, mixed, group) if count >= COUNTS_FOR_WEIGHTS else every
        found.day[group], found.sums[group], found.tail[group] = own
    return found


def _calibration(
    trials: Sequence[Trial], mixed: Sequence[Forecast], group: int | None
) -> tuple[float, list[float], float]:
    held = []
    for trial, forecast in zip(trials, mixed, strict=True):
        rows = _rows(trial, group)
        held.append(Held(forecast.select(rows), trial.counts[rows], trial.observed[rows]))
    return day_outside(held), sum_outside(held), tail_share(held)
