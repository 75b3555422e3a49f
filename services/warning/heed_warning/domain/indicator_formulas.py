"""The formulas of the indicators, over all cells and past windows at once.

Each formula answers, for windows that end 0, 1, 2 ... weeks before the day of evaluation, the
value, what it was made of, and how likely chance alone makes it as high. A value that does not
exist is NaN here and an outcome of its own where it is answered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special

from heed_warning.domain.counts import Measure
from heed_warning.domain.evidence import FOR_EVER, Evidence
from heed_warning.domain.panel import Booleans, Floats, Ints

REFERENCE_PERIODS = 8
REFERENCE_YEARS = 3
YEAR_WEEKS = 52
SEASON_WEEKS = (-2, -1, 0, 1, 2)
"""Weeks around the same week of an earlier year that are its same period."""
MAD_TO_DEVIATION = 1.4826
"""Standard deviation of a normal law over its median absolute deviation."""
SMALLEST_GROWTH = 4.0
"""Robust deviations below which no growth is over its limit: eight periods tell a deviation badly.
"""
SMALLEST_ACCELERATION = 5.0
"""The same for its change, which scatters more by the square root of two."""
SMALLEST_SPREAD = 3.0
NEW_AREA_ITEMS = 2.0
LARGEST_CHANCE = 0.001
"""A share that chance reaches more often than this is not over its limit."""
MIDDLE_SQUARE = 0.455
"""Median of the squared standard normal law."""
UNLIKELY_SQUARE = float(special.ndtri(LARGEST_CHANCE) ** 2)
"""Squared standard deviations that chance exceeds upwards with LARGEST_CHANCE."""
PEOPLE_BUCKETS = 7
STALE_EDGES = np.array([0.0, 8.0, 16.0, 31.0, 61.0, 91.0])
"""Days at which the buckets of days since the last update begin; the last has no end of its own."""


@dataclass(frozen=True)
class Figures:
    """An indicator of n cells in `ends` windows, the latest first; arrays are (n, ends)."""

    value: Floats
    """NaN where the formula lacks the history that it needs."""
    numerator: Floats
    denominator: Floats
    base: Floats
    """The count that the minimum denominator is held against."""


Formula = Callable[[Evidence, int, Ints, int], Figures]
"""Computes from evidence, window in days, rows and number of ends."""
Striking = Callable[[Figures], Booleans]
"""Says of which cells the latest value is more than chance, (n,)."""


@dataclass(frozen=True)
class Computation:
    """How an indicator is computed."""

    formula: Formula
    measures: tuple[Measure, ...]
    """What it is computed from; the first is the denominator."""
    striking: Striking
    small_counts: bool = False
    """Whether numerator and denominator count items, so that small ones must not be shown."""


def _ratio(numerator: Measure, denominator: Measure) -> Computation:
    def formula(evidence: Evidence, window_days: int, rows: Ints, ends: int) -> Figures:
        above = evidence.window(numerator, window_days, rows, ends)
        below = evidence.window(denominator, window_days, rows, ends)
        above = np.minimum(above, below)  # a late correction may have come for one of them only
        with np.errstate(invalid="ignore"):
            value = np.where(below > 0, above / np.maximum(below, 1.0), np.nan)
        return Figures(value, above, below, below)

    return Computation(formula, (denominator, numerator), unlikely_share, small_counts=True)


def unlikely_share(figures: Figures) -> Booleans:
    """Say where the latest share is more than chance makes of the cell's own past share, (n,).

    Exact binomial tail P(X >= numerator) at the pooled share of the past windows, with half an item
    added so that a past without any is no certainty.
    """
    above, below = figures.numerator, figures.denominator
    past = (above[:, 1:].sum(axis=1) + 0.5) / (below[:, 1:].sum(axis=1) + 1.0)
    tail = _binomial_tail(above[:, 0], below[:, 0], past)
    return np.asarray(tail <= LARGEST_CHANCE)


def _binomial_tail(successes: Floats, trials: Floats, probability: Floats) -> Floats:
    """Return P(X >= successes)."""
    at_least_one = np.maximum(successes, 1.0)
    rest = np.maximum(trials - at_least_one + 1.0, 1e-9)
    tail = special.betainc(at_least_one, rest, np.clip(probability, 0.0, 1.0))
    return np.where(successes <= 0, 1.0, tail)


def growth(evidence: Evidence, window_days: int, rows: Ints, ends: int) -> Figures:
    """A1: items above the median of their reference, in robust deviations.

    The reference is the same period of the last three years where there are so many, else the eight
    periods before. Numerator is the items, denominator the median.
    """
    weeks = window_days // 7
    longest = max(REFERENCE_YEARS * YEAR_WEEKS + max(SEASON_WEEKS), REFERENCE_PERIODS * weeks)
    items = evidence.items(window_days, rows, ends + longest)
    recent = [weeks * back for back in range(1, REFERENCE_PERIODS + 1)]
    yearly = [YEAR_WEEKS * year + week for year in range(1, REFERENCE_YEARS + 1)
              for week in SEASON_WEEKS]  # fmt: skip
    middle, scale = _robust(items, recent, ends)
    known = evidence.history_days[rows, None] // 7 - np.arange(ends)[None, :] - weeks
    old = np.flatnonzero((known >= max(yearly)).any(axis=1))
    if len(old):
        seasonal, spread = _robust(items[old], yearly, ends)
        use = known[old] >= max(yearly)
        middle[old] = np.where(use, seasonal, middle[old])
        scale[old] = np.where(use, spread, scale[old])
    now = items[:, :ends]
    value = np.where(known >= max(recent), (now - middle) / scale, np.nan)
    return Figures(value, now, middle, now)


def _robust(items: Floats, back: list[int], ends: int) -> tuple[Floats, Floats]:
    """Return median and robust deviation of the windows some weeks back, (n, ends) each."""
    reference = np.stack([items[:, weeks : weeks + ends] for weeks in back])
    middle = np.median(reference, axis=0)
    deviation = MAD_TO_DEVIATION * np.median(np.abs(reference - middle), axis=0)
    # Counts scatter at least as the Poisson law does; eight equal ones prove no certainty.
    return middle, np.maximum(np.maximum(deviation, np.sqrt(middle)), 1.0)


def change(evidence: Evidence, window_days: int, rows: Ints, ends: int) -> Figures:
    """A2: items over those of the same period a year before, or else of the period before."""
    weeks = window_days // 7
    items = evidence.items(window_days, rows, ends + YEAR_WEEKS + weeks)
    now = items[:, :ends]
    known = evidence.history_days[rows, None] // 7 - np.arange(ends)[None, :] - weeks
    year_before = items[:, YEAR_WEEKS : YEAR_WEEKS + ends]
    before = np.where(known >= YEAR_WEEKS, year_before, items[:, weeks : weeks + ends])
    value = np.where((known >= weeks) & (before > 0), now / np.maximum(before, 1.0), np.nan)
    return Figures(value, now, before, before)


def unlikely_change(figures: Figures) -> Booleans:
    """Say where the latest items are more than chance makes of the earlier ones, (n,).

    Two counts of one Poisson law differ by the root of their sum. How much more the cell's own
    differ is told by the middle one of its past squared differences.
    """
    now, before = figures.numerator, figures.denominator
    square = (now - before) ** 2 / np.maximum(now + before, 1.0)
    past = np.where(now[:, 1:] + before[:, 1:] > 0, square[:, 1:], np.nan)
    known = ~np.isnan(past).all(axis=1)
    scatter = np.ones(len(now))
    scatter[known] = np.maximum(np.nanmedian(past[known], axis=1) / MIDDLE_SQUARE, 1.0)
    return np.asarray((now[:, 0] > before[:, 0]) & (square[:, 0] >= UNLIKELY_SQUARE * scatter))


def people(evidence: Evidence, window_days: int, rows: Ints, ends: int) -> Figures:
    """B3: the median bucket of people that a problem concerns.

    Numerator are the items of the latest median bucket and those above it, in every window.
    """
    counts = evidence.histogram(Measure.PEOPLE, window_days, rows, ends, PEOPLE_BUCKETS)
    total = counts.sum(axis=2)
    bucket = (counts.cumsum(axis=2) >= total[:, :, None] / 2.0).argmax(axis=2)
    from_it = np.arange(PEOPLE_BUCKETS)[None, :] >= bucket[:, :1]
    many = (counts * from_it[:, None, :]).sum(axis=2)
    return Figures(np.where(total > 0, bucket + 1.0, np.nan), many, total, total)


def unlikely_people(figures: Figures) -> Booleans:
    """Say where chance would hardly lift the median bucket so high, (n,)."""
    return np.asarray((figures.value[:, 0] >= 2.0) & unlikely_share(figures))


def staleness(evidence: Evidence, _window_days: int, rows: Ints, ends: int) -> Figures:
    """C2: the median days since the last substantive update, linear within its bucket."""
    buckets = len(STALE_EDGES) - 1
    counts = evidence.histogram(Measure.STALE, FOR_EVER, rows, ends, buckets)
    total, reached = counts.sum(axis=2), counts.cumsum(axis=2)
    half = total / 2.0
    bucket = (reached >= half[:, :, None]).argmax(axis=2)
    inside = np.take_along_axis(counts, bucket[:, :, None], axis=2)[:, :, 0]
    before = np.take_along_axis(reached, bucket[:, :, None], axis=2)[:, :, 0] - inside
    share = (half - before) / np.maximum(inside, 1e-9)
    days = STALE_EDGES[bucket] + share * np.diff(STALE_EDGES)[bucket]
    value = np.where(total > 0, days, np.nan)
    return Figures(value, np.zeros_like(total), total, total)


def spread(evidence: Evidence, window_days: int, rows: Ints, ends: int) -> Figures:
    """C1: counties below that have the problem anew: in this window, not in the two before.

    Denominator and base are the counties that have it. A county itself has none below it.
    """
    child, above = evidence.descents()
    place = np.full(len(evidence.cells), -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    keep = place[above] >= 0
    child, above = child[keep], place[above[keep]]
    weeks = window_days // 7
    own, at = np.unique(child, return_inverse=True)  # a county counts in its city and its province
    items = evidence.items(window_days, own, ends + 2 * weeks)
    has = items[:, :ends] >= NEW_AREA_ITEMS
    before = items[:, weeks : weeks + ends] + items[:, 2 * weeks : 2 * weeks + ends]
    new = _summed((has & (before == 0))[at], above, len(rows))
    all_ = _summed(has[at], above, len(rows))
    known = evidence.history_days[rows, None] // 7 - np.arange(ends)[None, :]
    return Figures(np.where(known >= 3 * weeks, new, np.nan), new, all_, all_)


def _summed(flags: Booleans, group: Ints, groups: int) -> Floats:
    """Return how many flags are set in each group, (groups, ends)."""
    sums = np.zeros((groups, flags.shape[1]))
    if len(group):
        order = np.argsort(group, kind="stable")
        starts = np.flatnonzero(np.diff(group[order], prepend=-1))
        counts = np.add.reduceat(flags[order], starts, axis=0, dtype=np.int64)
        sums[group[order][starts]] = counts
    return sums


def acceleration(evidence: Evidence, window_days: int, rows: Ints, ends: int) -> Figures:
    """C3: how much A1 changed over two periods."""
    gap = 2 * window_days // 7
    index = growth(evidence, window_days, rows, ends + gap)
    value = index.value[:, :ends] - index.value[:, gap : gap + ends]
    now = index.numerator[:, :ends]
    return Figures(value, now, index.denominator[:, :ends], now)


def _at_least(limit: float) -> Striking:
    return lambda figures: np.asarray(figures.value[:, 0] >= limit)


def _beyond(deviations: float) -> Striking:
    """Ask for so many deviations, wider where the cell's own past indices scatter more than one."""

    def striking(figures: Figures) -> Booleans:
        past = np.abs(figures.value[:, 1:])
        scatter = np.ones(len(past))
        known = ~np.isnan(past).all(axis=1)
        usual = MAD_TO_DEVIATION * np.nanmedian(past[known], axis=1)
        scatter[known] = np.maximum(usual, 1.0)
        return np.asarray(figures.value[:, 0] >= deviations * scatter)

    return striking


COMPUTATIONS: Mapping[str, Computation] = {
    "A1": Computation(growth, (Measure.ITEMS,), _beyond(SMALLEST_GROWTH)),
    "A2": Computation(change, (Measure.ITEMS,), unlikely_change),
    "B1": _ratio(Measure.REPEAT, Measure.ITEMS),
    "B2": _ratio(Measure.JOINT, Measure.ITEMS),
    "B3": Computation(people, (Measure.PEOPLE,), unlikely_people),
    "B4": _ratio(Measure.OVERDUE, Measure.DUE),
    "B5": _ratio(Measure.DISSATISFIED, Measure.RATED),
    "B6": _ratio(Measure.UNPERFORMED, Measure.SUPPORTED),
    "B7": _ratio(Measure.OVERTURNED, Measure.REVIEWED),
    "C1": Computation(spread, (Measure.ITEMS,), _at_least(SMALLEST_SPREAD)),
    "C2": Computation(staleness, (Measure.STALE,), _at_least(0.0)),
    "C3": Computation(acceleration, (Measure.ITEMS,), _beyond(SMALLEST_ACCELERATION)),
    "C4": _ratio(Measure.HAZARD, Measure.ITEMS),
}
"""Every code that a definition may have."""
