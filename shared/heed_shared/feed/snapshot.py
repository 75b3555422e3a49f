"""The present state of a feed as events, with positions that fit it exactly.

State and positions come from one database snapshot. The positions carry that snapshot along, so
a reader who goes on from them gets every event that the state lacks, and none that it contains.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from heed.feed.v1 import feed_service_pb2 as pb
from heed.feed.v1.event_pb2 import Event
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from heed_shared.database import Database
from heed_shared.errors import UnknownFeed
from heed_shared.feed.access import shard_positions
from heed_shared.feed.cursor import Position
from heed_shared.feed.reading import Asked
from heed_shared.feed.records import SHARDS, FeedSpec, NewEvent
from heed_shared.identity import Caller

SnapshotSource = Callable[[AsyncConnection], AsyncIterator[NewEvent]]
"""Reads the state behind a feed on the connection given; the same kinds of events as the feed's."""

_PART = 200
# Reading a large state takes longer than a transaction otherwise may. It takes no transaction id,
# so no feed waits for it; it only delays the vacuum.
_TIMEOUTS = text(
    "SELECT set_config('transaction_timeout', '0', true),"  # Else the old timer goes on.
    " set_config('transaction_timeout', '15min', true),"
    " set_config('statement_timeout', '10min', true),"
    " set_config('idle_in_transaction_session_timeout', '2min', true)"
)
_NOW = text(
    "SELECT epoch, pg_current_snapshot()::text AS seen,"
    " pg_snapshot_xmin(pg_current_snapshot()) AS xmin,"
    " pg_snapshot_xmax(pg_current_snapshot()) AS xmax FROM feed_epoch"
)


@dataclass(frozen=True)
class _Start:
    epoch: int
    position: Position


async def stream_snapshot(
    database: Database, feed: FeedSpec, source: SnapshotSource | None, caller: Caller
) -> AsyncIterator[pb.GetFeedSnapshotResponse]:
    """Yield the state in parts, restricted to the caller's region, and the positions at the end.

    Raises:
        UnknownFeed: the feed has no source of its state.
    """
    if source is None:
        raise UnknownFeed(feed.name)
    async with database.engine.connect() as connection:
        await connection.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        await connection.execute(_TIMEOUTS)
        row = (await connection.execute(_NOW)).one()
        seen = row.seen if row.xmax > row.xmin else ""
        start = Asked(Position(row.xmin, 0, seen), row.epoch)
        part: list[Event] = []
        async for item in source(connection):
            if caller.covers(item.region_code):
                part.append(_event(feed, item))
            if len(part) == _PART:
                yield pb.GetFeedSnapshotResponse(events=part)
                part = []
    positions = shard_positions(feed, dict.fromkeys(range(SHARDS), start))
    yield pb.GetFeedSnapshotResponse(events=part, positions=positions)


def _event(feed: FeedSpec, item: NewEvent) -> Event:
    event = Event(
        shard=item.shard,
        subject=item.subject,
        region_code=item.region_code,
        etag=item.etag,
        traceparent=item.traceparent,
    )
    event.recorded_at.FromDatetime(item.recorded_at)
    getattr(event, feed.payload).CopyFrom(item.payload)
    return event
