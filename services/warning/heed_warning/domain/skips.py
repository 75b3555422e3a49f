"""Days that a judged warning explains: left out of what is thought usual (剔除日).

Where a person confirmed or explained a warning, the days of its life say nothing about the cell's
ordinary level: yesterday's outbreak must not raise tomorrow's threshold. A rise that lasts longer
than eight weeks is the new ordinary, so no warning takes out more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from heed_warning.domain.panel import Booleans, Cell, Ints

MOST_SKIPPED_DAYS = 56


@dataclass(frozen=True)
class Skip:
    """The days of one cell that are left out."""

    cell: Cell
    first: date
    last: date
    confirmed: bool = True
    """Whether the problem was real, and not a campaign, a new channel or data."""


def skip_of(
    cell: Cell, first_exceeded_on: date, ended_on: date, window_days: int, *, confirmed: bool
) -> Skip:
    """Return the days that a warning's windows held, at most MOST_SKIPPED_DAYS."""
    first = first_exceeded_on - timedelta(days=window_days - 1)
    last = min(ended_on, first + timedelta(days=MOST_SKIPPED_DAYS - 1))
    return Skip(cell, first, last, confirmed)


def skipped_rows(skips: Sequence[Skip], cells: Sequence[Cell], first_day: date) -> dict[int, Ints]:
    """Return the rows to leave out on each day number that has any."""
    row_of = {cell: row for row, cell in enumerate(cells)} if skips else {}
    rows: dict[int, set[int]] = {}
    for skip in skips:
        row = row_of.get(skip.cell)
        if row is not None:
            start = (skip.first - first_day).days
            for day in range(max(start, 0), (skip.last - first_day).days + 1):
                rows.setdefault(day, set()).add(row)
    return {day: np.array(sorted(found)) for day, found in rows.items()}


def skip_mask(by_day: Mapping[int, Ints], cells: int, days: int) -> Booleans:
    """Return which days of which cells are left out, (N, T)."""
    mask = np.zeros((cells, days), dtype=np.bool_)
    for day, rows in by_day.items():
        if day < days:
            mask[rows, day] = True
    return mask
