"""One warning per matter and place: a parent is silent about what its children explain.

A rise in one county also lifts its city and its province. Where children exceed themselves, their
excess over what was foreseen is taken off the parent's count; a parent that then no longer reaches
a level does not warn. A rise spread over many counties, none of which exceeds alone, explains
nothing away, so the city warns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from heed_warning.domain.panel import CITY, COUNTY, Cell, Floats, Ints

NO_PARENT = -1


def parent_rows(cells: Sequence[Cell], ancestors: Callable[[str], Sequence[str]]) -> Ints:
    """Return for each cell the row of its nearest ancestor with the same category, or -1, (N,)."""
    row_of = {cell: row for row, cell in enumerate(cells)}
    rows = np.full(len(cells), NO_PARENT, dtype=np.int64)
    for row, cell in enumerate(cells):
        for region in ancestors(cell.region):
            parent = row_of.get(Cell(region, cell.category))
            if parent is not None:
                rows[row] = parent
                break
    return rows


def explained_excess(
    levels: Ints, parents: Ints, excess: Floats, warns: NDArray[np.bool_]
) -> Floats:
    """Return the items of each cell that lie in cells below it which warn themselves, (N,).

    Args:
        levels: Region level of each cell, (N,).
        parents: Row of each cell's parent, (N,).
        excess: Observed minus foreseen items, (N,).
        warns: Whether a cell exceeds itself, (N,).
    """
    explained = np.zeros_like(excess)
    for level in (COUNTY, CITY):
        rows = np.flatnonzero((levels == level) & (parents != NO_PARENT))
        own = np.where(warns[rows], np.maximum(excess[rows], 0.0), 0.0)
        np.add.at(explained, parents[rows], np.maximum(own, explained[rows]))
    return explained


def explaining_children(row: int, parents: Ints, warns: NDArray[np.bool_]) -> list[int]:
    """Return the nearest rows below a cell that warn themselves."""
    found: list[int] = []
    for child in np.flatnonzero(parents == row):
        found += [int(child)] if warns[child] else explaining_children(int(child), parents, warns)
    return found
