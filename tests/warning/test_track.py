"""The level that thresholds rest on: causal, calm after outbreaks, blind to skipped days."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from heed_warning.domain.board import evaluate
from heed_warning.domain.evaluator import judge
from heed_warning.domain.panel import Cell, Panel
from heed_warning.domain.policy import DEFAULT_POLICY, Level, LevelRule, Policy, Strategy
from heed_warning.domain.skips import MOST_SKIPPED_DAYS, Skip, skip_of
from heed_warning.domain.windows import Past, past_of, windows_on
from tests.warning.simulation import (
    FIRST_DAY,
    ancestors,
    every_weekday_as_it_is,
    panel_of,
    planted,
    stationary,
)

CELL = Cell("9A0101", "01")
QUANTILE = replace(DEFAULT_POLICY, strategy=Strategy.HISTORICAL_QUANTILE,
                   rules=(LevelRule(Level.BLUE, 0.95),))  # fmt: skip
CUMULATIVE = replace(DEFAULT_POLICY, strategy=Strategy.CUMULATIVE,
                     rules=(LevelRule(Level.BLUE, 3.0),))  # fmt: skip
EVERY = [DEFAULT_POLICY, QUANTILE, CUMULATIVE]


def followed(
    panel: Panel, policy: Policy = DEFAULT_POLICY, *skips: Skip, **options: object
) -> Past:
    return past_of(panel, [policy], every_weekday_as_it_is, skips, **options)  # type: ignore[arg-type]


def expected(panel: Panel, *skips: Skip) -> float:
    """Items that the next seven days let expect, held against as the last window."""
    past = followed(panel, DEFAULT_POLICY, *skips)
    return float(
        windows_on(past, DEFAULT_POLICY, panel.day_count - 1).mean[panel.cells.index(CELL)]
    )


def threshold(panel: Panel, *skips: Skip) -> float:
    board = evaluate(
        panel, panel.last_day, policies=(), model=None, working=every_weekday_as_it_is,
        ancestors=ancestors, skips=skips,
    )  # fmt: skip
    return board.lowest_threshold(board.panel.cells.index(CELL))


@pytest.mark.parametrize("policy", EVERY, ids=lambda policy: policy.strategy.name)
def test_a_replayed_day_says_what_an_evaluation_on_it_said(policy: Policy) -> None:
    panel = stationary(5, days=260, counties=3, categories=3)
    days = [150, 199, 230, 259]
    replayed = followed(panel, policy, days=days)
    for day in days:
        known = panel.until(panel.first_day + timedelta(days=day))
        then = windows_on(followed(known, policy), policy, day)
        now = windows_on(replayed, policy, day)
        assert np.array_equal(now.observed, then.observed)
        assert np.array_equal(now.history_days, then.history_days)
        # Only the shared shape of the week knows of later days.
        assert now.mean == pytest.approx(then.mean, rel=0.03, abs=0.05)
        same = judge(policy, now).level == judge(policy, then).level
        assert same.mean() > 0.95


@pytest.mark.parametrize("policy", EVERY, ids=lambda policy: policy.strategy.name)
def test_counts_of_the_window_and_after_it_never_change_what_was_foreseen(policy: Policy) -> None:
    panel = stationary(5, days=150, counties=3, categories=3)
    other = panel.counts.copy()
    other[:, -7:] = 400
    first, second = (
        windows_on(followed(one, policy), policy, 149)
        for one in (panel, replace(panel, counts=other))
    )
    # The window's own days reach it through the shape of the week alone, which cuts spikes.
    assert first.mean == pytest.approx(second.mean, rel=0.3)
    assert first.past == pytest.approx(second.past, rel=0.1, abs=1.0)


def test_a_past_outbreak_hardly_raises_what_is_expected() -> None:
    quiet = stationary(3, days=300)
    assert expected(planted(quiet, CELL, 250, [12] * 14)) < 1.35 * expected(quiet)


def test_yesterdays_outbreak_does_not_raise_tomorrows_threshold_once_it_was_judged() -> None:
    quiet = stationary(3, days=300)
    surged = planted(quiet, CELL, 258, [6] * 30)
    first = surged.first_day + timedelta(days=258)
    judged = Skip(CELL, first, first + timedelta(days=29))
    before, unjudged, after = threshold(quiet), threshold(surged), threshold(surged, judged)
    assert unjudged > before + 5, "a month of it is learned where nobody judged it"
    assert abs(after - before) <= 1
    assert expected(surged, judged) == pytest.approx(expected(quiet), rel=0.1)


def test_skipped_days_leave_quantiles_and_cumulative_sums_alone() -> None:
    quiet = stationary(3, days=300)
    surged = planted(quiet, CELL, 230, [9] * 40)
    first = surged.first_day + timedelta(days=230)
    judged = Skip(CELL, first, first + timedelta(days=39))
    row = quiet.cells.index(CELL)
    for policy in (QUANTILE, CUMULATIVE):
        plain, raw, left_out = (
            windows_on(followed(one, policy, *skips), policy, 299)
            for one, skips in ((quiet, ()), (surged, ()), (surged, (judged,)))
        )
        if policy is QUANTILE:
            highest = [np.quantile(item.past[row], 0.95) for item in (plain, raw, left_out)]
        else:
            highest = [float(item.carried[row]) for item in (plain, raw, left_out)]  # type: ignore[index]
        assert highest[1] > highest[0] + 1, policy.strategy
        assert highest[2] <= highest[0] + 0.7, policy.strategy


def test_no_warning_takes_out_more_than_eight_weeks() -> None:
    long = skip_of(CELL, FIRST_DAY, FIRST_DAY + timedelta(days=400), 7, confirmed=True)
    assert long.first == FIRST_DAY - timedelta(days=6)
    assert (long.last - long.first).days + 1 == MOST_SKIPPED_DAYS
    short = skip_of(CELL, FIRST_DAY, FIRST_DAY + timedelta(days=3), 7, confirmed=False)
    assert short.last == FIRST_DAY + timedelta(days=3)


def test_a_lasting_new_level_is_learned_although_it_was_judged() -> None:
    quiet = stationary(3, days=420)
    risen = planted(quiet, CELL, 180, [3] * 240)
    first = risen.first_day + timedelta(days=180)
    judged = skip_of(CELL, first, risen.last_day, 7, confirmed=True)
    assert expected(risen, judged) > expected(quiet) + 0.6 * 21


def test_skips_of_unknown_cells_and_other_years_change_nothing() -> None:
    quiet = stationary(3, days=120)
    odd = [
        Skip(Cell("9A9999", "01"), FIRST_DAY, FIRST_DAY + timedelta(days=50)),
        Skip(CELL, FIRST_DAY - timedelta(days=90), FIRST_DAY - timedelta(days=60)),
        Skip(CELL, FIRST_DAY + timedelta(days=900), FIRST_DAY + timedelta(days=910)),
    ]
    assert threshold(quiet, *odd) == threshold(quiet)


@pytest.mark.parametrize(
    "row",
    [
        [0.0] * 90,
        [1.0] + [0.0] * 89,
        [0.0] * 89 + [1.0],
        [0.0] * 89 + [1e6],
        [1e6] * 90,
        [5.0] * 45 + [0.0] * 45,
    ],
    ids=["zeros", "one long ago", "one just now", "spike", "huge", "ended"],
)
@pytest.mark.parametrize("policy", EVERY, ids=lambda policy: policy.strategy.name)
def test_odd_series_are_judged_without_a_fault(row: list[float], policy: Policy) -> None:
    panel = panel_of({CELL: row, Cell("9A0102", "01"): [1.0, 0.0] * 45})
    windows = windows_on(followed(panel, policy), policy, 89)
    assert np.isfinite([windows.mean, windows.dispersion]).all()
    assert np.isfinite(judge(policy, windows).tail).all()


@pytest.mark.parametrize("after", [8, 15, 30])
def test_a_millionfold_spike_does_not_raise_the_threshold_for_weeks(after: int) -> None:
    calm = [1.0, 0.0, 2.0, 1.0, 1.0, 0.0, 2.0] * 30
    spiked = calm.copy()
    spiked[-after] = 1e6
    quiet, spoiled = (panel_of({CELL: row, Cell("9A0102", "01"): calm}) for row in (calm, spiked))
    assert threshold(spoiled) <= threshold(quiet) + 4
    assert expected(spoiled) <= 1.5 * expected(quiet)
