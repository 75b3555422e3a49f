"""Which small counts are hidden, so that nobody can tell who is behind them, nor by subtraction.

Counts above 0 and below the smallest that is shown are hidden (primary). Where sums are shown too,
a lone hidden count would follow from the others, so a second one is hidden with it (complementary,
after the Handbook on Statistical Disclosure Control, chapter 4). Published figures are rounded to 5
besides, so that sums give nothing away either.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from heed_warning.domain.panel import Booleans, Ints

SHOWN_INSIDE = 5
"""Smallest count that officers see."""
SHOWN_TO_ALL = 10
"""Smallest count that is published."""
ROUNDED_TO = 5
_NOT_THERE = np.iinfo(np.int64).max

Line = NDArray[np.intp]
"""Rows of a sum and of all its parts: of a region and of the regions directly below it."""


def lines_of(parents: Mapping[str, str], places: Sequence[str]) -> list[Line]:
    """Return the lines of a tree of regions, the sum of each first.

    Args:
        parents: The region directly above each region.
        places: Regions in the order of the rows.
    """
    row = {place: number for number, place in enumerate(places)}
    below: dict[str, list[int]] = {}
    for place in places:
        parent = parents.get(place, "")
        if parent in row:
            below.setdefault(parent, []).append(row[place])
    return [np.array([row[parent], *parts], dtype=np.intp) for parent, parts in below.items()]


def hidden(counts: Ints, lines: Sequence[Line], smallest: int) -> Booleans:
    """Say which counts are hidden.

    Args:
        counts: Counts from 0 on, (N, T); each column is protected by itself.
        lines: Rows that add up, the sum first; a row may be part of several.
        smallest: Smallest count above 0 that is shown.

    Returns:
        What is hidden, (N, T). In every column each line has no hidden count or at least two; zeros
        are never hidden, for they are nobody.
    """
    return _completed(counts, (counts > 0) & (counts < smallest), lines)


def _completed(counts: Ints, covered: Booleans, lines: Sequence[Line]) -> Booleans:
    """Hide more until no line has a lone hidden count."""
    covered = covered.copy()
    changed = True
    while changed:
        changed = False
        for line in lines:
            more = _second(counts[line], covered[line])
            if more.any():
                covered[line] |= more
                changed = True
    return covered


def _second(counts: Ints, covered: Booleans) -> Booleans:
    """Return what must be hidden besides a lone hidden count: the smallest other one, (L, T)."""
    alone = covered.sum(axis=0) == 1
    others = np.where((counts > 0) & ~covered, counts, _NOT_THERE)
    second = others.argmin(axis=0)
    columns = np.flatnonzero(alone & (others.min(axis=0) < _NOT_THERE))
    chosen: Booleans = np.zeros_like(covered)
    chosen[second[columns], columns] = True
    return chosen


def hidden_in_table(counts: Ints, smallest: int) -> Booleans:
    """Say which counts of a table with sums are hidden.

    Args:
        counts: Counts, (R + 1, C + 1): the last row and column are the sums.
        smallest: Smallest count above 0 that is shown.

    Returns:
        What is hidden, of the same shape: no hidden count follows from the sums of its row and
        column, nor from any chain of them.
    """
    rows, columns = counts.shape
    cells = np.arange(rows * columns, dtype=np.intp).reshape(rows, columns)
    lines: list[Line] = [*cells, *cells.T]
    covered: Booleans = (counts > 0) & (counts < smallest)
    while True:
        flat = covered.reshape(-1, 1)
        covered = _completed(counts.reshape(-1, 1), flat, lines).reshape(rows, columns)
        # A count that alone joins two parts of the table follows from their sums.
        more = {found for lone in _bridges(covered) if (found := _across(counts, covered, lone))}
        if not more:
            return covered
        covered[min(more)] = True


def _bridges(covered: Booleans) -> list[tuple[int, int]]:
    """Return hidden counts on no cycle of hidden counts, going along rows and columns in turn.

    Rows and columns are the nodes of a graph, hidden counts its edges; exactly the bridges can be
    computed from the sums.
    """
    edges = [(int(row), int(column)) for row, column in np.argwhere(covered)]
    return [edge for edge in edges if not _joined(edges, edge, covered.shape[0])]


def _joined(edges: Sequence[tuple[int, int]], left_out: tuple[int, int], rows: int) -> bool:
    """Say whether row and column of an edge are joined by the others."""
    return rows + left_out[1] in _reached(edges, left_out, rows)


def _reached(edges: Sequence[tuple[int, int]], left_out: tuple[int, int], rows: int) -> set[int]:
    """Return the nodes joined with the row of an edge by the others; columns follow the rows."""
    near: dict[int, list[int]] = {}
    for row, column in edges:
        if (row, column) != left_out:
            near.setdefault(row, []).append(rows + column)
            near.setdefault(rows + column, []).append(row)
    reached, waiting = {left_out[0]}, [left_out[0]]
    while waiting:
        for node in near.get(waiting.pop(), ()):
            if node not in reached:
                reached.add(node)
                waiting.append(node)
    return reached


def _across(counts: Ints, covered: Booleans, lone: tuple[int, int]) -> tuple[int, int] | None:
    """Return the smallest shown count that also joins the two parts of a bridge; None if none."""
    rows = covered.shape[0]
    edges = [(int(row), int(column)) for row, column in np.argwhere(covered)]
    side = _reached(edges, lone, rows)
    best: tuple[int, tuple[int, int]] | None = None
    for row, column in np.argwhere(~covered & (counts > 0)):
        crosses = (int(row) in side) != (rows + int(column) in side)
        candidate = (int(counts[row, column]), (int(row), int(column)))
        if crosses and (best is None or candidate < best):
            best = candidate
    return best[1] if best else None


def rounded(counts: Ints) -> Ints:
    """Return counts rounded to the nearest multiple of five."""
    result: Ints = (counts + ROUNDED_TO // 2) // ROUNDED_TO * ROUNDED_TO
    return result
