"""The seasonal baseline: calm after outbreaks, blind to the future, defined on every input."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heed_warning.domain.day_kind import HOLIDAY, MAKE_UP, kind_of
from heed_warning.domain.history import BaselineForecaster, History, history_of
from heed_warning.domain.panel import Cell, Panel
from tests.warning.simulation import (
    FIRST_DAY,
    every_weekday_as_it_is,
    panel_of,
    planted,
    stationary,
)

CELL = Cell("9A0101", "01")


def at_end(panel: Panel) -> History:
    return history_of(panel, panel.last_day, every_weekday_as_it_is)


def week_ahead(panel: Panel, cell: Cell = CELL) -> tuple[float, float]:
    """Mean and dispersion of the next seven days of one cell."""
    history = at_end(panel)
    mean, dispersion = BaselineForecaster().predict(history, 7).forecast.window(0, 7)
    row = panel.cells.index(cell)
    return float(mean[row]), float(dispersion[row])


def test_a_past_outbreak_hardly_raises_what_is_expected() -> None:
    quiet = stationary(3, days=300)
    mean, dispersion = week_ahead(quiet)
    after, wider = week_ahead(planted(quiet, CELL, 250, [12] * 14))
    assert after < 1.35 * mean
    assert wider < dispersion + 0.3


def test_without_the_bound_the_same_outbreak_would_raise_it_much() -> None:
    quiet = stationary(3, days=300)
    surged = planted(quiet, CELL, 250, [12] * 14)
    row = surged.cells.index(CELL)
    bounded = at_end(surged).track.bounded[row, 250:264].sum()
    assert bounded < 0.35 * surged.counts[row, 250:264].sum()
    assert at_end(quiet).track.bounded[row].sum() > 0.97 * quiet.counts[row].sum()


def test_a_lasting_new_level_is_learned_in_the_end() -> None:
    quiet = stationary(3, days=420)
    mean, _ = week_ahead(quiet)
    risen, _ = week_ahead(planted(quiet, CELL, 180, [3] * 240))
    assert risen > mean + 0.6 * 21


@settings(max_examples=10, deadline=None)
@given(st.integers(30, 120), st.integers(0, 10_000))
def test_counts_after_a_day_never_change_a_forecast_made_on_it(day: int, seed: int) -> None:
    panel = stationary(5, days=150, counties=3, categories=3)
    as_of = panel.first_day + timedelta(days=day)
    other = panel.counts.copy()
    other[:, day + 1 :] = np.random.default_rng(seed).integers(0, 500, other[:, day + 1 :].shape)
    first = history_of(panel, as_of, every_weekday_as_it_is)
    second = history_of(replace(panel, counts=other), as_of, every_weekday_as_it_is)
    one, two = (BaselineForecaster().predict(item, 28).forecast for item in (first, second))
    assert np.array_equal(one.mean, two.mean)
    assert np.array_equal(one.dispersion, two.dispersion)
    assert np.array_equal(one.frailty, two.frailty)


@pytest.mark.parametrize(
    "row",
    [
        [0.0] * 60,
        [1.0] + [0.0] * 59,
        [0.0] * 59 + [1.0],
        [0.0] * 59 + [1e6],
        [1e6] * 60,
        [5.0] * 30 + [0.0] * 30,
    ],
    ids=["zeros", "one long ago", "one just now", "spike", "huge", "ended"],
)
def test_odd_series_give_finite_forecasts(row: list[float]) -> None:
    panel = panel_of({CELL: row, Cell("9A0102", "01"): [1.0, 0.0] * 30})
    mean, dispersion = week_ahead(panel)
    assert np.isfinite([mean, dispersion]).all()
    assert mean >= 0
    assert dispersion >= 0


def test_a_spike_of_a_million_does_not_carry_over() -> None:
    calm = [1.0, 0.0, 2.0] * 40
    mean, _ = week_ahead(panel_of({CELL: calm, Cell("9A0102", "01"): calm}))
    spiked = [*calm[:-1], 1e6]
    after, _ = week_ahead(panel_of({CELL: spiked, Cell("9A0102", "01"): calm}))
    assert after < 2.0 * mean


def test_the_shape_of_the_week_is_found() -> None:
    week = [10.0, 10.0, 10.0, 10.0, 10.0, 2.0, 2.0]
    history = at_end(panel_of({CELL: week * 30, Cell("9A0102", "01"): week * 30}))
    forecast = BaselineForecaster().predict(history, 7).forecast.mean[0]
    assert forecast == pytest.approx(week, rel=0.2)


def test_a_season_is_used_only_when_history_shows_it_twice() -> None:
    days = np.arange(1000)
    row = 20.0 + 15.0 * np.sin(2 * np.pi * days / 365)
    rows = {CELL: row, Cell("9A0102", "01"): row}
    long = at_end(panel_of(rows))
    assert long.track.factors.std() > 0.2
    short = at_end(panel_of({cell: values[:400] for cell, values in rows.items()}))
    assert short.track.factors[0].std() < 0.1


@pytest.mark.parametrize(
    ("day", "worked", "kind"),
    [
        (date(2025, 10, 1), False, HOLIDAY),
        (date(2025, 10, 11), True, MAKE_UP),
        (date(2025, 10, 13), True, 0),
        (date(2025, 10, 12), False, 6),
        (date(2040, 10, 1), None, 0),
    ],
)
def test_kinds_of_days_follow_the_calendar_and_outlive_it(
    day: date, worked: bool | None, kind: int
) -> None:
    assert kind_of(day, lambda _: worked) == kind


def test_a_panel_ends_where_it_is_cut() -> None:
    panel = stationary(1, days=50, counties=1, categories=1)
    assert panel.until(FIRST_DAY + timedelta(days=9)).day_count == 10
    assert panel.until(FIRST_DAY - timedelta(days=1)).day_count == 0
    assert panel.until(FIRST_DAY + timedelta(days=900)).day_count == 50
