"""The law of counts agrees with scipy's and its quantile with its tail."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from heed_warning.domain import negative_binomial as nb

MEANS = np.array([0.05, 0.9, 7.0, 300.0])


@pytest.mark.parametrize("dispersion", [0.01, 0.3, 4.0])
@pytest.mark.parametrize("count", [0, 1, 2, 9, 400])
def test_the_tail_is_that_of_the_negative_binomial_law(count: int, dispersion: float) -> None:
    shape = 1.0 / dispersion
    wanted = stats.nbinom.sf(count - 1, shape, shape / (shape + MEANS))
    found = nb.upper_tail(np.float64(count), MEANS, np.float64(dispersion))
    assert found == pytest.approx(wanted, rel=1e-9, abs=1e-300)


def test_without_dispersion_it_is_the_poisson_law() -> None:
    wanted = stats.poisson.sf(4, MEANS)
    assert nb.upper_tail(np.float64(5), MEANS, np.zeros(4)) == pytest.approx(wanted, rel=1e-9)


@given(st.floats(0.01, 0.9999), st.floats(0.0, 2000.0), st.floats(0.0, 5.0))
def test_a_quantile_is_the_smallest_count_with_that_probability(
    probability: float, mean: float, dispersion: float
) -> None:
    found = nb.quantile(probability, np.array([mean]), np.array([dispersion]))
    below = 1.0 - nb.upper_tail(found + 1.0, np.array([mean]), np.array([dispersion]))
    before = 1.0 - nb.upper_tail(found, np.array([mean]), np.array([dispersion]))
    assert below[0] >= probability
    assert found[0] == 0 or before[0] < probability


def test_nothing_is_ever_nan() -> None:
    extremes = np.array([0.0, 1e-12, 1.0, 1e9])
    for dispersion in (0.0, 1e-9, 1e6):
        tail = nb.upper_tail(np.array([0.0, 1.0, 1e9, 5.0]), extremes, np.float64(dispersion))
        assert np.isfinite(tail).all()
        assert ((tail >= 0) & (tail <= 1)).all()


def test_draws_have_the_mean_and_variance_asked_for() -> None:
    drawn = nb.draw(np.random.default_rng(1), np.full(40_000, 6.0), np.float64(0.5))
    assert drawn.mean() == pytest.approx(6.0, rel=0.03)
    assert drawn.var() == pytest.approx(6.0 + 0.5 * 36.0, rel=0.06)
