"""The groups of series that share weights and calibration: by path, the regular ones by volume."""

from __future__ import annotations

import numpy as np

from heed_warning.domain.panel import Floats, Ints
from heed_warning.domain.series_path import WEEKS_AFTER_BREAK, SeriesPath, paths_of
from heed_warning.forecasting.family import Prepared

GROUPS = ("short", "sparse", "intermittent", "quiet", "busy", "broken", "insufficient")
QUIET, BUSY, BROKEN = 3, 4, 5
BUSY_ITEMS_A_WEEK = 3.0
_OF_PATH = {
    SeriesPath.SHORT: 0,
    SeriesPath.SPARSE: 1,
    SeriesPath.INTERMITTENT: 2,
    SeriesPath.BROKEN: BROKEN,
    SeriesPath.INSUFFICIENT: 6,
}


def groups_at(prepared: Prepared, origin: int) -> tuple[Ints, Ints]:
    """Return group and path of each series as known at an origin, (N,) each."""
    table = prepared.table
    known = slice(0, origin + 1)
    factors = prepared.shape.running()[:, known][table.category]
    path = paths_of(table.counts[:, known], factors, table.observed[:, known], table.week_steps)
    level = np.exp(prepared.levels.own[-1, :, origin]) * table.week_steps
    group = np.where(level >= BUSY_ITEMS_A_WEEK, BUSY, QUIET)
    for known_as, place in _OF_PATH.items():
        group[path == known_as] = place
    return group, path


def level_after_break(prepared: Prepared, origin: int) -> Floats:
    """Return the level of the last weeks alone, items a step, (N,)."""
    table = prepared.table
    first = max(0, origin + 1 - WEEKS_AFTER_BREAK * table.week_steps)
    last = slice(first, origin + 1)
    observed = table.observed[:, last]
    expected = (prepared.shape.running()[:, last][table.category] * observed).sum(axis=1)
    return np.asarray(table.counts[:, last].sum(axis=1) / np.maximum(expected, 1e-9))
