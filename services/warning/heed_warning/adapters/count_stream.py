"""Streams rows of counts out of PostgreSQL by binary COPY straight into arrays.

Every selected row has the same width, so a stream of them is an array as it arrives: no row ever
becomes a Python object.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncConnection

from heed_warning.adapters.count_memory import BUCKETS, Rows
from heed_warning.domain.counts import REVERTING

_REVERTING = ", ".join(str(int(measure)) for measure in sorted(REVERTING))
_CELL = "(region_code || category_code)::char(8)"
_KIND = f"(measure * {BUCKETS} + bucket)::integer"
# What live counts are taken back of says nothing about a past day; that is read from their log.
_SUMS = f"""
SELECT {_CELL}, {_KIND}, (day - DATE '2000-01-01')::integer,
       (recorded + CASE WHEN measure IN ({_REVERTING}) THEN 0 ELSE live END)::bigint
FROM cell_day
WHERE measure <> 10 AND day BETWEEN $1 AND $2
"""
CHANGED_SUMS = _SUMS + " AND changed >= $3::text::xid8"
"""Rows of the days $1 to $2 changed since a horizon; suggestions (10) are never read."""
ALL_SUMS = _SUMS
"""All rows of the days $1 to $2."""
REVERTING_LOG = f"""
SELECT {_CELL}, {_KIND}, (received_day - DATE '2000-01-01')::integer, sum(delta)::bigint,
       ((recorded_at AT TIME ZONE 'Asia/Shanghai')::date - DATE '2000-01-01')::integer AS known_day
FROM cell_delta
WHERE measure IN ({_REVERTING}) AND received_day BETWEEN $1 AND $2 AND recorded_at < $3
GROUP BY region_code, category_code, measure, bucket, received_day, known_day
HAVING sum(delta) <> 0
"""
"""Counts that may be taken back, of days $1 to $2, known before $3, by the day they were known."""
_HEADER_BYTES = 19
_SUM_FIELDS = (("cell", "S8"), ("kind", ">i4"), ("day", ">i4"), ("count", ">i8"))
_LOG_FIELDS = (*_SUM_FIELDS, ("known_day", ">i4"))


async def stream_sums(connection: AsyncConnection, query: str, *arguments: object) -> Rows:
    """Return what CHANGED_SUMS or ALL_SUMS select, within the connection's transaction."""
    return _rows(await _stream(connection, query, arguments, _SUM_FIELDS))


async def stream_log(
    connection: AsyncConnection, *arguments: object
) -> tuple[Rows, NDArray[np.int64]]:
    """Return what REVERTING_LOG selects, and the day on which each row became known."""
    table = await _stream(connection, REVERTING_LOG, arguments, _LOG_FIELDS)
    return _rows(table), table["known_day"].astype(np.int64)


def _rows(table: NDArray[Any]) -> Rows:
    return Rows(
        cell=np.ascontiguousarray(table["cell"]),
        kind=table["kind"].astype(np.int64),
        day=table["day"].astype(np.int64),
        count=table["count"].astype(np.float64),
    )


async def _stream(
    connection: AsyncConnection,
    query: str,
    arguments: Sequence[object],
    fields: Sequence[tuple[str, str]],
) -> NDArray[Any]:
    parts: list[bytes] = []

    async def take(data: bytes) -> None:
        parts.append(bytes(data))

    driver: Any = (await connection.get_raw_connection()).driver_connection
    await driver.copy_from_query(query, *arguments, output=take, format="binary")
    data, row = b"".join(parts), _row_type(fields)
    return np.frombuffer(data, row, (len(data) - _HEADER_BYTES) // row.itemsize, _HEADER_BYTES)


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
