"""The evaluator's rules, row by row, with the traps that other systems fell into."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from heed_warning.domain.distribution import Forecast
from heed_warning.domain.evaluator import DAYS_REQUIRED, Outcome, Windows, judge, thresholds
from heed_warning.domain.panel import Cell
from heed_warning.domain.policy import (
    DEFAULT_POLICY,
    Level,
    LevelRule,
    Policy,
    Strategy,
    policy_for,
    problem_with,
)

LONG = 400
QUANTILE_POLICY = replace(
    DEFAULT_POLICY,
    strategy=Strategy.HISTORICAL_QUANTILE,
    rules=(LevelRule(Level.BLUE, 0.95), LevelRule(Level.YELLOW, 0.99)),
)
FIXED_POLICY = replace(
    DEFAULT_POLICY,
    strategy=Strategy.FIXED,
    rules=(LevelRule(Level.BLUE, 10), LevelRule(Level.ORANGE, 30)),
)


def window(
    observed: float,
    mean: float = 6.0,
    dispersion: float = 0.0,
    history_days: int = LONG,
    past: list[float] | None = None,
) -> Windows:
    """One cell's window."""
    return Windows(
        observed=np.array([float(observed)]),
        mean=np.array([mean]),
        dispersion=np.array([dispersion]),
        history_days=np.array([history_days]),
        past=np.array([past if past is not None else [mean] * 300]),
    )


def level(policy: Policy, windows: Windows) -> Level:
    return Level(int(judge(policy, windows).level[0]))


# Poisson with mean 6: P(Y >= 13) is .9 %, P(Y >= 15) .14 %, P(Y >= 16) .05 %, P(Y >= 18) .01 %.
@pytest.mark.parametrize(
    ("observed", "wanted", "why"),
    [
        (12, Level.NONE, "2 % of quiet weeks have twelve"),
        (13, Level.BLUE, "fewer than 1 % have thirteen"),
        (15, Level.BLUE, "more than .1 % have fifteen"),
        (16, Level.YELLOW, "fewer than .1 %"),
        (19, Level.ORANGE, "fewer than .01 %"),
        (24, Level.RED, "fewer than one in a million"),
    ],
)
def test_a_level_needs_a_tail_below_its_limit(observed: int, wanted: Level, why: str) -> None:
    assert level(DEFAULT_POLICY, window(observed)) is wanted, why


def test_the_tail_reported_is_the_probability_of_a_count_as_high() -> None:
    judged = judge(DEFAULT_POLICY, window(13))
    assert judged.tail[0] == pytest.approx(stats.poisson.sf(12, 6.0))


def test_counts_that_never_exceed_the_threshold_never_exceed_it() -> None:
    # mean(samples) > factor * probability raised an alert here: 60 > 100 * .5.
    forecast = Forecast(np.full((1, 7), 60 / 7), np.zeros((1, 7)), np.zeros(1))
    probability = forecast.exceedance(
        np.random.default_rng(1),
        np.array([100.0]),
        window_days=7,
        past=np.full((1, 6), 60 / 7),
        horizons=(7,),
    )
    assert probability[0, 0] < 0.01


def test_an_exceedance_is_a_share_of_futures_not_a_mean() -> None:
    # Half of the futures lie far above: the mean is below the threshold, the share is not small.
    forecast = Forecast(np.full((1, 7), 10.0), np.zeros((1, 7)), np.full(1, 4.0))
    probability = forecast.exceedance(
        np.random.default_rng(1),
        np.array([150.0]),
        window_days=7,
        past=np.zeros((1, 6)),
        horizons=(7,),
        paths=4000,
    )
    assert forecast.mean.sum() < 150
    assert 0.08 < probability[0, 0] < 0.25


@pytest.mark.parametrize("policy", [DEFAULT_POLICY, QUANTILE_POLICY])
@pytest.mark.parametrize("days", [0, 1, DAYS_REQUIRED - 1])
def test_a_short_history_is_an_outcome_and_never_silently_normal(policy: Policy, days: int) -> None:
    # The deviation of one observation is NaN, and x > NaN is false: no alarm and no error.
    judged = judge(policy, window(500, mean=0.0, history_days=days, past=[1.0] * days))
    assert judged.outcome[0] == Outcome.INSUFFICIENT_HISTORY
    assert judged.level[0] == Level.NONE
    assert np.isfinite(judged.tail).all()


def test_a_history_just_long_enough_is_judged() -> None:
    judged = judge(DEFAULT_POLICY, window(500, history_days=DAYS_REQUIRED))
    assert judged.outcome[0] == Outcome.EXCEEDED


def test_a_fixed_count_needs_no_history() -> None:
    assert level(FIXED_POLICY, window(10, history_days=0, past=[])) is Level.BLUE
    assert level(FIXED_POLICY, window(30, history_days=0, past=[])) is Level.ORANGE
    judged = judge(FIXED_POLICY, window(9, history_days=0, past=[]))
    assert judged.outcome[0] == Outcome.NORMAL


def test_few_items_raise_nothing_however_improbable() -> None:
    judged = judge(DEFAULT_POLICY, window(4, mean=0.001))
    assert judged.tail[0] < 1e-9
    assert judged.outcome[0] == Outcome.BELOW_MIN_COUNT
    assert judged.level[0] == Level.NONE


def test_higher_levels_need_more_items() -> None:
    assert level(DEFAULT_POLICY, window(9, mean=0.01)) is Level.YELLOW
    assert level(DEFAULT_POLICY, window(10, mean=0.01)) is Level.ORANGE
    assert level(DEFAULT_POLICY, window(19, mean=0.01)) is Level.ORANGE
    assert level(DEFAULT_POLICY, window(20, mean=0.01)) is Level.RED


def test_a_quantile_that_too_few_windows_can_tell_is_never_reached() -> None:
    past = [float(n) for n in range(60)]
    assert level(QUANTILE_POLICY, window(59.5, past=past)) is Level.BLUE
    assert level(QUANTILE_POLICY, window(1000, past=past)) is Level.BLUE, ".99 needs 100 windows"
    assert level(QUANTILE_POLICY, window(1000, past=past * 2)) is Level.YELLOW


def test_the_threshold_shown_is_the_largest_count_that_raises_nothing() -> None:
    for observed in range(60):
        windows = window(observed)
        limit = thresholds(DEFAULT_POLICY, Level.BLUE, windows)[0]
        assert (observed > limit) == (level(DEFAULT_POLICY, windows) > Level.NONE)


@given(
    st.integers(0, 300),
    st.integers(1, 50),
    st.floats(0.0, 100.0),
    st.floats(0.0, 2.0),
    st.sampled_from([DEFAULT_POLICY, QUANTILE_POLICY, FIXED_POLICY]),
)
def test_more_items_never_lower_the_level(
    observed: int, more: int, mean: float, dispersion: float, policy: Policy
) -> None:
    fewer = window(observed, mean, dispersion)
    assert level(policy, window(observed + more, mean, dispersion)) >= level(policy, fewer)


def test_the_most_specific_policy_wins() -> None:
    def policy(name: str, prefix: str, category: str) -> Policy:
        return replace(DEFAULT_POLICY, policy_id=name, region_prefix=prefix, category=category)

    policies = [
        policy("province", "32", ""),
        policy("category", "", "05"),
        policy("county", "320102", ""),
        policy("both", "32", "05"),
    ]
    wanted = {
        Cell("320102", "05"): "county",
        Cell("320104", "05"): "both",
        Cell("320104", "06"): "province",
        Cell("110101", "05"): "category",
        Cell("110101", "06"): "default",
    }
    assert {cell: policy_for(cell, policies).policy_id for cell in wanted} == wanted


@pytest.mark.parametrize(
    ("rules", "strategy", "wrong"),
    [
        (((1, 0.9), (2, 0.99)), Strategy.FORECAST_EXCEEDANCE, False),
        (((2, 0.9), (1, 0.99)), Strategy.FORECAST_EXCEEDANCE, True),
        (((1, 0.9), (1, 0.99)), Strategy.FORECAST_EXCEEDANCE, True),
        (((1, 0.9), (2, 0.9)), Strategy.FORECAST_EXCEEDANCE, True),
        (((1, 1.0),), Strategy.FORECAST_EXCEEDANCE, True),
        (((1, 0.5),), Strategy.FIXED, True),
        (((1, 5.0), (4, 50.0)), Strategy.FIXED, False),
    ],
)
def test_levels_must_ascend_and_suit_the_strategy(
    rules: tuple[tuple[int, float], ...], strategy: Strategy, wrong: bool
) -> None:
    made = tuple(LevelRule(Level(number), limit) for number, limit in rules)
    assert bool(problem_with(replace(DEFAULT_POLICY, rules=made, strategy=strategy))) is wrong
