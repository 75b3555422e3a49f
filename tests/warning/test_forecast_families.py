"""Families, their combination and calibration; paths of odd series; all blind to the future."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache, partial

import numpy as np
import pytest
import torch

from heed_warning.domain import negative_binomial as nb
from heed_warning.domain.distribution import Forecast
from heed_warning.domain.intervals import interval
from heed_warning.domain.panel import Floats
from heed_warning.domain.series_path import SeriesPath, paths_of
from heed_warning.domain.service_calendar import SPRING_FESTIVALS, service_periods
from heed_warning.forecasting.classical import Classical
from heed_warning.forecasting.descent import Budget, train_networks
from heed_warning.forecasting.family import Family, Prepared, kinds_of, prepare
from heed_warning.forecasting.grouping import BROKEN, GROUPS, QUIET
from heed_warning.forecasting.mixing import Trial, learn
from heed_warning.forecasting.regression import Regression
from heed_warning.forecasting.rolling import forecast_at, origins_before, quantiles
from heed_warning.forecasting.series import of_counts
from tests.warning.simulation import every_weekday_as_it_is

FIRST = date(2021, 1, 4)
SERIES, WEEKS = 12, 130


@cache
def weekly_counts(seed: int = 5, season: float = 0.5) -> Floats:
    rng = np.random.default_rng(seed)
    level = rng.gamma(2.0, 2.0, (SERIES, 1))
    year = np.exp(season * np.sin(2 * np.pi * np.arange(WEEKS) / 52.18))
    return nb.draw(rng, level * year, 0.1).astype(float)


def prepared_of(counts: Floats, step_days: int = 7) -> Prepared:
    keys = [(f"r{number % 4}", f"c{number // 4 % 3}") for number in range(len(counts))]
    keys = [(f"{one}-{number}", two) for number, (one, two) in enumerate(keys)]
    observed = np.ones(counts.shape, dtype=np.bool_)
    table = of_counts(keys, counts, observed, FIRST, step_days)
    return prepare(table, kinds_of(table, 56 // step_days, every_weekday_as_it_is))


def small(prepared: Prepared, step: int) -> Sequence[Family]:
    torch.set_num_threads(1)
    lstm = train_networks(prepared, step, 4, Budget(networks=1, steps=20))
    return (Classical(), Regression(), lstm)


def test_no_family_and_no_weight_sees_a_step_after_its_origin() -> None:
    origins = origins_before(WEEKS, 4, 3)
    later = weekly_counts().copy()
    later[:, origins[0] + 1 :] = later[:, origins[0] + 1 :] * 9.0 + 40.0
    answers = []
    for counts in (weekly_counts(), later):
        prepared = prepared_of(counts)
        answers.append(forecast_at(prepared, partial(small, prepared), origins, 4)[0])
    first, second = answers
    for one, two in zip(first.forecasts, second.forecasts, strict=True):
        assert np.array_equal(one.mean, two.mean)
        assert np.array_equal(one.dispersion, two.dispersion)
        assert np.array_equal(one.frailty, two.frailty)
    assert np.array_equal(first.mixing.weights, second.mixing.weights)
    assert np.array_equal(first.mixing.calibration.day, second.mixing.calibration.day)
    assert np.array_equal(first.combined.mean, second.combined.mean)


def test_what_is_known_at_a_later_origin_does_change_it() -> None:
    origins = origins_before(WEEKS, 4, 3)
    later = weekly_counts().copy()
    later[:, origins[0] + 1 :] += 15.0
    one, two = (
        forecast_at(prepared_of(counts), lambda _: (Classical(), Regression()), origins, 4)[-1]
        for counts in (weekly_counts(), later)
    )
    assert (two.combined.mean > one.combined.mean).all()


@pytest.mark.parametrize("family", [Classical(), Regression()], ids=lambda one: one.name)
def test_a_season_is_foreseen(family: Family) -> None:
    prepared = prepared_of(weekly_counts(season=0.8))
    high, low = 52 + 52 + 8, 52 + 30  # a few weeks before the crest and before the trough
    rise = family.fit(prepared, high).predict(4).mean.sum()
    fall = family.fit(prepared, low).predict(4).mean.sum()
    seen = weekly_counts(season=0.8)
    assert rise == pytest.approx(seen[:, high + 1 : high + 5].sum(), rel=0.25)
    assert rise > 1.5 * fall


@pytest.mark.parametrize("family", [Classical(), Regression()], ids=lambda one: one.name)
def test_a_past_outbreak_hardly_raises_what_is_expected(family: Family) -> None:
    counts = np.random.default_rng(3).poisson(5.0, (SERIES, WEEKS)).astype(float)
    quiet = family.fit(prepared_of(counts), WEEKS - 1).predict(4).mean[0].sum()
    counts[0, -12:-9] += 60.0
    after = family.fit(prepared_of(counts), WEEKS - 1).predict(4).mean[0].sum()
    assert after < 1.5 * quiet


def test_inner_quantiles_stay_within_the_calibrated_interval() -> None:
    mean = np.repeat(np.random.default_rng(4).gamma(1.0, 1.5, 400)[:, None] + 0.1, 4, axis=1)
    forecast = Forecast(mean, np.full_like(mean, 0.1), np.full(len(mean), 0.05))
    low, high = interval(mean, forecast.day_dispersion(), np.full((len(mean), 1), 0.2))
    found = quantiles(forecast, low, high)
    assert (np.diff(found, axis=2) >= 0).all()
    assert (found[..., 0] >= low).all()
    assert (found[..., -1] <= high).all()


def trial(counts: Floats, *means: Floats) -> Trial:
    forecasts = tuple(
        Forecast(mean, np.full_like(mean, 0.05), np.full(len(mean), 0.02)) for mean in means
    )
    group = np.full(len(counts), QUIET)
    return Trial(group, forecasts, counts, np.ones(counts.shape, dtype=np.bool_))


def test_the_better_family_weighs_more_and_none_is_dropped() -> None:
    rng = np.random.default_rng(6)
    right = np.full((300, 4), 4.0)
    trials = [trial(rng.poisson(right).astype(float), right, right * 2.0) for _ in range(3)]
    mixing = learn(("right", "wrong"), trials)
    weights = mixing.weights[QUIET]
    assert weights[0] > 0.7
    assert weights[1] > 0.0
    assert weights.sum() == pytest.approx(1.0)
    assert mixing.champion(QUIET) == "right"
    assert mixing.weights.shape == (len(GROUPS), 2)


def test_without_trials_families_weigh_the_same() -> None:
    mixing = learn(("one", "two"), [])
    assert (np.delete(mixing.weights, BROKEN, axis=0) == 0.5).all()
    assert (mixing.spread == 1.0).all()
    assert (mixing.calibration.day == 0.1).all()


@pytest.mark.parametrize(
    ("row", "weeks_known", "path"),
    [
        ([4, 5, 3, 6] * 20, 80, SeriesPath.REGULAR),
        ([4, 5, 3, 6] * 20, 12, SeriesPath.SHORT),
        ([4, 5, 3, 6] * 20, 3, SeriesPath.INSUFFICIENT),
        ([0, 0, 0, 1] * 20, 80, SeriesPath.SPARSE),
        ([0, 0, 0, 0, 0, 0, 1, 9] * 10, 80, SeriesPath.INTERMITTENT),
        ([5] * 72 + [25] * 8, 80, SeriesPath.BROKEN),
        ([40] * 72 + [2] * 8, 80, SeriesPath.BROKEN),
        ([5] * 76 + [25] * 4, 80, SeriesPath.REGULAR),
    ],
    ids=["regular", "short", "one point", "sparse", "bursts", "risen", "fallen", "not for good"],
)
def test_each_kind_of_series_has_its_path(
    row: list[int], weeks_known: int, path: SeriesPath
) -> None:
    counts = np.array([row], dtype=float)
    observed = np.arange(80)[None, :] >= 80 - weeks_known
    assert paths_of(counts * observed, np.ones_like(counts), observed, 1)[0] == path


def test_a_series_whose_level_broke_is_forecast_at_its_new_level() -> None:
    counts = np.random.default_rng(3).poisson(5.0, (SERIES, WEEKS)).astype(float)
    counts[0, -9:] = 30.0
    answer = forecast_at(
        prepared_of(counts), lambda _: (Classical(), Regression()), [WEEKS - 1], 4
    )[0]
    assert answer.path[0] == SeriesPath.BROKEN
    assert answer.combined.mean[0] == pytest.approx(30.0, rel=0.35)


def test_the_service_calendar_knows_wages_enrolment_floods_exams_and_heating() -> None:
    festival = date(2025, 1, 29)
    assert festival in SPRING_FESTIVALS
    periods = service_periods(date(2025, 1, 1), 365, 1)

    def on(month: int, day: int) -> list[float]:
        row = periods[(date(2025, month, day) - date(2025, 1, 1)).days]
        return [float(share) for share in row]

    assert on(1, 28)[0] == 1.0
    assert on(1, 29)[0] == 0.0
    assert on(11, 15)[1:] == [1.0, 0.0, 0.0, 0.0]
    assert on(8, 1)[1:] == [0.0, 1.0, 1.0, 0.0]
    assert on(6, 7)[1:] == [0.0, 0.0, 1.0, 1.0]
    assert service_periods(date(2025, 1, 27), 1, 7)[0, 0] == pytest.approx(2 / 7)
