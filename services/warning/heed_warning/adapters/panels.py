"""All cells' daily items in memory, brought up to date from the database before each use.

Each use reads only rows that changed since the last one: those whose transaction was not yet over
when the last read took its horizon. That holds whichever replica wrote them, so the memory needs no
message to stay right. Reading everything anew took 90 ms for a year of 170 cells; this takes 3.

Only the days that models use are read, so no single day far off, however it got into the tables,
takes memory for all the days between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import date, timedelta

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from heed_shared.clock import day_end
from heed_shared.database import Database
from heed_warning.adapters.item_matrix import ItemMatrix
from heed_warning.application.ports import Counts
from heed_warning.domain.counts import ITEMS, Above, CellDay, rolled_up
from heed_warning.domain.panel import Cell, Floats, Panel

_FIRST_HORIZON = "0"
_HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS horizon"
_ROWS = """
SELECT region_code, category_code,
       array_agg(day - DATE '2000-01-01') AS days, array_agg(live + recorded) AS counts
FROM cell_day
WHERE measure = $1 AND bucket = 0 AND day BETWEEN $2 AND $3 {}
GROUP BY region_code, category_code
"""
_CHANGED = _ROWS.format("AND changed >= $4::text::xid8")
_ANY = _ROWS.format("")
_DAY_ZERO = date(2000, 1, 1)
LONGEST_HISTORY_DAYS = 1500
"""Older days are left out of what models see; the level forgets them anyway."""


class _Memory:
    """What has been read so far: rows of days up to `last`, as of `horizon`."""

    def __init__(self) -> None:
        self.items = ItemMatrix()
        self.horizon = _FIRST_HORIZON
        self.last: date | None = None


class PostgresPanels:
    """Implements the port Panels."""

    def __init__(
        self, database: Database, counts: Counts, level: Callable[[str], int], above: Above
    ) -> None:
        self._database = database
        self._counts = counts
        self._level = level
        self._above = above
        self._lock = asyncio.Lock()
        self._memory = _Memory()

    async def latest(self, last: date) -> Panel:
        """Return the items of every cell up to a day, as they were known at its end.

        What was recorded later about those days is taken off again. An earlier day than the latest
        asked for is read anew: it needs days that the memory may have given back.
        """
        async with self._lock, self._database.engine.connect() as connection:
            # One snapshot: what is taken off again must have been put in.
            await connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            older = self._memory.last is not None and last < self._memory.last
            memory = _Memory() if older else self._memory
            await _read(connection, memory, last)
            later = await self._counts.later_than(connection, day_end(last), last)
            stop = _number(last) + 1
            cells, counts = memory.items.between(stop - LONGEST_HISTORY_DAYS, stop)
        _take_off(rolled_up(later, self._above), cells, counts, last)
        return self._panel(cells, counts, last)

    def _panel(self, cells: tuple[Cell, ...], counts: Floats, last: date) -> Panel:
        """Return a panel that begins with the first day known to have an item."""
        filled = np.flatnonzero(counts.any(axis=0))
        counts = counts[:, filled[0] if len(filled) else counts.shape[1] :].copy()
        return Panel(
            cells=cells,
            levels=np.array([self._level(cell.region) for cell in cells], dtype=np.int64),
            first_day=last - timedelta(days=counts.shape[1] - 1),
            counts=counts,
            started=_starts([cell.region for cell in cells], counts),
        )


async def _read(connection: AsyncConnection, memory: _Memory, last: date) -> None:
    """Read what changed, and of days that come in newly everything."""
    first = _first_day(last)
    horizon = (await connection.exec_driver_sql(_HORIZON)).scalar_one()
    queries: list[tuple[str, tuple[object, ...]]] = [
        (_CHANGED, (ITEMS, first, last, memory.horizon))
    ]
    if memory.last is not None and last > memory.last:
        queries.append((_ANY, (ITEMS, max(memory.last + timedelta(days=1), first), last)))
    for query, arguments in queries:
        for row in await connection.exec_driver_sql(query, arguments):
            memory.items.put(Cell(row.region_code, row.category_code), row.days, row.counts)
    memory.items.forget_before(_number(first))
    memory.horizon, memory.last = horizon, last


def _number(day: date) -> int:
    return (day - _DAY_ZERO).days


def _first_day(last: date) -> date:
    """Return the first day that models use when the last is known."""
    return last - timedelta(days=LONGEST_HISTORY_DAYS - 1)


def _take_off(
    later: Iterable[tuple[CellDay, int]], cells: tuple[Cell, ...], counts: Floats, last: date
) -> None:
    """Take items off in place that were recorded later."""
    row_of = {cell: row for row, cell in enumerate(cells)}
    first = _first_day(last)
    for key, count in later:
        row = row_of.get(Cell(key.region, key.category))  # none where the regions changed since
        if row is not None and key.day >= first:
            counts[row, (key.day - first).days] -= count
    # A correction may come before what it corrects: two cells, two shards, no common order.
    np.maximum(counts, 0.0, out=counts)


def _starts(regions: list[str], counts: Floats) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return for each cell the first day on which its region counted anything, (N,)."""
    numbers = np.unique(regions, return_inverse=True)[1] if regions else np.zeros(0, dtype=int)
    any_item = counts > 0
    days = counts.shape[1]
    first = np.where(any_item.any(axis=1), any_item.argmax(axis=1), days) if days else None
    starts = np.full(int(numbers.max(initial=-1)) + 1, days)
    if first is not None:
        np.minimum.at(starts, numbers, first)
    return np.asarray(starts[numbers], dtype=np.int64)
