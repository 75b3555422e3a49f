"""Cell counts in PostgreSQL. Every write is one statement over arrays, in the order of the key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from heed_shared.database import Transaction
from heed_warning.domain.counts import REVERTING, CellDay, Delta, RecordedCount
from heed_warning.domain.panel import Cell

_REVERTING = sorted(int(measure) for measure in REVERTING)
_APPEND = """
INSERT INTO cell_delta
    (received_day, recorded_at, region_code, category_code, measure, bucket, delta)
SELECT * FROM unnest($1::date[], $2::timestamptz[], $3::text[], $4::text[], $5::smallint[],
                     $6::smallint[], $7::bigint[])
"""
_ADD_LIVE = """
INSERT INTO cell_day (region_code, category_code, measure, bucket, day, live)
SELECT * FROM unnest($1::text[], $2::text[], $3::smallint[], $4::smallint[], $5::date[],
                     $6::bigint[])
ON CONFLICT (region_code, category_code, measure, bucket, day) DO UPDATE
SET live = cell_day.live + excluded.live, changed = pg_current_xact_id()
"""
_ADD_RECORDED = """
INSERT INTO cell_day (region_code, category_code, measure, bucket, day, recorded)
SELECT * FROM unnest($1::text[], $2::text[], $3::smallint[], $4::smallint[], $5::date[],
                     $6::bigint[])
ON CONFLICT (region_code, category_code, measure, bucket, day) DO UPDATE
SET recorded = cell_day.recorded + excluded.recorded, changed = pg_current_xact_id()
"""
_CLAIM = """
INSERT INTO recorded_source (source, recorded_by) VALUES ($1, $2)
ON CONFLICT (source) DO UPDATE SET source = excluded.source
RETURNING recorded_by
"""
# Two replacements of one source at once would both add their change to the sums.
_LOCK_SOURCE = "SELECT pg_advisory_xact_lock(hashtextextended('heed.warning.' || $1::text, 0))"
_RECORDED = """
SELECT region_code, category_code, measure, day, count AS items
FROM recorded_count
JOIN unnest($2::text[], $3::text[], $4::smallint[], $5::date[])
     AS wanted (region_code, category_code, measure, day)
     USING (region_code, category_code, measure, day)
WHERE source = $1
"""
_REPLACE = """
INSERT INTO recorded_count (source, region_code, category_code, measure, day, count)
SELECT $1::text, * FROM unnest($2::text[], $3::text[], $4::smallint[], $5::date[], $6::bigint[])
ON CONFLICT (source, region_code, category_code, measure, day) DO UPDATE
SET count = excluded.count
"""
_TAKE_AWAY = """
DELETE FROM recorded_count
USING unnest($2::text[], $3::text[], $4::smallint[], $5::date[])
      AS gone (region_code, category_code, measure, day)
WHERE recorded_count.source = $1
  AND recorded_count.region_code = gone.region_code
  AND recorded_count.category_code = gone.category_code
  AND recorded_count.measure = gone.measure
  AND recorded_count.day = gone.day
"""
_SERIES = """
SELECT day, sum(live + recorded)::bigint AS items
FROM cell_day
WHERE region_code = $1 AND category_code = $2 AND measure = $3 AND day BETWEEN $4 AND $5
GROUP BY day
HAVING sum(live + recorded) <> 0
"""
_FAMILY = """
SELECT region_code, category_code, day, sum(live + recorded)::bigint AS items
FROM cell_day
WHERE region_code >= $1 AND region_code < $1 || '~' AND ($2 = '' OR category_code = $2)
  AND measure = $3 AND day BETWEEN $4 AND $5
GROUP BY region_code, category_code, day
HAVING sum(live + recorded) > 0
"""
_LATER = """
SELECT region_code, category_code, measure, bucket, received_day, sum(delta)::bigint AS delta
FROM cell_delta
WHERE recorded_at >= $1 AND received_day <= $2 AND measure <> ALL($3::smallint[])
GROUP BY region_code, category_code, measure, bucket, received_day
HAVING sum(delta) <> 0
"""
# What is withdrawn stays written, with its opposite beside it at the same time: no day's sum that
# was ever true becomes another.
_WITHDRAW = """
INSERT INTO cell_delta
    (received_day, recorded_at, region_code, category_code, measure, bucket, delta)
SELECT received_day, recorded_at, region_code, category_code, measure, bucket, -sum(delta)
FROM cell_delta
WHERE measure = ANY($1::smallint[])
GROUP BY received_day, recorded_at, region_code, category_code, measure, bucket
HAVING sum(delta) <> 0
"""
_EMPTY_LIVE = """
UPDATE cell_day SET live = 0, changed = pg_current_xact_id()
WHERE measure = ANY($1::smallint[]) AND live <> 0
"""


class PostgresCounts:
    """Implements the port Counts."""

    async def add(
        self, tx: Transaction, deltas: Sequence[Delta], sums: Sequence[tuple[CellDay, int]]
    ) -> None:
        """Append signed counts and add their sums."""
        if deltas:
            await tx.connection.exec_driver_sql(_APPEND, _delta_columns(deltas))
        if sums:
            await tx.connection.exec_driver_sql(_ADD_LIVE, _sum_columns(sums))

    async def withdraw(self, tx: Transaction, measures: Sequence[int]) -> None:
        """Take back every signed count of some measures, by opposite counts."""
        await tx.connection.exec_driver_sql(_WITHDRAW, (list(measures),))
        await tx.connection.exec_driver_sql(_EMPTY_LIVE, (list(measures),))

    async def claim(self, tx: Transaction, source: str, caller: str) -> bool:
        """Make a source its first caller's; say whether it is this caller's."""
        row = await tx.connection.exec_driver_sql(_CLAIM, (source, caller))
        return bool(row.scalar_one() == caller)

    async def recorded(
        self, tx: Transaction, source: str, keys: Sequence[CellDay]
    ) -> dict[CellDay, int]:
        """Return what a source has recorded, locked until the end of the transaction."""
        await tx.connection.exec_driver_sql(_LOCK_SOURCE, (source,))
        columns = (
            source,
            [key.region for key in keys],
            [key.category for key in keys],
            [key.measure for key in keys],
            [key.day for key in keys],
        )
        rows = await tx.connection.exec_driver_sql(_RECORDED, columns)
        return {
            CellDay(row.region_code, row.category_code, row.measure, 0, row.day): row.items
            for row in rows
        }

    async def replace(
        self,
        tx: Transaction,
        source: str,
        counts: Sequence[RecordedCount],
        changes: Sequence[tuple[CellDay, int]],
    ) -> None:
        """Replace a source's counts and add what that changes to the sums."""
        kept = [count for count in counts if count.count]
        gone = [count for count in counts if not count.count]
        if kept:
            columns = (*_recorded_columns(source, kept), [count.count for count in kept])
            await tx.connection.exec_driver_sql(_REPLACE, columns)
        if gone:
            await tx.connection.exec_driver_sql(_TAKE_AWAY, _recorded_columns(source, gone))
        if changes:
            await tx.connection.exec_driver_sql(_ADD_RECORDED, _sum_columns(changes))

    async def series(
        self, connection: AsyncConnection, cell: Cell, measure: int, first: date, last: date
    ) -> dict[date, int]:
        """Return the counts other than 0 of one cell."""
        wanted = (cell.region, cell.category, measure, first, last)
        rows = await connection.exec_driver_sql(_SERIES, wanted)
        return {row.day: row.items for row in rows}

    async def around(
        self,
        connection: AsyncConnection,
        region_prefix: str,
        category: str,
        measure: int,
        first: date,
        last: date,
    ) -> list[tuple[Cell, date, int]]:
        """Return the counts above 0 of all regions with a prefix; an empty category means all."""
        wanted = (region_prefix, category, measure, first, last)
        rows = await connection.exec_driver_sql(_FAMILY, wanted)
        return [(Cell(r.region_code, r.category_code), r.day, r.items) for r in rows]

    async def later_than(
        self, connection: AsyncConnection, moment: datetime, last: date
    ) -> list[tuple[CellDay, int]]:
        """Return counts of days up to `last` that were recorded at or after a moment.

        Those of measures that are taken back are not among them: evidence reads what each day knew
        of them.
        """
        rows = await connection.exec_driver_sql(_LATER, (moment, last, _REVERTING))
        return [(_cell_day(row), row.delta) for row in rows]


def _cell_day(row: Any) -> CellDay:
    return CellDay(row.region_code, row.category_code, row.measure, row.bucket, row.received_day)


def _delta_columns(deltas: Sequence[Delta]) -> tuple[list[object], ...]:
    return (
        [delta.received_day for delta in deltas],
        [delta.recorded_at for delta in deltas],
        [delta.region for delta in deltas],
        [delta.category for delta in deltas],
        [delta.measure for delta in deltas],
        [delta.bucket for delta in deltas],
        [delta.delta for delta in deltas],
    )


def _sum_columns(sums: Sequence[tuple[CellDay, int]]) -> tuple[list[object], ...]:
    return (
        [key.region for key, _ in sums],
        [key.category for key, _ in sums],
        [key.measure for key, _ in sums],
        [key.bucket for key, _ in sums],
        [key.day for key, _ in sums],
        [count for _, count in sums],
    )


def _recorded_columns(
    source: str, counts: Sequence[RecordedCount]
) -> tuple[str, list[str], list[str], list[int], list[date]]:
    return (
        source,
        [count.region for count in counts],
        [count.category for count in counts],
        [count.measure for count in counts],
        [count.day for count in counts],
    )
