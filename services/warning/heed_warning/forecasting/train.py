"""Trains the combination for the service and measures it against what answers now.

The panel's end is kept for rolling origins: on the first half of them weights and calibration are
learned, on the second half, untouched until then, every family, the combination and the seasonal
baseline are held against what came. Then the networks are trained once more on everything, and the
mixing is learned from all of the origins.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from heed_warning.domain.day_kind import WorkingDay, kinds
from heed_warning.domain.distribution import Forecast
from heed_warning.domain.forecaster_record import FamilyScore
from heed_warning.domain.history import LONGEST_HORIZON, BaselineForecaster, Forecaster, history_of
from heed_warning.domain.intervals import NOMINAL_OUTSIDE, interval
from heed_warning.domain.panel import Floats, Panel
from heed_warning.forecasting.classical import Classical
from heed_warning.forecasting.combination import Combination
from heed_warning.forecasting.descent import MOST_SERIES, Budget, train_networks
from heed_warning.forecasting.family import COMBINATION, Family, prepare
from heed_warning.forecasting.mixing import Mixing, Trial, learn
from heed_warning.forecasting.regression import Regression
from heed_warning.forecasting.rolling import trial_at
from heed_warning.forecasting.scores import weighted_quantile_loss
from heed_warning.forecasting.series import of_panel
from heed_warning.forecasting.weights import to_bytes

WEEK = 7
HORIZON = 28
SHORT_HORIZON = 14
"""Horizon of training where a history is too short to spare four weeks at every origin."""
DAYS_FOR_LONG_HORIZON = 365
LONGEST_HELD_OUT_WEEKS = 26
HELD_OUT_SHARE = 4
SHARE_FOR_FIRST = 0.45
BASELINE = "baseline"


@dataclass(frozen=True)
class Current:
    """The combination in use and the last day of what it was trained on."""

    forecaster: Combination
    data_to: date


@dataclass(frozen=True)
class Trained:
    """A trained combination with how it did on days kept from it."""

    weights: bytes
    validation_loss: float
    """Mean weighted quantile loss of the combination's single days."""
    baseline_loss: float
    coverage_90: float
    """Share of held-out days inside the 90 % interval."""
    losses: tuple[FamilyScore, ...]
    beats_current: bool
    """Whether it did at least as well as the one in use on held-out weeks that neither had seen;
    true where there is none or where there are no such weeks."""


def train(
    panel: Panel,
    working: WorkingDay,
    *,
    seed: int,
    max_seconds: float,
    report: Callable[[float], None],
    current: Current | None = None,
    budget: Budget | None = None,
    most_cells: int = MOST_SERIES,
) -> Trained:
    """Train on a panel of at least DAYS_FOR_TRAINING days; `report` receives the share done.

    Of more than `most_cells` cells some are trained on and measured, so that memory stays bounded.
    """
    started = time.monotonic()
    panel = sample(panel, most_cells)
    horizon = HORIZON if panel.day_count >= DAYS_FOR_LONG_HORIZON else SHORT_HORIZON
    table = of_panel(panel)
    prepared = prepare(table, kinds(panel.first_day, table.steps + LONGEST_HORIZON, working))
    origins = held_out_origins(table.steps, WEEK)
    asked = replace(budget or Budget(), seed=seed)
    first = replace(asked, deadline=started + SHARE_FOR_FIRST * max_seconds)
    early = train_networks(
        prepared, origins[0], horizon, first, lambda share: report(share * SHARE_FOR_FIRST)
    )
    families: tuple[Family, ...] = (Classical(), Regression(), early)
    trials = [trial_at(prepared, families, origin, horizon)[0] for origin in origins]
    test = _Test(
        panel, working, origins, trials,
        learn([family.name for family in families], _first_half(trials, origins)),
    )  # fmt: skip
    scores = _scores(families, test)
    second = replace(asked, deadline=started + 2 * SHARE_FOR_FIRST * max_seconds)
    final = train_networks(
        prepared, table.steps - 1, horizon, second,
        lambda share: report(SHARE_FOR_FIRST * (1.0 + share)),
    )  # fmt: skip
    mixing = learn([family.name for family in families], trials)
    by_family = {score.family: score for score in scores}
    report(1.0)
    return Trained(
        weights=to_bytes(final, mixing),
        validation_loss=by_family[COMBINATION].loss,
        baseline_loss=by_family[BASELINE].loss,
        coverage_90=by_family[COMBINATION].coverage_90,
        losses=scores,
        beats_current=current is None or _beats(current, test),
    )


def sample(panel: Panel, most: int) -> Panel:
    """Return the cells with most items and as many others by chance, `most` together."""
    count = len(panel.cells)
    if count <= most:
        return panel
    order = np.argsort(-panel.counts.sum(axis=1), kind="stable")
    largest, others = order[: most // 2], order[most // 2 :]
    drawn = np.random.default_rng(count).permutation(others)[: most - len(largest)]
    return panel.select(np.sort(np.concatenate([largest, drawn])))


def held_out_origins(steps: int, horizon: int) -> list[int]:
    """Return origins a week apart whose weeks fill the last quarter, half a year at most."""
    count = min(LONGEST_HELD_OUT_WEEKS, steps // HELD_OUT_SHARE // horizon)
    return [steps - 1 - horizon * (count - number) for number in range(count)]


@dataclass(frozen=True)
class _Test:
    """What a mixing of the first half of the trials is tested on: the second half."""

    panel: Panel
    working: WorkingDay
    origins: Sequence[int]
    trials: Sequence[Trial]
    mixing: Mixing

    @property
    def places(self) -> range:
        """The trials tested on."""
        return range((len(self.trials) + 1) // 2, len(self.trials))

    def day(self, place: int) -> date:
        """Return the day of a trial's origin."""
        return self.panel.first_day + timedelta(days=self.origins[place])

    def mixed(self, place: int) -> Forecast:
        """Return the combined forecast of a trial."""
        trial = self.trials[place]
        return self.mixing.combine(trial.forecasts, trial.group)

    def others(self, forecaster: Forecaster, place: int) -> Forecast:
        """Return what a forecaster says at a trial's origin."""
        history = history_of(self.panel, self.day(place), self.working)
        return forecaster.predict(history, self.trials[place].counts.shape[1]).forecast


def _first_half(trials: Sequence[Trial], origins: Sequence[int]) -> list[Trial]:
    """Return the first half of the trials, without what came after the second half began."""
    half = (len(trials) + 1) // 2
    known = origins[min(half, len(origins) - 1)]
    return [
        replace(
            trial,
            observed=trial.observed & (origin + 1 + np.arange(trial.counts.shape[1]) <= known),
        )
        for trial, origin in zip(trials[:half], origins, strict=False)
    ]


def _scores(families: Sequence[Family], test: _Test) -> tuple[FamilyScore, ...]:
    """Score every family, the combination and the seasonal baseline on the tested trials."""
    tested = [test.trials[place] for place in test.places]
    outside = [test.mixing.calibration.day[trial.group] for trial in tested]
    nominal = [np.full(len(trial.group), NOMINAL_OUTSIDE) for trial in tested]
    found = [
        _score(family.name, tested, [trial.forecasts[number] for trial in tested], nominal)
        for number, family in enumerate(families)
    ]
    combined = [test.mixed(place) for place in test.places]
    baseline = [test.others(BaselineForecaster(), place) for place in test.places]
    found.append(_score(COMBINATION, tested, combined, outside))
    found.append(_score(BASELINE, tested, baseline, nominal))
    return tuple(found)


def _score(
    name: str, trials: Sequence[Trial], forecasts: Sequence[Forecast], outside: Sequence[Floats]
) -> FamilyScore:
    counts, means, dispersions, held = [], [], [], []
    for trial, forecast, share in zip(trials, forecasts, outside, strict=True):
        low, high = interval(forecast.mean, forecast.day_dispersion(), share[:, None])
        seen = trial.observed
        held.append(((trial.counts >= low) & (trial.counts <= high))[seen])
        counts.append(trial.counts[seen])
        means.append(forecast.mean[seen])
        dispersions.append(forecast.day_dispersion()[seen])
    loss = weighted_quantile_loss(*map(np.concatenate, (counts, means, dispersions)))
    return FamilyScore(name, loss, float(np.concatenate(held).mean()))


def _beats(current: Current, test: _Test) -> bool:
    """Hold the new combination against the one in use, on tested trials after the latter's data."""
    unseen = [place for place in test.places if test.day(place) >= current.data_to]
    if not unseen:
        return True
    tested = [test.trials[place] for place in unseen]
    nominal = [np.full(len(trial.group), NOMINAL_OUTSIDE) for trial in tested]
    mine = [test.mixed(place) for place in unseen]
    theirs = [test.others(current.forecaster, place) for place in unseen]
    scores = [_score("", tested, forecasts, nominal) for forecasts in (mine, theirs)]
    return scores[0].loss <= scores[1].loss
