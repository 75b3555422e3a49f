"""Daily counts of all cells and measures, in memory, as sorted numbers.

A count is one 64-bit place (cell and day) beside its value: sixteen bytes, whatever the number of
days without any. Each measure and bucket has arrays of its own, so that they are sorted one after
the other and no copy of everything is ever made.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heed_warning.domain.panel import Cell, Floats, Ints

DAY_BITS = 17
_DAYS = 1 << DAY_BITS
_NUMBER_BITS = 63
"""Of a number in an array, without its sign."""
BUCKETS = 100
_SPARE_DAYS = 128

Codes = NDArray[np.bytes_]
"""Region and category code together, eight bytes each."""


@dataclass(frozen=True)
class Rows:
    """Counts as they are read; arrays are (R,)."""

    cell: Codes
    kind: Ints
    """Measure times BUCKETS, plus bucket."""
    day: Ints
    """Days since 2000-01-01."""
    count: Floats


_Sums = tuple[Ints, Floats]
"""Places in order, and the count of each, (R,) both."""


class CountMemory:
    """What was never given is 0; what is given again replaces what was there."""

    def __init__(self) -> None:
        self.cells: list[Cell] = []
        """The cells by number, in the order in which they came."""
        self._sorted: NDArray[np.uint64] = np.zeros(0, dtype=np.uint64)
        self._number: Ints = np.zeros(0, dtype=np.int64)
        """Number of the cell with each sorted code."""
        self._sums: dict[int, _Sums] = {}
        self._first = -1
        self._taken: defaultdict[int, list[_Sums]] = defaultdict(list)

    @property
    def nbytes(self) -> int:
        """Memory that the counts take."""
        return sum(places.nbytes + counts.nbytes for places, counts in self._sums.values())

    def take(self, rows: Rows) -> None:
        """Take a part of what is read; `settle` makes the parts known together."""
        if not len(rows.day):
            return
        kinds, counts = rows.kind.astype(np.int16), rows.count
        places = (self._numbers(rows.cell) << DAY_BITS) | rows.day
        if (kinds[1:] < kinds[:-1]).any():
            order = np.argsort(kinds, kind="stable")
            kinds, places, counts = kinds[order], places[order], counts[order]
        edges = np.flatnonzero(kinds[1:] != kinds[:-1]) + 1
        runs = zip(np.split(places, edges), np.split(counts, edges), strict=True)
        for start, run in zip((0, *edges.tolist()), runs, strict=True):
            self._taken[int(kinds[start])].append(run)

    def settle(self) -> None:
        """Replace what was there by what was taken; of one count taken twice the later stays."""
        taken, self._taken = self._taken, defaultdict(list)
        while taken:
            kind, parts = taken.popitem()
            places, counts = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
            del parts  # given back before the next kind needs as much
            given = _in_order(places, counts)
            known = self._sums.get(kind)
            self._sums[kind] = given if known is None else _replaced(known, given)

    def forget_before(self, day: int) -> None:
        """Give back the memory of earlier days, once it is worth moving the rest."""
        if day - self._first > _SPARE_DAYS:
            for kind, (places, counts) in self._sums.items():
                keep = (places & (_DAYS - 1)) >= day
                if not keep.all():
                    self._sums[kind] = places[keep], counts[keep]
            self._first = day

    def of_kinds(self, first: int, stop: int) -> Iterator[tuple[int, Ints, Ints, Floats]]:
        """Yield each kind from `first` to before `stop` with cell numbers, days and counts.

        The arrays stay as they are: what is taken in later makes new ones.
        """
        for kind in sorted(kind for kind in self._sums if first <= kind < stop):
            places, counts = self._sums[kind]
            yield kind, places >> DAY_BITS, places & (_DAYS - 1), counts

    def _numbers(self, codes: Codes) -> Ints:
        """Return the number of each row's cell; new ones get the next."""
        words = np.ascontiguousarray(codes).view(np.uint64)
        heads = np.flatnonzero(np.append(True, words[1:] != words[:-1]))
        runs = words[heads]
        self._learn(np.unique(runs))
        numbers = self._number[np.searchsorted(self._sorted, runs)]
        return np.repeat(numbers, np.diff(np.append(heads, len(words))))

    def _learn(self, words: NDArray[np.uint64]) -> None:
        new = words[~np.isin(words, self._sorted)]
        if not len(new):
            return
        number = len(self.cells) + np.arange(len(new))
        texts = (code.decode("ascii") for code in new.view("S8").tolist())
        self.cells += [Cell(text[:6], text[6:8]) for text in texts]
        merged = np.concatenate([self._sorted, new])
        order = np.argsort(merged)
        self._sorted = merged[order]
        self._number = np.concatenate([self._number, number])[order]


def _in_order(places: Ints, counts: Floats) -> _Sums:
    """Return counts by place; of several at one place, the last.

    Place and count together are one number wherever they fit into it, since sorting numbers takes
    a fraction of the time of sorting what they point at.
    """
    first, least = places.min(), counts.min()
    bits = _NUMBER_BITS - int(places.max() - first).bit_length()
    if counts.max() - least < 1 << bits:
        packed = places - first
        packed <<= bits
        packed |= (counts - least).astype(np.int64)
        packed.sort()
        found = packed >> bits
        if (found[1:] != found[:-1]).all():
            packed &= (1 << bits) - 1
            return found + first, packed + least
    order = np.argsort(places, kind="stable")  # a read that broke off was made again: rare
    ordered = places[order]
    last = np.append(ordered[1:] != ordered[:-1], True)
    return ordered[last], counts[order][last]


def _replaced(known: _Sums, given: _Sums) -> _Sums:
    """Return what was known with what is given in its place or beside it."""
    (old, old_counts), (places, counts) = known, given
    at = np.searchsorted(old, places)
    there = np.zeros(len(places), dtype=np.bool_)
    inside = at < len(old)
    there[inside] = old[at[inside]] == places[inside]
    merged = old_counts.copy()  # whoever reads the former counts goes on with them
    merged[at[there]] = counts[there]
    if there.all():
        return old, merged
    new = ~there
    return np.insert(old, at[new], places[new]), np.insert(merged, at[new], counts[new])
