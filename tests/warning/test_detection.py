"""Outbreaks are found in series of counts, on one scale, from what was known at the time."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from heed_warning.detection.drift import estimate
from heed_warning.detection.outbreak import SHAPE, WINDOW_STEPS, log_odds
from heed_warning.detection.prediction import predict
from heed_warning.detection.regression import design, fit
from heed_warning.detection.score import LOWEST_SCORE, Outcome, score_latest, score_steps
from heed_warning.detection.selection import average

Floats = NDArray[np.float64]
WEEKS = 200


def calm_counts(
    mean: float | Floats, series: int = 40, weeks: int = WEEKS, ratio: float = 1.4, seed: int = 1
) -> Floats:
    """Counts of seasonal series without any outbreak, (series, weeks)."""
    rng = np.random.default_rng(seed)
    season = np.exp(0.3 * np.sin(2 * np.pi * np.arange(weeks) / 52))
    expected = np.broadcast_to(np.asarray(mean, float).reshape(-1, 1) * season, (series, weeks))
    return rng.poisson(rng.gamma(expected / (ratio - 1), ratio - 1)).astype(float)


def everywhere(counts: Floats) -> NDArray[np.bool_]:
    return np.ones(counts.shape, dtype=np.bool_)


def test_an_outbreak_stands_out_in_its_weeks() -> None:
    counts = calm_counts(5.0)
    counts[3, 195:197] += [12, 10]
    scores = score_steps(counts, everywhere(counts), 52.0, 190)
    assert np.unravel_index(scores.score.argmax(), scores.score.shape)[0] == 3
    assert (scores.tail_probability[3, 5:7] < 0.01).all()
    assert (scores.tail_probability[3, :5] > 0.01).all()


def test_a_score_rests_on_nothing_later() -> None:
    counts = calm_counts(5.0)
    changed = counts.copy()
    changed[:, 195:] += 30
    before = score_steps(counts[:, :196], everywhere(counts)[:, :196], 52.0, 193)
    after = score_steps(changed[:, :196], everywhere(counts)[:, :196], 52.0, 193)
    for name in ("score", "tail_probability", "expected"):
        np.testing.assert_array_equal(getattr(before, name)[:, :2], getattr(after, name)[:, :2])
    assert not np.allclose(before.score[:, 2], after.score[:, 2])


def test_the_last_step_alone_is_scored_like_the_first_of_a_run() -> None:
    counts = calm_counts(5.0, series=8)
    run = score_steps(counts[:, :192], everywhere(counts)[:, :192], 52.0, 190)
    alone = score_latest(counts[:, :191], everywhere(counts)[:, :191], 52.0)
    np.testing.assert_allclose(alone.score[:, 0], run.score[:, 0])


def test_a_missing_week_is_not_a_week_of_zero() -> None:
    counts = calm_counts(20.0)
    observed = everywhere(counts)
    missing = np.arange(0, 180, 2)
    observed[0, missing] = False
    counts[0, missing] = 0.0
    gaps = score_latest(counts, observed, 52.0)
    zeros = score_latest(counts, everywhere(counts), 52.0)
    assert gaps.expected[0, 0] == pytest.approx(gaps.expected[1, 0], rel=0.3)
    assert zeros.expected[0, 0] < 0.8 * gaps.expected[0, 0]


def test_a_missing_count_is_not_scored_and_a_young_series_has_insufficient_history() -> None:
    counts = calm_counts(5.0)
    observed = everywhere(counts)
    observed[2, -1] = False
    observed[0, :-10] = False
    counts[0, :-10] = 0.0
    counts[0, -1] = 500.0
    scores = score_latest(counts, observed, 52.0)
    assert scores.outcome[2, 0] == Outcome.MISSING
    assert scores.score[2, 0] == LOWEST_SCORE
    assert scores.outcome[3, 0] == Outcome.SCORED
    assert scores.outcome[0, 0] == Outcome.INSUFFICIENT_HISTORY
    assert scores.tail_probability[0, 0] == 1.0
    assert scores.score[0, 0] == LOWEST_SCORE


@pytest.mark.parametrize("steps", [1, 2, 5, 26])
def test_series_too_short_for_any_score_are_answered(steps: int) -> None:
    counts = np.full((3, steps), 4.0)
    scores = score_steps(counts, everywhere(counts), 52.0, 0)
    assert (scores.outcome == Outcome.INSUFFICIENT_HISTORY).all()
    assert (scores.score == LOWEST_SCORE).all()


@pytest.mark.parametrize("steps", [27, 31])
def test_little_history_is_enough_for_a_finite_score(steps: int) -> None:
    counts = calm_counts(5.0, weeks=steps)
    scores = score_latest(counts, everywhere(counts), 52.0)
    assert (scores.outcome == Outcome.SCORED).all()
    assert np.isfinite(scores.score).all()


def test_all_zeros_raise_nothing_and_the_first_cases_do() -> None:
    counts = np.zeros((30, WEEKS))
    quiet = score_latest(counts, everywhere(counts), 52.0)
    assert (quiet.tail_probability > 0.05).all()
    counts[7, -1] = 4.0
    scores = score_latest(counts, everywhere(counts), 52.0)
    assert scores.score[7, 0] > scores.score[8, 0] + 3.0
    assert scores.tail_probability[7, 0] < 0.01


def test_a_millionfold_spike_is_finite_on_its_day_and_forgotten_afterwards() -> None:
    counts = calm_counts(5.0)
    clean = score_latest(counts, everywhere(counts), 52.0)
    counts[0, -1] = 5e6
    counts[1, 150] = 5e6
    scores = score_latest(counts, everywhere(counts), 52.0)
    assert scores.score[:, 0].argmax() == 0
    assert np.isfinite(scores.score).all()
    assert scores.tail_probability[0, 0] < 0.001
    assert scores.expected[1, 0] == pytest.approx(clean.expected[1, 0], rel=0.2)


def test_a_season_of_nothing_and_hundreds_is_expected_again() -> None:
    rng = np.random.default_rng(8)
    winter = np.where(np.arange(WEEKS) % 52 < 16, 200.0, 0.2)
    counts = rng.poisson(winter, (40, WEEKS)).astype(float)
    week = 52 * 3 + 8
    scores = score_latest(counts[:, : week + 1], everywhere(counts[:, : week + 1]), 52.0)
    assert (scores.tail_probability > 0.01).mean() > 0.9


def test_a_higher_count_is_never_less_alarming() -> None:
    mean = np.full((200, WINDOW_STEPS), 3.0)
    counts = mean.copy()
    counts[:, -1] = np.arange(200)
    scores = log_odds(counts, mean, np.full(200, 2.5), np.full(200, 0.2))
    assert (np.diff(scores[3:]) > -1e-6).all()


def test_what_moves_all_series_is_no_outbreak_in_any() -> None:
    rng = np.random.default_rng(4)
    together = np.exp(rng.normal(0.0, 0.35, WEEKS))
    together[-1] = 2.2
    expected = 12.0 * together * np.ones((40, 1))
    counts = rng.poisson(expected).astype(float)
    counts[5, -1] += 40
    scores = score_latest(counts, everywhere(counts), 52.0)
    others = np.delete(scores.tail_probability[:, 0], 5)
    assert (others < 0.01).mean() <= 0.05
    assert scores.tail_probability[5, 0] < 0.01
    alone = score_latest(counts[:1], everywhere(counts[:1]), 52.0)
    assert alone.expected[0, 0] < 18.0 < scores.expected[0, 0]


def test_false_alarms_come_as_often_as_said_for_rare_and_for_frequent_counts() -> None:
    mean = np.repeat([0.3, 2.0, 15.0, 120.0], 60)
    counts = calm_counts(mean, series=240, ratio=1.6, seed=9)
    scores = score_steps(counts, everywhere(counts), 52.0, 184)
    alarm = scores.tail_probability <= 0.05
    assert alarm.mean() == pytest.approx(0.05, abs=0.015)
    for group in np.split(alarm, 4):
        assert 0.02 < group.mean() < 0.09


def test_drift_is_learned_where_levels_wander_and_not_where_they_stay() -> None:
    rng = np.random.default_rng(5)
    steady = rng.poisson(10.0, (60, WEEKS)).astype(float)
    level = np.zeros((60, WEEKS))
    for week in range(1, WEEKS):
        level[:, week] = 0.8 * level[:, week - 1] + rng.normal(0.0, 0.25, 60)
    wandering = rng.poisson(10.0 * np.exp(level)).astype(float)
    found = [
        estimate(
            step[0] for step in predict(counts, everywhere(counts), 52.0, WEEKS - 52, WEEKS)
        ).variance
        for counts in (steady, wandering)
    ]
    assert found[0] < 0.01
    assert found[1] == pytest.approx(0.25**2 / (1 - 0.8**2), rel=0.6)


def test_a_trend_or_season_that_is_not_there_is_left_out() -> None:
    rng = np.random.default_rng(6)
    counts = rng.poisson(2.0, (50, WEEKS)).astype(float)
    fitted = fit(counts, np.ones_like(counts), design(WEEKS, 52.0, WEEKS), np.zeros(WEEKS), None)
    coefficients, covariance = average(fitted)
    assert np.abs(coefficients[:, 1:]).mean() < 0.5 * np.abs(fitted.coefficients[:, 1:]).mean()
    assert covariance[:, 0, 0].mean() < fitted.covariance[:, 0, 0].mean()


def test_a_season_that_is_there_stays() -> None:
    counts = calm_counts(30.0)
    fitted = fit(counts, np.ones_like(counts), design(WEEKS, 52.0, WEEKS), np.zeros(WEEKS), None)
    coefficients, _ = average(fitted)
    np.testing.assert_allclose(coefficients[:, 3], 0.3, atol=0.12)


def test_past_outbreaks_do_not_raise_what_is_expected() -> None:
    counts = calm_counts(10.0)
    clean = score_latest(counts, everywhere(counts), 52.0)
    for onset in (60, 100, 140):
        counts[:, onset : onset + 2] += [25, 20]
    with_past = score_latest(counts, everywhere(counts), 52.0)
    raised = with_past.expected / clean.expected
    assert raised.mean() == pytest.approx(1.0, abs=0.05)


def test_days_of_a_week_are_a_season_too() -> None:
    rng = np.random.default_rng(7)
    weekly = np.tile([10, 8, 8, 8, 8, 1, 1], 30)
    counts = rng.poisson(weekly, (40, 210)).astype(float)
    scores = score_steps(counts, everywhere(counts), 7.0, 203)
    assert scores.expected[:, 0].mean() > 5 * scores.expected[:, 6].mean()


def test_the_shape_of_an_outbreak_is_nearly_over_after_three_steps() -> None:
    assert SHAPE[:3].sum() == pytest.approx(0.986, abs=0.001)
