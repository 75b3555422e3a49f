"""How far counts stray from forecasts: dispersion of single steps and what a horizon has in common.

Estimated by moments from the classical family's own past forecasts, each held against the steps
that followed and were known at the origin; shrunk to the category where a series says little.
"""

from __future__ import annotations

import numpy as np

from heed_warning.domain.panel import Floats
from heed_warning.forecasting.levels import Levels
from heed_warning.forecasting.series import SeriesTable, sum_by
from heed_warning.forecasting.shape import Shape

HALF_LIFE_WEEKS = 52.0
PAST_ORIGINS = 40
FIRST_ORIGIN_WEEKS = 8
START = 0.15
SMALLEST = 0.01
LARGEST = 4.0


def spread_of(
    table: SeriesTable, shape: Shape, levels: Levels, origin: int, horizon: int
) -> tuple[Floats, Floats]:
    """Return dispersion of single steps given the level, and frailty of the horizon, (N,) each."""
    series, categories = table.counts.shape[0], len(shape.season)
    single, whole = np.zeros((2, 2, series))
    last = origin - horizon
    stride = max(1, horizon // 2, (last - FIRST_ORIGIN_WEEKS * table.week_steps) // PAST_ORIGINS)
    keep = 0.5 ** (1.0 / (HALF_LIFE_WEEKS * table.week_steps))
    for past in range(last, FIRST_ORIGIN_WEEKS * table.week_steps - 1, -stride):
        mean = levels.expected[:, past, None] * shape.ahead(past, horizon)[table.category]
        counts = levels.bounded[:, past + 1 : past + 1 + horizon]
        seen = table.observed[:, past + 1 : past + 1 + horizon] * keep ** (last - past)
        single += [
            (((counts - mean) ** 2 - mean) * seen).sum(axis=1),
            (mean**2 * seen).sum(axis=1),
        ]
        weight, total = seen.min(axis=1), mean.sum(axis=1)
        whole += [weight * ((counts.sum(axis=1) - total) ** 2 - total), weight * total**2]
    step = _shrunk(single[0], single[1], table, categories)
    common = _shrunk(whole[0], whole[1], table, categories)
    # Of the whole's dispersion, 1/horizon of the single steps' own is left.
    frailty = (common - step / horizon) / (1.0 - 1.0 / horizon) if horizon > 1 else common
    frailty = np.clip(frailty, SMALLEST, step)
    return np.maximum((step - frailty) / (1.0 + frailty), SMALLEST), frailty


def _shrunk(above: Floats, below: Floats, table: SeriesTable, categories: int) -> Floats:
    """Return the ratio of each series, half way to its category's for a series of usual size."""
    every = np.bincount(table.category, minlength=categories)
    group_above = sum_by(above, table.category, categories)
    group_below = sum_by(below, table.category, categories)
    usual = max(float(below.sum()) / max(len(below), 1), 1e-9)
    pool = (above.sum() + START * usual) / (below.sum() + usual)
    shared = (group_above + usual * pool) / (group_below + usual)
    weight = (group_below / np.maximum(every, 1) + 1e-9)[table.category]
    ratio = (above + weight * shared[table.category]) / (below + weight)
    return np.asarray(np.clip(ratio, SMALLEST, LARGEST))
