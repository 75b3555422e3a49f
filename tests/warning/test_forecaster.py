"""The trained combination: better than the naive, blind to the future, weights and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from typing import Protocol

import numpy as np
import pytest
import torch
from safetensors.torch import save

from heed_warning.domain import negative_binomial as nb
from heed_warning.domain.distribution import Forecast
from heed_warning.domain.foresight import foresee
from heed_warning.domain.history import BaselineForecaster, History, Prediction, history_of
from heed_warning.domain.intervals import nominal
from heed_warning.domain.outlook import Chances, outlooks
from heed_warning.domain.panel import Floats, Panel
from heed_warning.forecasting.combination import Combination
from heed_warning.forecasting.descent import Budget
from heed_warning.forecasting.network import negative_log_likelihood
from heed_warning.forecasting.scores import coverage, weighted_quantile_loss
from heed_warning.forecasting.train import Trained, train
from heed_warning.forecasting.weights import UnknownWeightsError, from_bytes
from tests.warning.simulation import every_weekday_as_it_is, stationary

HELD = 42
SMALL = Budget(networks=1, steps=60)


@cache
def seasonal_panel() -> Panel:
    return stationary(5, days=420, counties=4, categories=5, season=0.3)


@cache
def trained() -> Trained:
    torch.set_num_threads(1)
    shares: list[float] = []
    result = train(
        seasonal_panel().until(seasonal_panel().last_day - timedelta(days=HELD)),
        every_weekday_as_it_is,
        seed=1,
        max_seconds=60,
        report=shares.append,
        budget=SMALL,
    )
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    return result


@cache
def forecaster() -> Combination:
    return from_bytes("forecasters/test", trained().weights)


def predicted(panel: Panel, as_of: date, horizon: int) -> Forecast:
    """What is forecast at the end of a day."""
    history = history_of(panel, as_of, every_weekday_as_it_is)
    return forecaster().predict(history, horizon).forecast


class Foresees(Protocol):
    """All that a loss asks of a forecaster."""

    def predict(self, history: History, horizon: int) -> Prediction: ...


def loss_of(forecaster: Foresees, panel: Panel) -> float:
    """The loss of single days over weeks that fill the panel's end."""
    counts, means, dispersions = [], [], []
    for ahead in range(HELD, 0, -7):
        day = panel.last_day - timedelta(days=ahead)
        start = panel.index_of(day) + 1
        history = history_of(panel, day, every_weekday_as_it_is)
        forecast = forecaster.predict(history, 7).forecast
        counts.append(panel.counts[:, start : start + 7].ravel())
        means.append(forecast.mean.ravel())
        dispersions.append(forecast.day_dispersion().ravel())
    return weighted_quantile_loss(*(np.concatenate(x) for x in (counts, means, dispersions)))


class SeasonalNaive:
    """Last week again, with the spread of week-on-week changes."""

    def predict(self, history: History, horizon: int) -> Prediction:
        known = history.panel.counts
        mean = np.maximum(known[:, -7:], 0.5)
        change = ((known[:, 7:] - known[:, :-7]) ** 2).mean(axis=1, keepdims=True)
        spread = np.maximum(change - mean, 0.0) / mean**2
        count = len(mean)
        forecast = Forecast(mean, spread, np.zeros(count))
        return Prediction(forecast, np.ones(count, bool), [()] * count, nominal(count))


def test_it_beats_the_seasonal_naive_on_weeks_it_never_saw() -> None:
    loss = loss_of(forecaster(), seasonal_panel())
    assert loss < 0.92 * loss_of(SeasonalNaive(), seasonal_panel())
    assert loss < 1.03 * loss_of(BaselineForecaster(), seasonal_panel())


def test_training_measures_every_family_on_days_kept_from_it() -> None:
    result = trained()
    names = [score.family for score in result.losses]
    assert names == ["classical", "regression", "lstm", "combination", "baseline"]
    assert all(0.0 < score.loss < 2.0 for score in result.losses)
    by_name = {score.family: score for score in result.losses}
    assert result.validation_loss == by_name["combination"].loss
    assert result.baseline_loss == by_name["baseline"].loss
    assert 0.83 < result.coverage_90 < 0.97


def test_days_after_the_origin_never_change_its_forecast() -> None:
    panel = seasonal_panel()
    as_of = panel.first_day + timedelta(days=300)
    later = panel.counts.copy()
    later[:, 301:] = np.random.default_rng(2).integers(0, 900, later[:, 301:].shape)
    first = predicted(panel, as_of, 28)
    other = replace(panel, counts=later)
    second = predicted(other, as_of, 28)
    for one, two in ((first.mean, second.mean), (first.frailty, second.frailty)):
        assert np.array_equal(one, two)


def test_the_past_does_change_it() -> None:
    panel = seasonal_panel()
    as_of = panel.first_day + timedelta(days=300)
    earlier = panel.counts.copy()
    earlier[:, 290:301] += 5
    first = predicted(panel, as_of, 7)
    other = replace(panel, counts=earlier)
    second = predicted(other, as_of, 7)
    rose = second.mean.sum(axis=1) > first.mean.sum(axis=1)
    assert rose.mean() > 0.8  # the largest cells take five more for noise


def test_one_seed_gives_one_result_and_another_seed_another() -> None:
    panel = stationary(5, days=140, counties=2, categories=2)
    made = [
        train(
            panel, every_weekday_as_it_is, seed=seed, max_seconds=60, report=lambda _: None,
            budget=Budget(networks=1, steps=40),
        )
        for seed in (3, 3, 4)
    ]  # fmt: skip
    assert made[0].weights == made[1].weights
    assert made[0].validation_loss == made[1].validation_loss
    assert made[0].weights != made[2].weights


def test_weights_of_unknown_code_are_refused() -> None:
    with pytest.raises(UnknownWeightsError):
        from_bytes(
            "forecasters/other", save({"w": torch.zeros(1)}, {"heed": '{"code_version": "gru-9"}'})
        )
    with pytest.raises(UnknownWeightsError):
        from_bytes("forecasters/none", save({"w": torch.zeros(1)}))


def test_what_was_stored_answers_as_what_was_trained() -> None:
    history = history_of(seasonal_panel(), seasonal_panel().last_day, every_weekday_as_it_is)
    again = from_bytes("forecasters/again", trained().weights).predict(history, 14)
    first = forecaster().predict(history, 14)
    assert np.array_equal(again.forecast.mean, first.forecast.mean)
    assert np.array_equal(again.calibration.sums, first.calibration.sums)
    shares = first.shares
    assert len(shares) == len(history.panel.cells)
    for share in shares:
        assert sum(weight for _, weight in share) == pytest.approx(1.0)
        assert [weight for _, weight in share] == sorted((w for _, w in share), reverse=True)


def test_a_region_and_category_that_it_never_saw_are_forecast_all_the_same() -> None:
    panel = seasonal_panel()
    renamed = replace(
        panel, cells=tuple(replace(cell, category=f"9{cell.category[-1]}") for cell in panel.cells)
    )
    history = history_of(renamed, renamed.last_day, every_weekday_as_it_is)
    assert np.isfinite(forecaster().predict(history, 28).forecast.mean).all()


def test_the_loss_is_the_negative_binomial_likelihood() -> None:
    count, mean, dispersion = torch.tensor([3.0]), torch.tensor([2.5]), torch.tensor([0.4])
    tails = [nb.upper_tail(np.array([k]), np.array([2.5]), np.array([0.4]))[0] for k in (3.0, 4.0)]
    found = negative_log_likelihood(count, mean, dispersion).item()
    assert found == pytest.approx(-np.log(tails[0] - tails[1]), rel=1e-4)


def test_scores_are_right_on_a_case_done_by_hand() -> None:
    certain: Floats = np.array([1e-12])
    # All quantiles are 0: each pinball loss is p * 10, doubled, over 10 items, p from .1 to .9.
    assert weighted_quantile_loss(np.array([10.0]), certain, certain) == pytest.approx(1.0)
    assert coverage(np.array([0.0, 10.0]), certain, certain) == 0.5


def test_intervals_of_the_service_hold_ninety_percent_of_days_it_never_saw() -> None:
    panel = seasonal_panel()
    days, weeks = [], []
    for ahead in range(HELD, 13, -7):
        day = panel.last_day - timedelta(days=ahead)
        start = panel.index_of(day) + 1
        seen = foresee(panel, day, 28, model=forecaster(), working=every_weekday_as_it_is)
        for row, outlook in enumerate(outlooks(Chances(seen, ()), panel.cells, 14)):
            assert outlook.forecaster == "forecasters/test"
            came = panel.counts[row, start : start + 14]
            days += [
                low <= count <= high
                for count, (low, *_, high) in zip(came, outlook.quantiles, strict=True)
            ]
            week = outlook.spans[0].quantiles
            weeks.append(week[0] <= came[:7].sum() <= week[-1])
    assert 0.88 <= np.mean(days) <= 0.92
    assert 0.86 <= np.mean(weeks) <= 0.94, "fewer than two hundred weeks"
