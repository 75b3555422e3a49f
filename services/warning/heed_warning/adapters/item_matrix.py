"""The daily items of all cells as one matrix that grows with what it is given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heed_warning.domain.panel import Cell, Floats

_SPARE_DAYS = 128


class ItemMatrix:
    """Rows are cells, columns are days by number; what was never given is 0."""

    def __init__(self) -> None:
        self._rows: dict[Cell, int] = {}
        self._newest: dict[Cell, int] = {}
        self._first = 0
        self._matrix: Floats = np.zeros((0, 0))

    @property
    def nbytes(self) -> int:
        """Memory that the matrix takes."""
        return self._matrix.nbytes

    def put(self, cell: Cell, days: Sequence[int], counts: Sequence[int]) -> None:
        """Set the items of a cell on some days."""
        row = self._rows.setdefault(cell, len(self._rows))
        self._newest[cell] = max(self._newest.get(cell, days[0]), *days)
        self._grow(len(self._rows), min(days), max(days))
        self._matrix[row, np.array(days) - self._first] = counts

    def forget_before(self, day: int) -> None:
        """Give back the memory of earlier days, once it is worth moving the rest."""
        if day - self._first > _SPARE_DAYS and self._matrix.shape[1]:
            gone = min(day - self._first, self._matrix.shape[1])
            self._matrix, self._first = self._matrix[:, gone:].copy(), self._first + gone

    def between(self, first: int, stop: int) -> tuple[tuple[Cell, ...], Floats]:
        """Return the cells given a count from `first` on, in order, and a copy of those days."""
        cells = tuple(sorted(cell for cell, newest in self._newest.items() if newest >= first))
        counts = np.zeros((len(cells), stop - first))
        left = max(self._first, first)
        right = min(self._first + self._matrix.shape[1], stop)
        if cells and left < right:
            order = [self._rows[cell] for cell in cells]
            known = self._matrix[order, left - self._first : right - self._first]
            counts[:, left - first : right - first] = known
        return cells, counts

    def _grow(self, rows: int, first: int, last: int) -> None:
        """Make room for rows and days, with some to spare."""
        height, width = self._matrix.shape
        start = first if width == 0 else min(first, self._first)
        stop = last + 1 if width == 0 else max(last + 1, self._first + width)
        if rows <= height and start == self._first and stop == self._first + width:
            return
        if width:
            start = start if start == self._first else start - _SPARE_DAYS
            stop = stop if stop == self._first + width else stop + _SPARE_DAYS
        larger = np.zeros((max(rows, height, 2 * height if rows > height else 0), stop - start))
        if width:
            offset = self._first - start
            larger[:height, offset : offset + width] = self._matrix
        self._matrix, self._first = larger, start
