"""Rebuilds what was derived from a feed from its snapshot: after a restore, or too long away.

Everything that takes time comes first; then one transaction empties the derived tables, applies the
state and sets the cursors. It is as long as the state is large: a repair, not an ordinary path.

Where what follows from a feed holds decisions of people, nothing is emptied: the state, applied
again, must then change nothing where all was known, and bring the rest up to date.
"""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from heed.feed.v1 import feed_service_pb2 as pb
from heed.feed.v1.event_pb2 import ShardPosition
from heed.feed.v1.feed_service_pb2_grpc import FeedServiceStub
from sqlalchemy import text

from heed_shared.database import Database, Transaction
from heed_shared.feed.applying import CursorMovedError, read_cursors
from heed_shared.feed.records import Delivery, Handler

_SNAPSHOT_S = 900
_TIMEOUTS = text(
    "SELECT set_config('transaction_timeout', '0', true),"  # Else the old timer goes on.
    " set_config('transaction_timeout', '15min', true),"
    " set_config('statement_timeout', '10min', true)"
)
_LOCK = "SELECT shard, cursor FROM feed_cursor WHERE feed = $1 ORDER BY shard FOR UPDATE"
_SET = """
UPDATE feed_cursor SET cursor = given.cursor, applied_at = now()
FROM unnest($2::smallint[], $3::text[]) AS given (shard, cursor)
WHERE feed_cursor.feed = $1 AND feed_cursor.shard = given.shard
"""
_FORGET_PARKED = "DELETE FROM feed_parked WHERE feed = $1"


@runtime_checkable
class Rebuilding(Protocol):
    """What a handler needs beside the rest so that its state can be rebuilt."""

    async def rebuild(self, tx: Transaction) -> None:
        """Delete what is derived from the feed alone; the state is applied right afterwards."""
        ...


async def rebuild(
    database: Database, feed: str, stub: FeedServiceStub, handler: Handler, emptying: Rebuilding
) -> int:
    """Replace what was derived from a feed by its present state; return the number of events.

    Raises:
        CursorMovedError: another replica was faster.
    """
    before = await read_cursors(database, feed)
    parts: list[tuple[Sequence[Delivery], Any]] = []
    positions: Sequence[ShardPosition] = ()
    call = stub.GetFeedSnapshot(pb.GetFeedSnapshotRequest(feed=feed), timeout=_SNAPSHOT_S)
    async for response in call:
        deliveries = [Delivery(event, event.traceparent) for event in response.events]
        if deliveries:
            parts.append((deliveries, await handler.prepare(deliveries)))
        positions = response.positions
    async with database.transaction() as tx:
        await tx.connection.execute(_TIMEOUTS)
        rows = await tx.connection.exec_driver_sql(_LOCK, (feed,))
        if {row.shard: row.cursor for row in rows} != before:
            raise CursorMovedError
        await emptying.rebuild(tx)
        await tx.connection.exec_driver_sql(_FORGET_PARKED, (feed,))
        for part, prepared in parts:
            await handler.apply(tx, part, prepared)
        shards = [item.shard for item in positions]
        cursors = [item.cursor for item in positions]
        await tx.connection.exec_driver_sql(_SET, (feed, shards, cursors))
        await tx.commit()
    return sum(len(part) for part, _ in parts)
