"""Daily counts of all cells and measures, in memory, as sorted numbers.

A count is one 64-bit key (measure and bucket, cell, day) beside its value: sixteen bytes, whatever
the number of days without any. Reading a measure is a slice, and laying it out by day or by week is
one pass of numpy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heed_warning.domain.panel import Cell, Floats, Ints

_DAY_BITS = 17
_CELL_BITS = 24
_DAYS = 1 << _DAY_BITS
_CELLS = 1 << _CELL_BITS
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


class CountMemory:
    """What was never given is 0; what is given again replaces what was there."""

    def __init__(self) -> None:
        self.cells: list[Cell] = []
        """The cells by number, in the order in which they came."""
        self._sorted: NDArray[np.uint64] = np.zeros(0, dtype=np.uint64)
        self._number: Ints = np.zeros(0, dtype=np.int64)
        """Number of the cell with each sorted code."""
        self._keys: Ints = np.zeros(0, dtype=np.int64)
        self._counts: Floats = np.zeros(0)
        self._first = -1
        self._taken: list[tuple[Ints, Floats]] = []

    @property
    def nbytes(self) -> int:
        """Memory that the counts take."""
        return self._keys.nbytes + self._counts.nbytes

    def take(self, rows: Rows) -> None:
        """Take a part of what is read; `settle` makes the parts known together."""
        if len(rows.day):
            keys = (rows.kind << (_CELL_BITS + _DAY_BITS)) | (self._numbers(rows.cell) << _DAY_BITS)
            self._taken.append((keys | rows.day, rows.count))

    def settle(self) -> None:
        """Replace what was there by what was taken; of one count taken twice the later stays."""
        if not self._taken:
            return
        keys, counts = (np.concatenate(parts) for parts in zip(*self._taken, strict=True))
        self._taken = []
        order = np.argsort(keys)
        if (np.diff(keys[order]) == 0).any():  # a read that broke off was made again: rare
            order = np.argsort(keys, kind="stable")
            order = order[np.append(np.diff(keys[order]) != 0, True)]
        keys, counts = keys[order], counts[order]
        place = np.searchsorted(self._keys, keys)
        there = np.zeros(len(keys), dtype=np.bool_)
        inside = place < len(self._keys)
        there[inside] = self._keys[place[inside]] == keys[inside]
        self._counts[place[there]] = counts[there]
        if not len(self._keys):
            self._keys, self._counts = keys, counts
        elif not there.all():
            self._keys = np.insert(self._keys, place[~there], keys[~there])
            self._counts = np.insert(self._counts, place[~there], counts[~there])

    def forget_before(self, day: int) -> None:
        """Give back the memory of earlier days, once it is worth moving the rest."""
        if day - self._first > _SPARE_DAYS:
            keep = (self._keys & (_DAYS - 1)) >= day
            if not keep.all():
                self._keys, self._counts = self._keys[keep], self._counts[keep]
            self._first = day

    def of_kinds(self, first: int, stop: int) -> tuple[Ints, Ints, Ints, Floats]:
        """Return kind, cell number, day and count of the kinds first .. stop-1, in that order."""
        low, high = np.searchsorted(self._keys, [kind << (_CELL_BITS + _DAY_BITS)
                                                 for kind in (first, stop)])  # fmt: skip
        keys = self._keys[low:high]
        kind = keys >> (_CELL_BITS + _DAY_BITS)
        return kind, (keys >> _DAY_BITS) & (_CELLS - 1), keys & (_DAYS - 1), self._counts[low:high]

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
