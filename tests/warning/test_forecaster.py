"""The trained network: better than the naive, blind to the future, weights and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cache

import numpy as np
import pytest
import torch
from safetensors.torch import save

from heed_warning.domain import negative_binomial as nb
from heed_warning.domain.history import BaselineForecaster, history_of
from heed_warning.domain.panel import Floats, Panel
from heed_warning.forecasting.lstm import LstmForecaster, UnknownWeightsError, from_bytes
from heed_warning.forecasting.network import negative_log_likelihood
from heed_warning.forecasting.scores import coverage, weighted_quantile_loss
from heed_warning.forecasting.train import Trained, loss_of, rolling_origins, train
from tests.warning.simulation import every_weekday_as_it_is, stationary


@cache
def seasonal_panel() -> Panel:
    return stationary(5, days=420, counties=4, categories=5, season=0.3)


@cache
def trained() -> Trained:
    torch.set_num_threads(1)
    shares: list[float] = []
    result = train(
        seasonal_panel().until(seasonal_panel().last_day - timedelta(days=42)),
        every_weekday_as_it_is,
        seed=1,
        max_seconds=8,
        report=shares.append,
    )
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    return result


@cache
def forecaster() -> LstmForecaster:
    return from_bytes("forecasters/test", trained().weights)


def seasonal_naive_loss(panel: Panel, held: int) -> float:
    """The loss of taking last week for next week, with the spread of week-on-week changes."""
    counts, means, dispersions = [], [], []
    for origin in rolling_origins(panel, held, every_weekday_as_it_is):
        known = origin.history.panel.counts
        weeks = known[:, -84:].reshape(len(known), 12, 7).sum(axis=2)
        mean = np.maximum(weeks[:, -1], 0.5)
        change = ((weeks[:, 1:] - weeks[:, :-1]) ** 2).mean(axis=1)
        counts.append(origin.week.sum(axis=1))
        means.append(mean)
        dispersions.append(np.maximum(change - mean, 0.0) / mean**2)
    return weighted_quantile_loss(*(np.concatenate(x) for x in (counts, means, dispersions)))


def test_it_beats_the_seasonal_naive_on_weeks_it_never_saw() -> None:
    origins = rolling_origins(seasonal_panel(), 42, every_weekday_as_it_is)
    loss = loss_of(forecaster(), origins)
    assert loss < 0.92 * seasonal_naive_loss(seasonal_panel(), 42)
    assert loss < 1.05 * loss_of(BaselineForecaster(), origins)


def test_training_reports_what_it_measured_on_days_kept_from_it() -> None:
    result = trained()
    assert 0.0 < result.validation_loss < 2.0
    assert 0.0 < result.baseline_loss < 2.0
    assert 0.85 < result.coverage_90 <= 1.0


def test_days_after_the_origin_never_change_its_forecast() -> None:
    panel = seasonal_panel()
    as_of = panel.first_day + timedelta(days=300)
    later = panel.counts.copy()
    later[:, 301:] = np.random.default_rng(2).integers(0, 900, later[:, 301:].shape)
    first = forecaster().forecast(history_of(panel, as_of, every_weekday_as_it_is), 28)
    other = replace(panel, counts=later)
    second = forecaster().forecast(history_of(other, as_of, every_weekday_as_it_is), 28)
    for one, two in ((first.mean, second.mean), (first.frailty, second.frailty)):
        assert np.array_equal(one, two)


def test_the_past_does_change_it() -> None:
    panel = seasonal_panel()
    as_of = panel.first_day + timedelta(days=300)
    earlier = panel.counts.copy()
    earlier[:, 290:301] += 5
    first = forecaster().forecast(history_of(panel, as_of, every_weekday_as_it_is), 7)
    other = replace(panel, counts=earlier)
    second = forecaster().forecast(history_of(other, as_of, every_weekday_as_it_is), 7)
    rose = second.mean.sum(axis=1) > first.mean.sum(axis=1)
    assert rose.mean() > 0.8  # the largest cells take five more for noise


def test_one_seed_gives_one_result() -> None:
    panel = stationary(5, days=140, counties=2, categories=2)
    made = [
        train(
            panel,
            every_weekday_as_it_is,
            seed=3,
            max_seconds=60,
            report=lambda _: None,
            max_steps=40,
        )
        for _ in range(2)
    ]
    assert made[0].weights == made[1].weights
    assert made[0].validation_loss == made[1].validation_loss


def test_weights_of_unknown_code_are_refused() -> None:
    with pytest.raises(UnknownWeightsError):
        from_bytes(
            "forecasters/other", save({"w": torch.zeros(1)}, {"heed": '{"code_version": "gru-9"}'})
        )
    with pytest.raises(UnknownWeightsError):
        from_bytes("forecasters/none", save({"w": torch.zeros(1)}))


def test_a_category_that_it_never_saw_is_forecast_all_the_same() -> None:
    panel = seasonal_panel()
    renamed = replace(panel, cells=tuple(replace(cell, category="99") for cell in panel.cells))
    history = history_of(renamed, renamed.last_day, every_weekday_as_it_is)
    assert np.isfinite(forecaster().forecast(history, 28).mean).all()


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
