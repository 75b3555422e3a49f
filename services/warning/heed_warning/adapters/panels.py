"""All cells' daily counts in memory, brought up to date from the database before each use.

Each use reads only rows that changed since the last one: those whose transaction was not yet over
when the last read took its horizon. That holds whichever replica wrote them, so the memory needs no
message to stay right.

Only the days that models use are read, so no single day far off, however it got into the tables,
takes memory for all the days between.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from heed_shared.clock import day_end
from heed_shared.database import Database
from heed_warning.adapters.count_memory import BUCKETS, CountMemory, Rows
from heed_warning.adapters.count_stream import (
    ALL_SUMS,
    CHANGED_SUMS,
    parts_of_table,
    stream_log,
    stream_sums,
)
from heed_warning.adapters.evidence_entries import entries_of
from heed_warning.application.ports import Counts
from heed_warning.domain.counts import ITEMS, Above, CellDay, rolled_up
from heed_warning.domain.evidence import Evidence, weekly_sums
from heed_warning.domain.inhibition import parent_rows
from heed_warning.domain.panel import Cell, Floats, Ints, Panel

_FIRST_HORIZON = "0"
_READERS = 2
_HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS horizon"
_DAY_ZERO = date(2000, 1, 1)
LONGEST_HISTORY_DAYS = 1500
"""Older days are left out of what models see; the level forgets them anyway."""


class _Memory:
    """What has been read so far: rows of days up to `last`, as of `horizon`."""

    def __init__(self) -> None:
        self.counts = CountMemory()
        self.horizon = _FIRST_HORIZON
        self.last: date | None = None
        self.changes = 0

    def take(self, rows: Rows) -> None:
        """Take a part of what is read."""
        self.changes += 1
        self.counts.take(rows)


@dataclass(frozen=True)
class _Basis:
    """Everything that an answer rests on."""

    memory: _Memory
    changes: int
    last: date
    later: Sequence[tuple[CellDay, int]]
    log: tuple[Rows, Ints]

    def same(self, other: _Basis) -> bool:
        """Say whether an answer on another basis is the answer on this one."""
        mine, theirs = (
            [one.log[0].cell, one.log[0].kind, one.log[0].day, one.log[0].count, one.log[1]]
            for one in (self, other)
        )
        return (
            self.memory is other.memory
            and (self.changes, self.last) == (other.changes, other.last)
            and self.later == other.later
            and all(map(np.array_equal, mine, theirs))
        )


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
        self._told: tuple[_Basis, tuple[Panel, Evidence]] | None = None

    async def latest(self, last: date) -> Panel:
        """Return the items of every cell up to a day, as they were known at its end.

        What was recorded later about those days is taken off again. An earlier day than the latest
        asked for is read anew: it needs days that the memory may have given back.
        """
        async with self._lock:
            memory = await self._loaded(last)
            async with self._snapshot() as connection:
                await _read(connection, memory, last)
                later = await self._counts.later_than(connection, day_end(last), last)
            return await asyncio.to_thread(self._panel, memory.counts, later, last)

    async def evidence(self, last: date) -> tuple[Panel, Evidence]:
        """Return the items of every cell and what indicators read beside them, as known then.

        What was told last is told again where everything that it rests on is as it was.
        """
        async with self._lock:
            memory = await self._loaded(last)
            async with self._snapshot() as connection:
                await _read(connection, memory, last)
                later = await self._counts.later_than(connection, day_end(last), last)
                log = await stream_log(connection, _first_day(last), last, day_end(last))
            basis = _Basis(memory, memory.changes, last, later, log)
            if self._told is None or not basis.same(self._told[0]):
                self._told = None  # its memory is given back before the next one is made
                found = await asyncio.to_thread(self._evidence, memory.counts, later, log, last)
                self._told = basis, found
            return self._told[1]

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[AsyncConnection]:
        """One snapshot: what is taken off again must have been put in."""
        async with self._database.engine.connect() as connection:
            await connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            yield connection

    async def _loaded(self, last: date) -> _Memory:
        """Return the memory, with what the tables hold when it is new.

        A new one is filled by parts of the table, two at a time and each in a short transaction of
        its own; what changes meanwhile is read as any change is.
        """
        older = self._memory.last is not None and last < self._memory.last
        if self._memory.last is not None and not older:
            return self._memory
        memory = _Memory()
        async with self._snapshot() as connection:
            memory.horizon = (await connection.exec_driver_sql(_HORIZON)).scalar_one()
            queries = await parts_of_table(connection)
        free = asyncio.Semaphore(_READERS)

        async def load(query: str) -> None:
            async with free, self._snapshot() as connection:
                await stream_sums(connection, memory.take, query, _first_day(last), last)

        async with asyncio.TaskGroup() as tasks:
            for query in queries:
                tasks.create_task(load(query))
        await asyncio.to_thread(memory.counts.settle)
        memory.last = last
        if not older:
            self._memory = memory
        return memory

    def _evidence(
        self,
        memory: CountMemory,
        later: Sequence[tuple[CellDay, int]],
        log: tuple[Rows, Ints],
        last: date,
    ) -> tuple[Panel, Evidence]:
        panel = self._panel(memory, later, last)
        counted = panel.after_silence()
        rolled = rolled_up(later, self._above)
        entries = entries_of(memory, panel.cells, _number(last), rolled, log, self._above)
        return panel, Evidence(
            cells=panel.cells,
            levels=panel.levels,
            parents=parent_rows(panel.cells, self._above),
            history_days=counted.history_days(),
            weekly=weekly_sums(counted.counts),
            entries=entries,
        )

    def _panel(
        self, memory: CountMemory, later: Iterable[tuple[CellDay, int]], last: date
    ) -> Panel:
        """Return a panel that begins with the first day known to have an item."""
        cells, counts = _items(memory, last)
        items = ((key, count) for key, count in later if key.measure == ITEMS)
        _take_off(rolled_up(items, self._above), cells, counts, last)
        filled = np.flatnonzero(counts.any(axis=0))
        counts = counts[:, filled[0] if len(filled) else counts.shape[1] :]
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
    await stream_sums(connection, memory.take, CHANGED_SUMS, first, last, memory.horizon)
    await asyncio.to_thread(memory.counts.settle)
    if memory.last is not None and last > memory.last:
        start = max(memory.last + timedelta(days=1), first)
        await stream_sums(connection, memory.take, ALL_SUMS, start, last)
        await asyncio.to_thread(memory.counts.settle)
    memory.counts.forget_before(_number(first))
    memory.horizon, memory.last = horizon, last


def _items(memory: CountMemory, last: date) -> tuple[tuple[Cell, ...], Floats]:
    """Return the cells with an item on the days that models use, in order, and those days."""
    first, stop = _number(_first_day(last)), _number(last) + 1
    nothing = np.zeros(0, dtype=np.int64)
    _, numbers, days, counts = next(
        memory.of_kinds(ITEMS * BUCKETS, ITEMS * BUCKETS + 1), (0, nothing, nothing, np.zeros(0))
    )
    use = (days >= first) & (days < stop)
    numbers, days, counts = numbers[use], days[use], counts[use]
    known = memory.cells
    present = np.unique(numbers).tolist()
    present.sort(key=lambda number: known[number].region + known[number].category)
    row_of = np.full(len(known), -1, dtype=np.int64)
    row_of[present] = np.arange(len(present))
    begin = int(days.min(initial=stop))
    matrix = np.zeros((len(present), stop - begin))
    matrix[row_of[numbers], days - begin] = counts
    return tuple(known[number] for number in present), matrix


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
    first = last - timedelta(days=counts.shape[1] - 1)
    for key, count in later:
        row = row_of.get(Cell(key.region, key.category))  # none where the regions changed since
        if row is not None and key.day >= first:
            counts[row, (key.day - first).days] -= count
    # A correction may come before what it corrects: two cells, two shards, no common order.
    np.maximum(counts, 0.0, out=counts)


def _starts(regions: list[str], counts: Floats) -> Ints:
    """Return for each cell the first day on which its region counted anything, (N,)."""
    numbers = np.unique(regions, return_inverse=True)[1] if regions else np.zeros(0, dtype=int)
    any_item = counts > 0
    days = counts.shape[1]
    first = np.where(any_item.any(axis=1), any_item.argmax(axis=1), days) if days else None
    starts = np.full(int(numbers.max(initial=-1)) + 1, days)
    if first is not None:
        np.minimum.at(starts, numbers, first)
    return np.asarray(starts[numbers], dtype=np.int64)
