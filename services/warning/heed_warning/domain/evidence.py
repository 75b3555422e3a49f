"""What indicators are computed from: counts of many cells, seen from the day of evaluation.

Everything is told in whole weeks back from that day, column 0 being the week that ends on it. A
count that was recorded late, or taken back since, is seen by each past week as it was known then:
otherwise past shares of overdue items would always look better than the present one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from heed_warning.domain.counts import Measure
from heed_warning.domain.inhibition import NO_PARENT
from heed_warning.domain.panel import COUNTY, Booleans, Cell, Floats, Ints

Numbers = NDArray[np.int32]
FOR_EVER = 1 << 30
"""Window, in days, of a stock: what was added stays until it is taken back."""


@dataclass(frozen=True)
class Entries:
    """Signed counts of one measure and bucket; arrays are (E,)."""

    row: Numbers
    """Row of the cell."""
    age: Numbers
    """Days from the day that the count belongs to until the day of evaluation, 0 or more."""
    known_age: Numbers
    """Days from the day on which it became known until the day of evaluation, 0 to `age`."""
    count: Floats


@dataclass(frozen=True)
class Evidence:
    """Counts of N cells as of a closed day."""

    cells: tuple[Cell, ...]
    levels: Ints
    """Region level of each cell, (N,)."""
    parents: Ints
    """Row of the nearest cell above with the same category, or -1, (N,)."""
    history_days: Ints
    """Days for which each cell has been counted, (N,)."""
    weekly: Floats
    """Items of each week, the latest first, (N, W)."""
    entries: Mapping[Measure, Mapping[int, Entries]]
    """The other measures, by bucket."""

    def every_row(self) -> Ints:
        """Return the numbers of all rows, (N,)."""
        return np.arange(len(self.cells))

    def items(self, window_days: int, rows: Ints, ends: int) -> Floats:
        """Return the items of the windows that end 0, 1 ... weeks ago, (n, ends).

        A window that begins before the first known week holds what is known of it.
        """
        weeks = window_days // 7
        wanted = np.zeros((len(rows), ends + weeks - 1))
        known = min(self.weekly.shape[1], ends + weeks - 1)
        wanted[:, :known] = self.weekly[rows, :known]
        sums = wanted[:, :ends].copy()
        for back in range(1, weeks):
            sums += wanted[:, back : back + ends]
        return sums

    def window(
        self, measure: Measure, window_days: int, rows: Ints, ends: int, bucket: int | None = None
    ) -> Floats:
        """Return the count of a measure in the windows that end 0, 1 ... weeks ago, (n, ends)."""
        if measure is Measure.ITEMS:
            return self.items(window_days, rows, ends)
        buckets = self.entries.get(measure, {})
        if bucket is not None:
            buckets = {bucket: buckets[bucket]} if bucket in buckets else {}
        place = np.full(len(self.cells), -1, dtype=np.int64)
        place[rows] = np.arange(len(rows))
        sums = np.zeros((len(rows), ends))
        for given in buckets.values():
            sums += _windows(given, place, window_days, len(rows), ends)
        return np.maximum(sums, 0.0)

    def histogram(
        self, measure: Measure, window_days: int, rows: Ints, ends: int, buckets: int
    ) -> Floats:
        """Return the counts of buckets 1 .. `buckets`, (n, ends, buckets); 0 is read as 1."""
        found = [
            self.window(measure, window_days, rows, ends, bucket)
            for bucket in range(1, buckets + 1)
        ]
        found[0] = found[0] + self.window(measure, window_days, rows, ends, 0)
        return np.stack(found, axis=2)

    def counted(self, measure: Measure) -> Booleans:
        """Say for which cells a measure has ever come in, anywhere in their region, (N,)."""
        if measure is Measure.ITEMS:
            return np.ones(len(self.cells), dtype=np.bool_)
        seen = np.zeros(len(self.cells), dtype=np.bool_)
        for given in self.entries.get(measure, {}).values():
            seen[self._region[given.row]] = True
        return np.asarray(seen[self._region])

    def counted_days(self, measure: Measure) -> Ints:
        """Return for how many days a measure has come in, anywhere in a cell's region, (N,).

        What was before is unknown, not zero: history is often recorded of items alone. The week in
        which it first came in counts as a whole.
        """
        if measure is Measure.ITEMS:
            return self.history_days
        days = np.zeros(len(self.cells), dtype=np.int64)
        for given in self.entries.get(measure, {}).values():
            weeks = given.age.astype(np.int64) // 7 + 1
            np.maximum.at(days, self._region[given.row], 7 * weeks)
        return np.asarray(days[self._region])

    @cached_property
    def _region(self) -> Ints:
        """Number of each cell's region, (N,)."""
        return np.unique([cell.region for cell in self.cells], return_inverse=True)[1]

    def descents(self) -> tuple[Ints, Ints]:
        """Return each pair of a county's row and the row of a city or province above it."""
        child = np.flatnonzero((self.levels == COUNTY) & (self.parents != NO_PARENT))
        above = self.parents[child]
        children, ancestors = [child], [above]
        while len(child):
            keep = self.parents[above] != NO_PARENT
            child, above = child[keep], self.parents[above[keep]]
            children.append(child)
            ancestors.append(above)
        return np.concatenate(children), np.concatenate(ancestors)


def _windows(given: Entries, place: Ints, window_days: int, count: int, ends: int) -> Floats:
    """Return the sums of entries in the windows that end 0, 1 ... weeks ago, (count, ends).

    An entry is in the windows that end on or after the day it became known, and that begin no later
    than the day it belongs to. `place` is the row of each cell in the answer, or -1.
    """
    first = np.maximum(-((window_days - 1 - given.age) // 7), 0)
    last = np.minimum(given.known_age // 7, ends - 1)
    use = (first <= last) & (place[given.row] >= 0)
    at = place[given.row[use]] * (ends + 1)
    size = count * (ends + 1)
    change = np.bincount(at + first[use], given.count[use], size)
    change -= np.bincount(at + last[use] + 1, given.count[use], size)
    return np.asarray(change.reshape(count, ends + 1).cumsum(axis=1)[:, :ends])


def weekly_sums(counts: Floats) -> Floats:
    """Return the sums of the weeks back from the last day, the latest first, (N, W).

    The earliest holds what is known of it.
    """
    cells, days = counts.shape
    weeks = -(-days // 7)
    whole = np.zeros((cells, 7 * weeks))
    whole[:, 7 * weeks - days :] = counts
    return np.ascontiguousarray(whole.reshape(cells, weeks, 7).sum(axis=2)[:, ::-1])
