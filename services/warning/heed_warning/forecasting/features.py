"""What the network reads. Pure arrays; nothing read at a step rests on a later one.

Counts are held against the level that the classical family answers, and levels against the steady
level, so that a cell of one item a month and one of forty a day look alike to the network.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heed_warning.domain.panel import Floats, Ints
from heed_warning.domain.service_calendar import PERIODS, service_periods
from heed_warning.forecasting.family import Prepared
from heed_warning.forecasting.levels import HALF_LIVES_WEEKS, SMALLEST_LEVEL, STEADY
from heed_warning.forecasting.series import WEEK
from heed_warning.forecasting.shape import EXCEPTIONS, SEASON_WINDOW_WEEKS

Floats32 = NDArray[np.float32]

CALENDAR_WIDTH = WEEK + EXCEPTIONS + PERIODS
STEP_WIDTH = 5 + len(HALF_LIVES_WEEKS) + 3 * (len(HALF_LIVES_WEEKS) - 1)
AHEAD_WIDTH = 2
OWN_YEAR_ITEMS = 3.0
SURPRISE_BOUNDS = (-4.0, 6.0)
SMALLEST_WEEK = 0.05


def step_features(prepared: Prepared, first: int, stop: int) -> Floats32:
    """Return what is read of the steps `first` to `stop`, (N, stop - first, STEP_WIDTH)."""
    table, levels, steps = prepared.table, prepared.levels, slice(first, stop)
    counts, level = table.counts[:, steps], levels.expected[:, steps]
    running = prepared.shape.running()[:, steps][table.category]
    expected = level * running
    log_level = np.log(level + SMALLEST_LEVEL)
    everywhere = np.zeros_like(table.category)
    parts = [
        np.log1p(counts) - np.log1p(expected),
        np.clip((counts - expected) / np.sqrt(expected + 1.0), *SURPRISE_BOUNDS),
        np.log(level * table.week_steps + SMALLEST_WEEK),
        np.log1p(expected),
        np.log(running),
        *(own - log_level for own in levels.own[:, :, steps]),
        *_apart(levels.category[:, :, steps], table.category),
        *_apart(levels.region[:, :, steps], table.region),
        *_apart(levels.common[:, :, steps], everywhere),
    ]
    return np.stack([part.astype(np.float32) for part in parts], axis=2)


def _apart(levels: Floats, group: Ints) -> list[Floats]:
    """Return levels of groups over their steady one, for each series, (N, L) each."""
    return [
        (level - levels[STEADY])[group] for place, level in enumerate(levels) if place != STEADY
    ]


def calendar_features(prepared: Prepared) -> Floats32:
    """Return weekday, exception and service calendar of every step, (T + F, CALENDAR_WIDTH)."""
    table, kind = prepared.table, prepared.shape.kind
    weekday = (kind // EXCEPTIONS)[:, None] == np.arange(WEEK)
    exception = (kind % EXCEPTIONS)[:, None] == np.arange(EXCEPTIONS)
    periods = service_periods(table.first_day, len(kind), table.step_days)
    return np.concatenate([weekday, exception, periods], axis=1).astype(np.float32)


def season_features(prepared: Prepared, steps: Ints) -> Floats32:
    """Return the logarithms of the category's season and of what a series' own last year adds.

    For the steps given, (N, len(steps), AHEAD_WIDTH).
    """
    table, bounded = prepared.table, prepared.levels.bounded
    season = prepared.shape.season[:, steps][table.category]
    year, margin = table.year_steps, SEASON_WINDOW_WEEKS * table.week_steps
    ahead = prepared.shape.season.shape[1] - table.steps
    sums = np.concatenate([np.zeros((len(bounded), 1)), bounded.cumsum(axis=1)], axis=1)
    middle = steps - year
    last = np.minimum(np.minimum(middle + year // 2, steps - ahead), table.steps - 1)
    known = np.flatnonzero((middle >= margin) & (last >= middle + margin))
    middle, last = middle[known], last[known]
    first = np.maximum(middle - year // 2, 0)
    seen = sums[:, middle + margin + 1] - sums[:, middle - margin]
    usual = (sums[:, last + 1] - sums[:, first]) / (last + 1 - first) * (2 * margin + 1)
    own = np.zeros(season.shape)
    expected = season[:, known]
    ratio = (seen + OWN_YEAR_ITEMS * expected) / (usual + OWN_YEAR_ITEMS)
    own[:, known] = np.log(ratio) - np.log(expected)
    return np.stack([np.log(season), own], axis=2).astype(np.float32)
