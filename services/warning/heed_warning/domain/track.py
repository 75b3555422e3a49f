"""Follows the level of every cell through time, one day after the other, in one pass.

What a threshold is held against: how many items a window lets expect, and how they scatter, as
known before the window began. Each day's state rests on days up to it alone, so one pass answers
for every day of the past exactly what an evaluation on that day would have been told; only the
shared shape of week and year is learned from the whole panel. Past outbreaks hardly raise the level
(what a window had beyond its bound does not count), and days that a judged warning explains do not
count at all.

The ideas are those of `baseline`, put so that a day costs a few dozen operations on vectors of all
cells: half a thousand days of 100,000 cells take seconds and no memory beside the counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from heed_warning.domain import negative_binomial as nb
from heed_warning.domain.panel import Booleans, Floats, Ints, Panel
from heed_warning.domain.pooled_ratio import PooledRatio, Shrinkage
from heed_warning.domain.profile import Profile

WINDOW_DAYS = 7
LONG_HALF_LIFE_DAYS = 60.0
SHORT_HALF_LIFE_DAYS = 14.0
PRIOR_DAYS = 7.0
"""How many days of its own a cell weighs against what region and category let expect."""
BOUND_DEVIATIONS = 2.33
TAIL_ALLOWANCE = 1.1
"""Variance of a normal law over that of its part below BOUND_DEVIATIONS, rounded up."""
SETTLED_DAYS = 2 * WINDOW_DAYS
_BLOCK_ROWS = 256

_Known = tuple[Floats, Floats, Floats, Floats]
"""Level, evidence, and dispersion of windows and of days, each (N,)."""
_DISPERSION = Shrinkage(0.05, 1500.0, 6000.0)
_SHARE = Shrinkage(0.1, 60.0, 60.0)


@dataclass(frozen=True)
class Track:
    """What was known of N cells at the end of D days; arrays are (N, D)."""

    days: Ints
    """Day numbers of the panel, (D,)."""
    level: Floats
    """Items a day at factor 1."""
    evidence: Floats
    """Items that the level rests on."""
    window_dispersion: Floats
    """Dispersion of seven-day sums around their expectation, beyond the level's own."""
    day_dispersion: Floats
    """Dispersion of single days given the level."""
    factors: Floats
    """Expected share of the level for each category and day, (C, T + F)."""
    category: Ints
    """Category of each cell, (N,)."""
    bounded: Floats
    """Counts with outbreaks cut down and skipped days as expected, (N, T); (N, 0) if not asked."""

    def window(self, place: int, window_days: int) -> tuple[Floats, Floats]:
        """Return mean and dispersion of the items of the window after days[place], (N,) each."""
        start = int(self.days[place]) + 1
        factors = self.factors[:, start : start + window_days]
        total, squares = factors.sum(axis=1), (factors**2).sum(axis=1)
        shape = (squares / np.maximum(total, 1e-9) ** 2)[self.category]
        day = self.day_dispersion[:, place]
        common = np.maximum(self.window_dispersion[:, place] - day / WINDOW_DAYS, 0.0)
        frailty = common + 1.0 / self.evidence[:, place]
        mean = np.maximum(self.level[:, place] * total[self.category], nb.SMALLEST_MEAN)
        return mean, day * (1.0 + frailty) * shape + frailty


def follow(
    panel: Panel,
    profile: Profile,
    kinds: Ints,
    year_days: Ints,
    days: Sequence[int],
    *,
    skipped: Mapping[int, Ints] | None = None,
    keep_bounded: bool = False,
) -> Track:
    """Follow every cell of a panel to the last of `days`, and return what was known on each.

    Args:
        panel: The counts, cut at the day of evaluation.
        profile: The shape of week and year.
        kinds: Kinds of the panel's days and of those after them, (T + F,).
        year_days: Their days of the year, (T + F,).
        days: Day numbers, ascending, each before the panel's end.
        skipped: Rows that do not count, by day number.
        keep_bounded: Whether `bounded` is wanted.
    """
    category, region = panel.groups()
    factors = profile.factors(np.arange(len(profile.by_kind)), kinds, year_days)
    walk = _Walk(panel, category, region, factors)
    found: list[_Known] = []
    kept = np.zeros((panel.day_count if keep_bounded else 0, len(panel.cells)))
    wanted = set(days)
    counts = _turned(panel.counts)
    last = panel.day_count if keep_bounded else max(wanted, default=-1) + 1
    for day in range(last):
        bounded = walk.step(day, counts, (skipped or {}).get(day))
        if keep_bounded:
            kept[day] = bounded
        if day in wanted:
            found.append(walk.known())
    level, evidence, window, single = _side_by_side(found, len(panel.cells))
    return Track(
        np.array(sorted(wanted), dtype=np.int64), level, evidence, window, single, factors,
        category, _turned(kept),
    )  # fmt: skip


def _side_by_side(found: list[_Known], cells: int) -> list[Floats]:
    """Return what was known day by day as one array of each kind, (N, D)."""
    if not found:
        return [np.zeros((cells, 0))] * 4
    return [np.stack(part, axis=1) for part in zip(*found, strict=True)]


@dataclass
class _Level:
    """Items and exposure of every cell, discounted with one half-life."""

    keep: float
    items: Floats
    exposure: Floats
    rate: list[Floats] = field(default_factory=list)
    """Level at the end of the last eight days, the oldest first."""
    evidence: list[Floats] = field(default_factory=list)


class _Walk:
    """The state of all cells, moved by one day at a time."""

    def __init__(self, panel: Panel, category: Ints, region: Ints, factors: Floats) -> None:
        count = len(panel.cells)
        self._started = panel.started
        self._category = category
        self._factors = factors
        self._ahead = _window_sums(factors)
        number = int(category.max(initial=0)) + 1
        self._region = np.unique(
            panel.levels * (int(region.max(initial=0)) + 1) + region, return_inverse=True
        )[1]
        self._kind = panel.levels * number + category
        self._kinds = np.arange((int(panel.levels.max(initial=0)) + 1) * number) // number
        """Level of region of each kind, which is a level and a category."""
        self._steady, self._quick = (
            _Level(0.5 ** (1.0 / life), np.zeros(count), np.zeros(count))
            for life in (LONG_HALF_LIFE_DAYS, SHORT_HALF_LIFE_DAYS)
        )
        self._level: list[Floats] = []
        self._evidence: list[Floats] = []
        self._kept: list[Floats] = []
        self._share = PooledRatio.start(category, _SHARE)
        self._windows = PooledRatio.start(category, _DISPERSION)
        self._singles = PooledRatio.start(category, _DISPERSION)
        self._sum = np.zeros(count)
        self._kept_sum = np.zeros(count)

    def known(self) -> _Known:
        """Return level, evidence, and dispersion of windows and of days, as known now."""
        for sums in (self._windows, self._singles):
            sums.settle()
        single = np.maximum(self._singles.ratio - self._windows.ratio, 0.0)
        single *= WINDOW_DAYS / (WINDOW_DAYS - 1)
        return self._level[-1], self._evidence[-1], self._windows.ratio, single

    def step(self, day: int, counts: Floats, skipped: Ints | None) -> Floats:
        """Take a day in and return its counts as far as they count, (N,); counts is (T, N)."""
        factor = self._factors[:, day][self._category]
        counted = day >= self._started
        mean, frailty = self._foreseen(day)
        bound = mean + 1.0
        bound += BOUND_DEVIATIONS * np.sqrt(mean + (frailty + self._windows.ratio) * mean**2)
        bounded = self._bounded(day, counts[day], bound)
        usable = counted.copy()
        if skipped is not None:
            expected = self._level[-1][skipped] if self._level else bounded[skipped]
            bounded[skipped] = expected * factor[skipped]
            usable[skipped] = False
        self._sum += counts[day]
        if day >= WINDOW_DAYS:
            self._sum -= counts[day - WINDOW_DAYS]
        self._learn_spread(day, mean, frailty, bound, usable, bounded, factor)
        self._learn_levels(bounded, factor * counted, skipped)
        return bounded

    def _foreseen(self, day: int) -> tuple[Floats, Floats]:
        """Return mean and frailty of the window that ends today, as foreseen before it."""
        ahead = self._ahead[:, day][self._category]
        if len(self._level) < WINDOW_DAYS:
            return ahead, np.ones_like(ahead)
        return self._level[-WINDOW_DAYS] * ahead, 1.0 / self._evidence[-WINDOW_DAYS]

    def _bounded(self, day: int, items: Floats, bound: Floats) -> Floats:
        """Return the day's items, of which no seven days together exceed their bound.

        Each day counts up to what the six days before it leave of the bound.
        """
        if day >= WINDOW_DAYS:
            self._kept_sum -= self._kept.pop(0)
        bounded = items.copy()
        if day >= SETTLED_DAYS:
            np.minimum(bounded, np.maximum(bound - self._kept_sum, 0.0), out=bounded)
        return bounded

    def _learn_spread(
        self,
        day: int,
        mean: Floats,
        frailty: Floats,
        bound: Floats,
        usable: Booleans,
        bounded: Floats,
        factor: Floats,
    ) -> None:
        """Learn how far windows and days lie from what was foreseen for them."""
        if len(self._level) < WINDOW_DAYS:
            return
        settled = usable & (day - self._started >= SETTLED_DAYS)
        square = mean**2
        excess = TAIL_ALLOWANCE * (self._sum - mean) ** 2 - mean - frailty * square
        self._windows.add(excess, square, settled & (self._sum <= bound))
        single = self._level[-1] * factor
        square = single**2
        excess = (bounded - single) ** 2 - single - square / self._evidence[-1]
        self._singles.add(excess, square, usable)
        if day >= SETTLED_DAYS:
            self._learn_share(day, bounded, usable)
        if day % WINDOW_DAYS == 0:
            for sums in (self._windows, self._singles, self._share):
                sums.settle()

    def _learn_share(self, day: int, bounded: Floats, usable: Booleans) -> None:
        """Learn how much of the quick level would have foreseen this window best."""
        ahead = self._ahead[:, day][self._category]
        steady = self._steady.rate[0] * ahead
        change = self._quick.rate[0] * ahead - steady
        missed = self._kept_sum + bounded - steady
        scale = change / (steady + 1.0)
        self._share.add(missed * scale, change * scale, usable)

    def _learn_levels(self, bounded: Floats, exposed: Floats, skipped: Ints | None) -> None:
        self._kept.append(bounded)
        self._kept_sum += bounded
        for level in (self._steady, self._quick):
            before = None
            if skipped is not None:
                before = level.items[skipped], level.exposure[skipped]
            level.items = level.items * level.keep + bounded
            level.exposure = level.exposure * level.keep + exposed
            if skipped is not None and before is not None:
                level.items[skipped], level.exposure[skipped] = before
            evidence = level.items + PRIOR_DAYS * self._independent_rate(level)
            _push(level.rate, evidence / (level.exposure + PRIOR_DAYS), WINDOW_DAYS)
            _push(level.evidence, np.maximum(evidence, 0.05), WINDOW_DAYS)
        share = np.minimum(self._share.ratio, 1.0)
        steady, quick = self._steady.rate[-1], self._quick.rate[-1]
        variance = (1.0 - share**2) / self._steady.evidence[-1]
        # The quick level's items are a part of the steady one's.
        variance += share**2 / self._quick.evidence[-1]
        _push(self._level, steady + share * (quick - steady), WINDOW_DAYS)
        _push(self._evidence, 1.0 / variance, WINDOW_DAYS)

    def _independent_rate(self, level: _Level) -> Floats:
        """Return the rate of each cell if regions and categories were independent, (N,)."""
        items = level.items
        of_region = np.bincount(self._region, items)[self._region]
        by_kind = np.bincount(self._kind, items, self._kinds.size)
        of_tier = np.maximum(np.bincount(self._kinds, by_kind), 1.0)[self._kinds]
        share = of_region * (by_kind / of_tier)[self._kind]
        return np.asarray((share + 0.02) / (level.exposure + 1.0))


def _turned(values: Floats) -> Floats:
    """Return (N, T) as (T, N), moved in blocks that stay in the processor's cache."""
    turned = np.empty(values.shape[::-1])
    for start in range(0, len(values), _BLOCK_ROWS):
        turned[:, start : start + _BLOCK_ROWS] = values[start : start + _BLOCK_ROWS].T
    return turned


def _push(ring: list[Floats], value: Floats, size: int) -> None:
    ring.append(value)
    if len(ring) > size:
        ring.pop(0)


def _window_sums(values: Floats) -> Floats:
    """Return the sum of each day and the six before it, (C, T)."""
    sums = values.cumsum(axis=1)
    sums[:, WINDOW_DAYS:] -= sums[:, :-WINDOW_DAYS].copy()
    return sums
