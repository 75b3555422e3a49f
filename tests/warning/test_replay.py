"""Replays, added surges, backtests and the trade between false warnings and missed surges."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heed_warning.domain.backtest import backtest, false_warnings, found_on, joined
from heed_warning.domain.life import Change
from heed_warning.domain.panel import Booleans, Cell, Panel
from heed_warning.domain.policy import (
    DEFAULT_POLICY,
    Level,
    LevelRule,
    Policy,
    Strategy,
    problem_with,
)
from heed_warning.domain.replay import begun, firing, levels_reached, standing_on
from heed_warning.domain.skips import Skip
from heed_warning.domain.surges import SIZES, SMALLEST_SURGE, Surges, add_surges
from heed_warning.domain.trades import Aim, Recommendation, policy_to_tune, recommend
from tests.warning.simulation import every_weekday_as_it_is, planted, replay, stationary

CELL = Cell("9A0101", "01")


def counties(seed: int = 3, **options: object) -> Panel:
    panel = stationary(seed, **{"days": 500, "dispersion": 0.2} | options)  # type: ignore[arg-type]
    return panel.select(panel.finest(np.arange(len(panel.cells))))


def flags(text: str) -> Booleans:
    """One cell's days: x where something holds."""
    return np.array([[mark == "x" for mark in text]])


def policy(pending: int, clear: int) -> Policy:
    return replace(DEFAULT_POLICY, pending_evaluations=pending, clear_evaluations=clear)


@pytest.mark.parametrize(
    ("exceeds", "pending", "clear", "wanted"),
    [
        (".x.xx.....", 2, 2, "....xx...."),
        (".xx.x....", 1, 2, ".xxxxx..."),
        ("xxx...xxx", 3, 3, "..xxx...x"),
        ("..........", 1, 1, ".........."),
    ],
)
def test_warnings_wait_and_end_as_in_their_life(
    exceeds: str, pending: int, clear: int, wanted: str
) -> None:
    assert (firing(flags(exceeds), policy(pending, clear)) == flags(wanted)).all()


def test_a_replay_raises_what_daily_evaluations_raised() -> None:
    panel = counties(7, days=330)
    for number in range(5):
        cell = Cell(f"9A01{number % 6 + 1:02d}", f"{number + 1:02d}")
        row = panel.cells.index(cell)
        panel.counts[row, 250 + 8 * number : 262 + 8 * number] += 3
    daily = {
        (day, warning.cell)
        for day, change, warning in replay(panel, 240, 330)
        if change is Change.RAISED
    }
    days = range(240, 330)
    standing = standing_on(panel, DEFAULT_POLICY, days, every_weekday_as_it_is)
    began = begun(firing(levels_reached(DEFAULT_POLICY, standing) > Level.NONE, DEFAULT_POLICY))
    replayed = {(240 + int(day), panel.cells[row]) for row, day in zip(*np.nonzero(began))}  # noqa: B905
    assert len(daily & replayed) >= 5
    # A county's own count decides in both; only the shape of the week knows more in the replay.
    assert len(daily ^ replayed) <= 2


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.integers(100, 200))
def test_surges_lie_in_their_days_and_only_add(seed: int, first: int) -> None:
    panel = counties(4, days=300, counties=3, categories=3)
    added, surges = add_surges(panel.counts, panel.started, first, 299, seed)
    extra = added - panel.counts
    assert (extra >= 0).all()
    assert (extra[:, :first] == 0).all()
    for row, start, stop, peak in zip(
        surges.row, surges.start, surges.stop, surges.peak, strict=True
    ):
        assert first <= start <= peak < stop <= 300
        assert extra[row, start:stop].sum() >= SMALLEST_SURGE
        extra[row, start:stop] = 0
    assert not extra.any(), "nothing is added that is not told"
    same = add_surges(panel.counts, panel.started, first, 299, seed)
    assert np.array_equal(same[0], added)


def test_surges_are_measured_in_the_cells_own_deviations() -> None:
    rng = np.random.default_rng(1)
    counts = np.stack([rng.poisson(rate, 400) for rate in [0.5] * 30 + [20.0] * 30]).astype(float)
    added, surges = add_surges(counts, np.zeros(60, dtype=np.int64), 150, 399, 1)
    sizes = (added - counts).sum(axis=1) / np.bincount(surges.row, minlength=60)
    small, large = sizes[:30].mean(), sizes[30:].mean()
    assert 4 < large / small < 8, "the root of forty, less the smallest size"
    assert large == pytest.approx(np.mean(SIZES) * np.sqrt(140), rel=0.2)


def test_a_surge_is_found_while_it_lasts_and_in_the_window_after_it() -> None:
    fires = flags(".....x....")
    for start, stop, after, wanted in (
        (12, 14, 3, 15), (12, 14, 2, None), (15, 16, 1, 15), (16, 19, 1, None), (13, 18, 1, 15),
    ):  # fmt: skip
        surge = Surges(np.array([0]), np.array([start]), np.array([stop]), np.array([start]))
        day = found_on(fires, surge, 10, after)[0]
        assert np.isnan(day) if wanted is None else day == wanted, (start, stop, after)


def test_a_warning_is_false_unless_people_saw_something_in_it() -> None:
    fires, real = flags("xx..xxx..xx"), flags(".....x.....")
    assert (false_warnings(fires, real) == flags("x........x.")).all()
    assert (false_warnings(fires, flags("...........")) == begun(fires)).all()


def test_a_backtest_counts_what_it_found_and_what_was_false() -> None:
    panel = counties(days=400)
    total, *rows = backtest(panel, DEFAULT_POLICY, 200, every_weekday_as_it_is, seed=1)
    assert total.cell is None
    assert [row.cell for row in rows] == list(panel.cells)
    for name in ("warning_count", "false_count", "surge_count", "found_count"):
        assert getattr(total, name) == sum(getattr(row, name) for row in rows), name
    assert total.false_count == total.warning_count, "nobody judged anything"
    assert 0.4 < total.found_share < 0.95
    assert rows[0].day_count == 200
    halves = [
        backtest(panel.select(part), DEFAULT_POLICY, 200, every_weekday_as_it_is, seed=1)
        for part in panel.by_regions(np.arange(len(panel.cells)), 30)
    ]
    assert len(halves) == 2
    both = joined(halves)
    assert {row.cell for row in both[1:]} == set(panel.cells)
    assert both[0].surge_count == sum(half[0].surge_count for half in halves)
    for half in halves:
        assert len({row.cell.region for row in half[1:] if row.cell}) == 3, "regions stay whole"


def test_a_stricter_policy_warns_less_and_finds_less() -> None:
    panel = counties(days=400)
    found = []
    for limit in (0.9, 0.99, 0.99999):
        one = replace(DEFAULT_POLICY, rules=(LevelRule(Level.BLUE, limit),))
        found.append(backtest(panel, one, 200, every_weekday_as_it_is, seed=1)[0])
    assert found[0].warning_count > found[1].warning_count > found[2].warning_count
    assert found[0].found_share > found[1].found_share > found[2].found_share


def test_a_confirmed_warning_is_a_surge_and_not_false() -> None:
    panel = planted(stationary(3, days=400, dispersion=0.2), CELL, 300, [6] * 14)
    panel = panel.select(panel.finest(np.arange(len(panel.cells))))
    first = panel.first_day + timedelta(days=300)
    last = first + timedelta(days=16)

    def row(*skips: Skip):  # type: ignore[no-untyped-def]
        rows = backtest(panel, DEFAULT_POLICY, 280, every_weekday_as_it_is, seed=1, skips=skips)
        return next(one for one in rows if one.cell == CELL)

    plain, real = row(), row(Skip(CELL, first, last))
    explained = row(Skip(CELL, first, last, confirmed=False))
    assert real.surge_count == plain.surge_count + 1 == explained.surge_count + 1
    assert real.found_count > plain.found_count
    assert plain.false_count == real.false_count + 1 == explained.false_count + 1


STRATEGIES = pytest.mark.parametrize("strategy", list(Strategy), ids=lambda one: one.name)


def recommended(strategy: Strategy, aim: Aim, panel: Panel | None = None) -> Recommendation:
    return recommend(
        panel or counties(), policy_to_tune(strategy, 7, "", ""), 250, aim, every_weekday_as_it_is
    )


@STRATEGIES
def test_the_trade_is_monotone_and_the_choice_keeps_the_budget(strategy: Strategy) -> None:
    found = recommended(strategy, Aim(warnings_per_county_month=1.0))
    limits = [trade.limit for trade in found.trades]
    warnings = [trade.warnings_per_county_month for trade in found.trades]
    missed = [trade.missed_share for trade in found.trades]
    assert limits == sorted(limits)
    assert warnings == sorted(warnings, reverse=True)
    assert missed == sorted(missed)
    assert warnings[0] > warnings[-1]
    (chosen,) = [trade for trade in found.trades if trade.chosen]
    assert chosen.warnings_per_county_month <= 1.0
    looser = [trade for trade in found.trades if trade.limit < chosen.limit]
    assert all(trade.warnings_per_county_month > 1.0 for trade in looser)
    assert problem_with(found.policy) == ""
    assert found.policy.rules[0] == LevelRule(Level.BLUE, chosen.limit)


@STRATEGIES
def test_a_dearer_miss_never_chooses_a_stricter_limit(strategy: Strategy) -> None:
    chosen = []
    for ratio in (0.2, 2.0, 20.0):
        found = recommended(strategy, Aim(missed_to_false_cost=ratio))
        costs = [trade.cost for trade in found.trades]
        chosen += [trade for trade in found.trades if trade.chosen]
        assert chosen[-1].cost == min(costs)
    assert chosen[0].limit >= chosen[1].limit >= chosen[2].limit
    assert chosen[0].limit > chosen[2].limit


def test_a_larger_budget_never_misses_more() -> None:
    missed = [
        next(trade.missed_share for trade in
             recommended(Strategy.FORECAST_EXCEEDANCE, Aim(budget)).trades if trade.chosen)
        for budget in (0.05, 0.5, 5.0)
    ]  # fmt: skip
    assert missed == sorted(missed, reverse=True)
    assert missed[0] > missed[2]


def test_the_recommended_policy_keeps_its_promise_on_other_years() -> None:
    found = recommended(Strategy.FORECAST_EXCEEDANCE, Aim(warnings_per_county_month=0.5))
    fresh = counties(99, days=500)
    total = backtest(fresh, found.policy, 250, every_weekday_as_it_is, seed=2)[0]
    months = 6 * 250 / 30.4
    assert total.warning_count / months < 1.0


def test_cells_without_history_recommend_nothing() -> None:
    young = counties(days=40)
    assert recommended(Strategy.FORECAST_EXCEEDANCE, Aim(1.0), counties(days=255)).trades
    nothing = recommend(
        young, policy_to_tune(Strategy.FORECAST_EXCEEDANCE, 14, "", ""), 39, Aim(1.0),
        every_weekday_as_it_is,
    )  # fmt: skip
    assert nothing.trades == ()
    assert nothing.insufficient_history_count == nothing.cell_count == len(young.cells)


def test_two_thousand_cells_are_recommended_for_within_seconds() -> None:
    panel = counties(5, days=500, counties=200, categories=10)
    started = time.process_time()
    recommended(Strategy.FORECAST_EXCEEDANCE, Aim(1.0), panel)
    assert time.process_time() - started < 10.0
