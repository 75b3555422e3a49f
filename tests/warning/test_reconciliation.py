"""Forecasts of counties, cities and provinces agree, and agreeing costs neither level anything."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heed_warning.domain import negative_binomial as nb
from heed_warning.domain.distribution import Forecast
from heed_warning.domain.history import BaselineForecaster, history_of
from heed_warning.domain.inhibition import NO_PARENT, parent_rows
from heed_warning.domain.panel import CITY, COUNTY, PROVINCE, Cell, Floats, Panel
from heed_warning.domain.reconciliation import add_up, reconciled, remainder_of
from tests.warning.simulation import every_weekday_as_it_is, panel_of

CITIES, COUNTIES, DAYS, HORIZON = 4, 6, 400, 14
SHARES = np.arange(1, 10) / 10


def above(code: str) -> list[str]:
    """The prefix rule for the made-up province 9A."""
    if code.endswith("0000"):
        return []
    return ["9A0000"] if code.endswith("00") else [f"{code[:4]}00", "9A0000"]


def hierarchy(seed: int, *, common: float = 1.0, direct: float = 0.0) -> Panel:
    """Counties with their own and common ups and downs, and their sums; some items at the city."""
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(0, 0.02, DAYS)) + 0.2 * np.sin(np.arange(DAYS) / 58)
    shared = np.exp(common * walk)
    rows: dict[Cell, Floats] = {}
    province = np.zeros(DAYS)
    for city in range(1, CITIES + 1):
        total = rng.poisson(direct, DAYS).astype(float)
        for county in range(1, COUNTIES + 1):
            level = rng.gamma(2.0, 0.5)
            own = np.exp(np.cumsum(rng.normal(0, 0.02, DAYS)))
            counts = nb.draw(rng, level * own * shared, np.full(DAYS, 0.2)).astype(float)
            rows[Cell(f"9A{city:02}{county:02}", "01")] = counts
            total += counts
        rows[Cell(f"9A{city:02}00", "01")] = total
        province += total
    rows[Cell("9A0000", "01")] = province
    return panel_of(rows)


def foreseen(panel: Panel, last: int) -> tuple[Forecast, Forecast, Panel]:
    known = panel.until(panel.first_day + timedelta(days=last))
    history = history_of(known, known.last_day, every_weekday_as_it_is)
    own = BaselineForecaster().predict(history, HORIZON).forecast
    able = np.ones(len(known.cells), dtype=bool)
    parents = parent_rows(known.cells, above)
    return own, reconciled(own, known.counts, known.levels, parents, able), known


def loss(forecast: Forecast, actual: Floats) -> Floats:
    """Mean quantile loss of the sums over a week of each cell, (N,)."""
    mean, dispersion = forecast.window(0, 7)
    total = actual[:, :7].sum(axis=1)
    quantiles = nb.quantile(SHARES[:, None], mean, dispersion)
    over = total[None] - quantiles
    return np.asarray(np.maximum(SHARES[:, None] * over, (SHARES[:, None] - 1) * over).mean(axis=0))


def ratios(common: float) -> dict[int, float]:
    """Loss after reconciliation to loss before, by level, over four simulated provinces."""
    before = dict.fromkeys((COUNTY, CITY, PROVINCE), 0.0)
    after = dict(before)
    for seed in range(1, 5):
        panel = hierarchy(seed, common=common)
        for last in range(200, DAYS - HORIZON, 14):
            own, agreed, _ = foreseen(panel, last)
            actual = panel.counts[:, last + 1 : last + 1 + HORIZON]
            for level in before:
                rows = panel.levels == level
                before[level] += float(loss(own, actual)[rows].sum())
                after[level] += float(loss(agreed, actual)[rows].sum())
    return {level: after[level] / before[level] for level in before}


@pytest.mark.parametrize("common", [0.0, 1.0])
def test_agreeing_makes_the_forecasts_of_no_level_worse(common: float) -> None:
    found = ratios(common)
    assert found[PROVINCE] == pytest.approx(1.0, abs=1e-9), "it keeps its own"
    assert found[CITY] <= 1.001
    assert found[COUNTY] <= 1.001


@pytest.mark.parametrize("direct", [0.0, 2.0])
def test_counties_add_up_to_their_city_and_province_on_every_day(direct: float) -> None:
    panel = hierarchy(1, direct=direct)
    own, agreed, known = foreseen(panel, 300)
    parents = parent_rows(known.cells, above)
    gap = remainder_of(own.mean, parents)
    rest = remainder_of(agreed.mean, parents)
    cities = known.levels == CITY
    assert np.abs(gap[cities]).max() > 0.01, "their own forecasts do not add up"
    if direct:
        assert rest[cities].mean() == pytest.approx(direct, rel=0.5)
    else:
        assert np.abs(rest).max() < 1e-9
    province = known.levels == PROVINCE
    assert np.abs(rest[province]).max() < 1e-9
    assert np.array_equal(agreed.frailty, own.frailty)


def test_a_cell_without_a_forecast_is_no_part_of_the_sum() -> None:
    panel = hierarchy(2)
    known = panel.until(panel.first_day + timedelta(days=300))
    history = history_of(known, known.last_day, every_weekday_as_it_is)
    own = BaselineForecaster().predict(history, HORIZON).forecast
    able = np.ones(len(known.cells), dtype=bool)
    able[known.levels == COUNTY] = np.arange((known.levels == COUNTY).sum()) % 6 > 0
    parents = parent_rows(known.cells, above)
    agreed = reconciled(own, known.counts, known.levels, parents, able)
    assert np.array_equal(agreed.mean[~able], own.mean[~able])
    joined = np.where(able, parents, NO_PARENT)
    rest = remainder_of(agreed.mean, joined)[known.levels == CITY]
    missing = np.zeros(len(known.cells))
    np.add.at(missing, parents[~able], known.counts[~able, -56:].mean(axis=1))
    assert rest.mean() == pytest.approx(missing[known.levels == CITY].mean(), rel=0.5)


@given(st.integers(0, 2**32 - 1), st.floats(0, 3), st.booleans())
def test_whatever_the_forecasts_they_add_up_and_are_never_negative(
    seed: int, spread: float, remains: bool
) -> None:
    rng = np.random.default_rng(seed)
    levels = np.array([PROVINCE, CITY, CITY, COUNTY, COUNTY, COUNTY, COUNTY])
    parents = np.array([NO_PARENT, 0, 0, 1, 1, 2, 0])
    mean = rng.lognormal(0, spread, (7, 3)) * (rng.random((7, 3)) > 0.2)
    left = np.zeros((7, 3))
    if remains:
        left[:3] = rng.random((3, 3))
    final = add_up(mean, mean + rng.random((7, 3)) + 1e-9, levels, parents, left, left * 1.5)
    assert (final >= 0).all()
    rest = remainder_of(final, parents)
    assert (rest >= -1e-6 * (1 + final)).all()
    if not remains:
        assert np.abs(rest).max() <= 1e-6 * (1 + final.max())
