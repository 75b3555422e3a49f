"""Intervals and probabilities hold what they promise: learned from held-out counts."""

from __future__ import annotations

import numpy as np
import pytest

from heed_warning.domain import negative_binomial as nb
from heed_warning.domain.distribution import Forecast
from heed_warning.domain.intervals import (
    SUM_DAYS,
    Calibration,
    calibrated_quantile,
    interval,
    nominal,
)
from heed_warning.domain.panel import Floats
from heed_warning.forecasting.calibration import Held, day_outside, sum_outside, tail_share

CELLS, DAYS = 1500, 28


def held(seed: int, true: Forecast, said: Forecast) -> Held:
    """Counts of a law held against another one that was said."""
    counts = true.sample(np.random.default_rng(seed), 1)[0].astype(float)
    return Held(said, counts, np.ones(counts.shape, dtype=np.bool_))


def laws(*, wider: float) -> tuple[Forecast, Forecast]:
    """A law, and the same with a spread that is wrong by a factor."""
    mean = np.random.default_rng(4).gamma(1.0, 1.5, (CELLS, 1)) + 0.1
    mean = np.repeat(mean, DAYS, axis=1)
    true = Forecast(mean, np.full_like(mean, 0.1), np.full(CELLS, 0.1))
    return true, Forecast(mean, true.dispersion * wider, true.frailty * wider)


def inside(counts: Floats, mean: Floats, dispersion: Floats, outside: Floats) -> float:
    low = calibrated_quantile(0.05, mean, dispersion, outside)
    high = calibrated_quantile(0.95, mean, dispersion, outside)
    return float(((counts >= low) & (counts <= high)).mean())


@pytest.mark.parametrize("wider", [0.2, 1.0, 4.0])
def test_ninety_percent_intervals_hold_ninety_percent_of_counts_to_come(wider: float) -> None:
    true, said = laws(wider=wider)
    past = [held(seed, true, said) for seed in range(4)]
    coming = held(99, true, said).counts
    day, sums = day_outside(past), sum_outside(past)
    dispersion = said.day_dispersion()
    found = inside(coming, said.mean, dispersion, np.full_like(said.mean, day))
    assert 0.88 <= found <= 0.92
    for days, outside in zip(SUM_DAYS, sums, strict=True):
        mean, spread = said.window(0, days)
        found = inside(coming[:, :days].sum(axis=1), mean, spread, np.full(CELLS, outside))
        assert 0.88 <= found <= 0.92, days
    low, high = nb.quantile(0.05, said.mean, dispersion), nb.quantile(0.95, said.mean, dispersion)
    raw = ((coming >= low) & (coming <= high)).mean()
    assert not 0.88 <= raw <= 0.92, "bare quantiles hold another share"


@pytest.mark.parametrize("wider", [0.2, 4.0])
def test_a_chance_is_told_as_often_as_it_comes(wider: float) -> None:
    true, said = laws(wider=wider)
    tail = tail_share([held(seed, true, said) for seed in range(4)])
    calibration = Calibration(np.zeros(CELLS), np.zeros((CELLS, 3)), np.full(CELLS, tail))
    mean, dispersion = said.window(0, 7)
    limit = nb.quantile(0.95, *true.window(0, 7))
    share = nb.upper_tail(limit + 1.0, mean, dispersion)
    came = np.mean(
        [(held(seed, true, said).counts[:, :7].sum(axis=1) > limit).mean() for seed in (90, 91, 92)]
    )
    told = calibration.exceedance(share).mean()
    assert told == pytest.approx(came, abs=0.012)
    assert abs(share.mean() - came) > 0.018, "the bare share is further off"


def test_what_is_certain_stays_certain_and_order_is_kept() -> None:
    calibration = Calibration(np.zeros(1), np.zeros((1, 3)), np.array([0.02]))
    share = np.array([[0.0, 0.01, 0.3, 0.5, 0.9, 1.0]])
    told = calibration.exceedance(share)[0]
    assert (told[0], told[3], told[-1]) == (0.0, pytest.approx(0.5), 1.0)
    assert (np.diff(told) > 0).all()
    assert nominal(1).exceedance(share)[0] == pytest.approx(share[0])


def test_too_few_sums_leave_intervals_as_they_are() -> None:
    true, said = laws(wider=1.0)
    few = held(1, true, said)
    few = Held(said.select(np.arange(20)), few.counts[:20], few.observed[:20])
    assert sum_outside([few]) == [0.1, 0.1, 0.1]
    assert tail_share([few]) == 0.05


def test_sums_longer_than_the_horizon_take_what_shorter_ones_say() -> None:
    true, said = laws(wider=4.0)
    one = held(1, true, said)
    week = Held(
        Forecast(said.mean[:, :7], said.dispersion[:, :7], said.frailty),
        one.counts[:, :7],
        one.observed[:, :7],
    )
    found = sum_outside([week])
    assert found[0] > 0.1
    assert found == [found[0]] * 3


def test_the_median_lies_within_every_interval() -> None:
    mean = np.linspace(0.01, 30.0, 50)
    dispersion = np.full(50, 0.3)
    median = nb.quantile(0.5, mean, dispersion)
    low, high = interval(mean, dispersion, np.full(50, 0.3))
    assert (low <= median).all()
    assert (median <= high).all()
