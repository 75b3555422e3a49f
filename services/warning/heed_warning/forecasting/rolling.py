"""Rolling origins: every family refitted at each of them, combined by what came before.

At each origin the regression and the classical family are fitted anew; the network keeps the
weights it was trained to before the first origin and reads the counts up to each. Combination
weights and calibration come from validation origins before the first one, and go on learning from
the outcomes that are known when an origin begins. No step after an origin is looked at for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from heed_warning.domain import negative_binomial as nb
from heed_warning.domain.distribution import Forecast
from heed_warning.domain.intervals import NOMINAL_OUTSIDE, interval
from heed_warning.domain.panel import Floats, Ints
from heed_warning.forecasting.family import COMBINATION, Family, Prepared
from heed_warning.forecasting.grouping import groups_at
from heed_warning.forecasting.mixing import Mixing, Trial, learn

VALIDATION_ORIGINS = 13
FIRST_VALIDATION_WEEKS = 26
PROBABILITIES = np.arange(1, 10) / 10.0


@dataclass(frozen=True)
class Answer:
    """The forecasts made at one origin."""

    origin: int
    path: Ints
    group: Ints
    forecasts: tuple[Forecast, ...]
    """One of each family, in their order."""
    combined: Forecast
    mixing: Mixing


def origins_before(steps: int, horizon: int, count: int) -> list[int]:
    """Return `count` origins, a horizon apart, whose horizons fill the end of `steps` steps.

    With a count of 0 the one origin is the last step. Origins before the first step are left out.
    """
    if count == 0:
        return [steps - 1]
    every = (steps - 1 - horizon * (count - number) for number in range(count))
    return [origin for origin in every if origin >= 0]


def validation_origins(first: int, horizon: int, week_steps: int) -> list[int]:
    """Return the origins before the first one on which weights and calibration are learned."""
    every = origins_before(first + 1, horizon, VALIDATION_ORIGINS)
    return [origin for origin in every if origin + 1 >= FIRST_VALIDATION_WEEKS * week_steps]


def trial_at(
    prepared: Prepared, families: Sequence[Family], origin: int, horizon: int
) -> tuple[Trial, Ints]:
    """Return the families' forecasts at an origin with the counts after it as far as known."""
    group, path = groups_at(prepared, origin)
    forecasts = tuple(family.fit(prepared, origin).predict(horizon) for family in families)
    table, stop = prepared.table, origin + 1 + horizon
    padding = ((0, 0), (0, max(0, stop - table.steps)))
    counts = np.pad(table.counts[:, origin + 1 : stop], padding)
    observed = np.pad(table.observed[:, origin + 1 : stop], padding)
    return Trial(group, forecasts, counts, observed), path


def forecast_at(
    prepared: Prepared,
    families: Callable[[int], Sequence[Family]],
    origins: Sequence[int],
    horizon: int,
) -> list[Answer]:
    """Return what is forecast at each origin, in order.

    `families(step)` returns families that were trained on no step after `step`; it is asked once
    for the first validation origin and once for the first origin.
    """
    past: list[tuple[int, Trial]] = []
    earlier = validation_origins(origins[0], horizon, prepared.table.week_steps)
    if earlier:
        validated = families(earlier[0])
        past = [(at, trial_at(prepared, validated, at, horizon)[0]) for at in earlier]
    used = families(origins[0])
    answers = []
    for origin in origins:
        known = [trial for at, trial in past if at + horizon <= origin]
        mixing = learn([family.name for family in used], known)
        trial, path = trial_at(prepared, used, origin, horizon)
        combined = mixing.combine(trial.forecasts, trial.group)
        answers.append(Answer(origin, path, trial.group, trial.forecasts, combined, mixing))
        past.append((origin, trial))
    return answers


def chosen(answer: Answer, model: str) -> Forecast:
    """Return the combined forecast, or that of one family."""
    if model == COMBINATION:
        return answer.combined
    return answer.forecasts[answer.mixing.families.index(model)]


def bounds(answer: Answer, model: str) -> tuple[Floats, Floats]:
    """Return the bounds of the 90 % interval, calibrated for the combination, (N, H) each."""
    forecast = chosen(answer, model)
    outside = np.full(len(answer.group), NOMINAL_OUTSIDE)
    if model == COMBINATION:
        outside = answer.mixing.calibration.day[answer.group]
    return interval(forecast.mean, forecast.day_dispersion(), outside[:, None])


def quantiles(forecast: Forecast, low: Floats, high: Floats) -> Floats:
    """Return q10 to q90 of every step, none outside the bounds of its interval, (N, H, 9)."""
    dispersion = forecast.day_dispersion()
    found = nb.quantile(PROBABILITIES, forecast.mean[..., None], dispersion[..., None])
    return np.clip(found, low[..., None], high[..., None])
