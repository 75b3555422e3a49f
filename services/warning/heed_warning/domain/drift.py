"""Whether the model in use still says the truth about its own uncertainty.

Its forecast of four weeks ago is held against what came. Where its 90 % intervals hold far fewer of
the days, or far more, than 90 %, the world has moved away from what it was trained on.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from heed_warning.domain import negative_binomial as nb
from heed_warning.domain.day_kind import WorkingDay
from heed_warning.domain.history import Forecaster, history_of
from heed_warning.domain.panel import Floats, Panel

DRIFT_DAYS = 28
LEAST_COVERAGE, MOST_COVERAGE = 0.80, 0.97
"""Coverage of the 90 % interval outside of which a model counts as drifted."""
FEWEST_CELL_DAYS = 500
"""Days of cells below which nothing is said: chance alone would move the share too far."""
_INTERVAL = (0.05, 0.95)


def recent_coverage(
    panel: Panel, day: date, model: Forecaster, working: WorkingDay
) -> float | None:
    """Return the share of the last 28 days' counts inside the model's 90 % interval.

    Counts are whole numbers, so that an interval of them holds more than its 90 % by rounding. Each
    count therefore is spread evenly over its step of the distribution function (the randomised
    probability integral transform, in expectation): a true model scores 0.9 at any level of counts.

    Returns:
        The share; None where too few days of cells could be forecast.
    """
    known = panel.until(day).after_silence()
    origin = day - timedelta(days=DRIFT_DAYS)
    if known.index_of(origin) < 1:
        return None
    history = history_of(known, origin, working)
    made = model.predict(history, DRIFT_DAYS)
    rows = np.flatnonzero(made.able)
    if len(rows) * DRIFT_DAYS < FEWEST_CELL_DAYS:
        return None
    forecast = made.forecast.select(rows)
    actual = known.counts[rows, -DRIFT_DAYS:]
    return float(inside(actual, forecast.mean, forecast.day_dispersion()).mean())


def inside(counts: Floats, mean: Floats, dispersion: Floats) -> Floats:
    """Return how much of each count's step of the distribution function lies in the interval."""
    below = 1.0 - nb.upper_tail(counts, mean, dispersion)
    upto = 1.0 - nb.upper_tail(counts + 1, mean, dispersion)
    low, high = _INTERVAL
    overlap = np.minimum(upto, high) - np.maximum(below, low)
    return np.asarray(np.clip(overlap, 0.0, None) / np.maximum(upto - below, 1e-12))


def has_drifted(coverage: float | None) -> bool:
    """Say whether a coverage lies outside of what a good model shows."""
    return coverage is not None and not LEAST_COVERAGE <= coverage <= MOST_COVERAGE
