"""Streams rows of counts out of PostgreSQL by binary COPY straight into arrays.

Every selected row has the same width, so a stream of them is an array as it arrives: no row ever
becomes a Python object.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncConnection

from heed_warning.adapters.count_memory import BUCKETS, DAY_BITS, Rows
from heed_warning.domain.counts import REVERTING

_REVERTING = ", ".join(str(int(measure)) for measure in sorted(REVERTING))
_CELL = "region_code || category_code"


def _kind_day(day: str) -> str:
    """Return measure, bucket and day as one number: every column sent costs a tenth of the time."""
    kind = f"(measure * {BUCKETS} + bucket)"
    return f"({kind} << {DAY_BITS}) + ({day} - DATE '2000-01-01')"


# What live counts are taken back of says nothing about a past day; that is read from their log.
_SUMS = f"""
SELECT {_CELL}, {_kind_day("day")},
       (recorded + CASE WHEN measure IN ({_REVERTING}) THEN 0 ELSE live END)::bigint
FROM cell_day
WHERE measure <> 10 AND day BETWEEN $1 AND $2
"""
CHANGED_SUMS = _SUMS + " AND changed >= $3::text::xid8"
"""Rows of the days $1 to $2 changed since a horizon; suggestions (10) are never read."""
ALL_SUMS = _SUMS
"""All rows of the days $1 to $2."""
PAGES_IN_PART = 1 << 14
"""128 megabytes of the table: a second of reading, so no statement runs into its limit however busy
the machine is."""
_PAGES = "SELECT pg_relation_size('cell_day') / current_setting('block_size')::bigint AS pages"
REVERTING_LOG = f"""
SELECT {_CELL}, {_kind_day("received_day")}, sum(delta)::bigint,
       ((recorded_at AT TIME ZONE 'Asia/Shanghai')::date - DATE '2000-01-01')::integer AS known_day
FROM cell_delta
WHERE measure IN ({_REVERTING}) AND received_day BETWEEN $1 AND $2 AND recorded_at < $3
GROUP BY region_code, category_code, measure, bucket, received_day, known_day
HAVING sum(delta) <> 0
"""
"""Counts that may be taken back, of days $1 to $2, known before $3, by the day they were known."""
_HEADER_BYTES = 19
_PART_BYTES = 8 << 20
_SUM_FIELDS = (("cell", "S8"), ("kind_day", ">i4"), ("count", ">i8"))
_LOG_FIELDS = (*_SUM_FIELDS, ("known_day", ">i4"))


async def parts_of_table(connection: AsyncConnection) -> list[str]:
    """Return queries that together select all rows of the days $1 to $2, part by part.

    Parts read in transactions of their own may miss a row that is changed meanwhile, and moves.
    """
    pages = (await connection.exec_driver_sql(_PAGES)).scalar_one()
    starts = range(0, max(int(pages), 1), PAGES_IN_PART)
    return [
        f"{_SUMS} AND ctid >= '({start},0)'"
        + (f" AND ctid < '({start + PAGES_IN_PART},0)'" if start != starts[-1] else "")
        for start in starts
    ]


async def stream_sums(
    connection: AsyncConnection, take: Callable[[Rows], None], query: str, *arguments: object
) -> None:
    """Hand over what CHANGED_SUMS or ALL_SUMS select, part by part, in the open transaction."""
    await _stream(connection, lambda table: take(_rows(table)), query, arguments, _SUM_FIELDS)


async def stream_log(
    connection: AsyncConnection, *arguments: object
) -> tuple[Rows, NDArray[np.int64]]:
    """Return what REVERTING_LOG selects, and the day on which each row became known."""
    parts = [np.zeros(0, _row_type(_LOG_FIELDS))]
    await _stream(connection, parts.append, REVERTING_LOG, arguments, _LOG_FIELDS)
    table = np.concatenate(parts)
    return _rows(table), table["known_day"].astype(np.int64)


def _rows(table: NDArray[Any]) -> Rows:
    kind_day = table["kind_day"].astype(np.int64)
    return Rows(
        cell=np.ascontiguousarray(table["cell"]),
        kind=kind_day >> DAY_BITS,
        day=kind_day & ((1 << DAY_BITS) - 1),
        count=table["count"].astype(np.float64),
    )


async def _stream(
    connection: AsyncConnection,
    take: Callable[[NDArray[Any]], None],
    query: str,
    arguments: Sequence[object],
    fields: Sequence[tuple[str, str]],
) -> None:
    """Hand the rows of a query over, in parts of whole rows and some megabytes."""
    row, held = _row_type(fields), [b""]
    skipped = size = 0  # bytes of the header seen so far, and bytes held

    async def hear(data: bytes) -> None:
        nonlocal skipped, size
        header = min(_HEADER_BYTES - skipped, len(data))
        skipped += header
        held.append(data[header:])
        size += len(data) - header
        if size >= _PART_BYTES:
            held[:] = [_given(held, row, take)]
            size = len(held[0])

    driver: Any = (await connection.get_raw_connection()).driver_connection
    await driver.copy_from_query(query, *arguments, output=hear, format="binary")
    _given(held, row, take)


def _given(held: list[bytes], row: np.dtype[Any], take: Callable[[NDArray[Any]], None]) -> bytes:
    """Hand over the whole rows and return the rest; the trailer is shorter than any row."""
    data = b"".join(held)
    whole = len(data) // row.itemsize
    if whole:
        take(np.frombuffer(data, row, whole))
    return data[whole * row.itemsize :]


def _row_type(fields: Sequence[tuple[str, str]]) -> np.dtype[Any]:
    """Return the layout of a row: its number of columns, then each column after its length."""
    offsets, at = [], 2
    for _, form in fields:
        offsets.append(at + 4)
        at += 4 + np.dtype(form).itemsize
    return np.dtype(
        {
            "names": [name for name, _ in fields],
            "formats": [form for _, form in fields],
            "offsets": offsets,
            "itemsize": at,
        }
    )
