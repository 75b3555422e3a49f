"""Applies deliveries and advances the cursor in one short transaction; or neither happens.

The cursor moves by compare-and-set: whoever finds it elsewhere than where the batch began throws
the batch away. That alone makes every effect happen exactly once, whoever else works on the shard.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heed.feed.v1.event_pb2 import Event
from sqlalchemy.ext.asyncio import AsyncConnection

from heed_shared import telemetry
from heed_shared.database import Database, Transaction
from heed_shared.feed.parking import parked_subjects, queue_behind
from heed_shared.feed.records import SHARDS, Delivery, Handler

# Rows are locked in order of the shard, so that two batches never wait for each other in a circle.
_ADVANCE = """
WITH moves AS (
    SELECT * FROM unnest($2::smallint[], $3::text[], $4::text[], $5::bigint[])
                  AS moves (shard, old, new, count)
), locked AS (
    SELECT shard FROM feed_cursor JOIN moves USING (shard)
    WHERE feed = $1 AND cursor = old
    ORDER BY shard FOR UPDATE OF feed_cursor
)
UPDATE feed_cursor
SET cursor = moves.new, applied_count = applied_count + moves.count, applied_at = now()
FROM moves JOIN locked USING (shard)
WHERE feed_cursor.feed = $1 AND feed_cursor.shard = moves.shard AND feed_cursor.cursor = moves.old
RETURNING feed_cursor.shard
"""
_FIRST = """
INSERT INTO feed_cursor (feed, shard) SELECT $1, generate_series(0, $2) ON CONFLICT DO NOTHING
"""
_CURSORS = "SELECT shard, cursor FROM feed_cursor WHERE feed = $1"


class CursorMovedError(Exception):
    """Somebody else has applied from this position; the batch must be thrown away."""


@dataclass(frozen=True)
class Move:
    """How the cursor of one shard moves with a batch."""

    old: str
    new: str
    count: int


async def make_cursors(database: Database, feed: str) -> None:
    """Make sure that every shard of a feed has its cursor row."""
    async with database.single() as connection:
        await connection.exec_driver_sql(_FIRST, (feed, SHARDS - 1))


async def read_cursors(database: Database, feed: str) -> dict[int, str]:
    """Return the applied position of each shard."""
    async with database.single() as connection:
        rows = await connection.exec_driver_sql(_CURSORS, (feed,))
        return {row.shard: row.cursor for row in rows}


async def advance(connection: AsyncConnection, feed: str, moves: Mapping[int, Move]) -> None:
    """Move cursors.

    Raises:
        CursorMovedError: one of them is not where it was.
    """
    shards = sorted(moves)
    arguments = (
        feed,
        shards,
        [moves[shard].old for shard in shards],
        [moves[shard].new for shard in shards],
        [moves[shard].count for shard in shards],
    )
    moved = (await connection.exec_driver_sql(_ADVANCE, arguments)).all()
    if len(moved) != len(shards):
        raise CursorMovedError


async def apply_batch(
    database: Database,
    feed: str,
    handler: Handler,
    moves: Mapping[int, Move],
    deliveries: Sequence[Delivery],
) -> None:
    """Prepare with no transaction open, then apply and advance in one; those parked queue up.

    Raises:
        CursorMovedError: the batch was applied by somebody else, or a subject was parked meanwhile.
    """
    subjects = {item.event.subject for item in deliveries if item.event.subject}
    async with database.single() as connection:
        parked = await parked_subjects(connection, feed, subjects)
    ready, behind = split(deliveries, parked)
    prepared: Any = await handler.prepare(ready) if ready else None
    started = time.perf_counter()
    async with database.transaction() as tx:
        await advance(tx.connection, feed, moves)
        if await parked_subjects(tx.connection, feed, subjects) != parked:
            raise CursorMovedError
        await queue_behind(tx.connection, feed, behind)
        if ready:
            await handler.apply(tx, ready, prepared)
        await tx.commit()
    telemetry.record("heed.feed.batch_duration", time.perf_counter() - started, feed=feed)
    telemetry.record("heed.feed.applied", len(ready), feed=feed)


async def apply_parked(
    tx: Transaction, feed: str, shard: int, handler: Handler, delivery: Delivery, prepared: Any
) -> None:
    """Apply an event that was parked, holding its shard's cursor still meanwhile."""
    await tx.connection.exec_driver_sql(
        "SELECT 1 FROM feed_cursor WHERE feed = $1 AND shard = $2 FOR UPDATE", (feed, shard)
    )
    await handler.apply(tx, [delivery], prepared)


def split(deliveries: Iterable[Delivery], parked: set[str]) -> tuple[list[Delivery], list[Event]]:
    """Return what may be applied, and the events that must queue behind a parked one."""
    ready: list[Delivery] = []
    behind: list[Event] = []
    for item in deliveries:
        if item.event.subject in parked:
            behind.append(item.event)
        else:
            ready.append(item)
    return ready, behind
