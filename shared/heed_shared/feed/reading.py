"""Reads events after given positions: all shards of a call in one statement, horizon included.

Events at or above the horizon (the oldest transaction still running) may yet be preceded by others,
so they are reported as waiting and not returned. Horizon and rows come from one statement, hence
from one snapshot; taken apart, an event could slip in between.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from heed.feed.v1.event_pb2 import Event

from heed_shared.database import Database
from heed_shared.errors import CursorTooOld, FeedEpochChanged
from heed_shared.feed.cursor import Position, encode_cursor
from heed_shared.feed.records import FeedSpec
from heed_shared.identity import Caller

_READ = """
SELECT asked.shard, e.*, e.xid < horizon.xmin AS settled, horizon.xmin,
       horizon.xmax, feed_epoch.epoch,
       coalesce(oldest.xid, '0'::xid8) AS oldest_xid, coalesce(oldest.id, 0) AS oldest_id
FROM unnest($2::smallint[], $3::xid8[], $4::bigint[], $5::text[]) AS asked (shard, xid, id, seen)
CROSS JOIN feed_epoch
CROSS JOIN (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xmin,
                   pg_snapshot_xmax(pg_current_snapshot()) AS xmax) AS horizon
LEFT JOIN feed_oldest AS oldest ON oldest.feed = $1 AND oldest.shard = asked.shard
LEFT JOIN LATERAL (
    SELECT xid, id, subject, region_code, etag, recorded_at, traceparent, payload
    FROM feed_event
    WHERE feed = $1 AND shard = asked.shard AND (xid, id) > (asked.xid, asked.id)
      AND (asked.seen = ''
           OR NOT pg_visible_in_snapshot(xid, nullif(asked.seen, '')::pg_snapshot))
    ORDER BY xid, id
    LIMIT $6
) AS e ON true
ORDER BY e.xid NULLS FIRST, e.id
LIMIT $7
"""

_HEAD = """
SELECT epoch, pg_snapshot_xmin(pg_current_snapshot())::text AS xmin FROM feed_epoch
"""

START = Position()


@dataclass(frozen=True)
class Asked:
    """From where a reader wants to go on in one shard."""

    position: Position = START
    epoch: int | None = None
    """Of its cursor; None when it has none and starts at the oldest event."""


@dataclass(frozen=True)
class Page:
    """What a reader gets, and from where it goes on."""

    events: list[Event]
    asked: dict[int, Asked]
    waiting: bool
    """Whether there are events above the horizon."""

    def seen_by(self, caller: Caller) -> "Page":
        """Return the page without events outside the caller's region; the positions stay."""
        return replace(
            self, events=[event for event in self.events if caller.covers(event.region_code)]
        )


async def read_head(database: Database) -> Asked:
    """Return the place behind every event that is settled now, for a reader of news only."""
    async with database.single() as connection:
        row = (await connection.exec_driver_sql(_HEAD)).one()
    return Asked(Position(int(row.xmin), 0), row.epoch)


async def read_page(
    database: Database, feed: FeedSpec, asked: Mapping[int, Asked], limit: int
) -> Page:
    """Return at most ``limit`` settled events after the positions asked for.

    Each shard gives up to twice its fair share; where that leaves room, the busy ones fill it.

    Raises:
        FeedEpochChanged: a cursor is of another epoch, or ahead of this database.
        CursorTooOld: a cursor lies before what the feed still holds.
    """
    quota = min(limit, -(-2 * limit // len(asked)))
    page = await _read(database, feed, asked, limit, quota)
    counts = Counter(event.shard for event in page.events)
    busy = {shard: page.asked[shard] for shard, count in counts.items() if count >= quota}
    room = limit - len(page.events)
    if not busy or room <= 0:
        return page
    more = await _read(database, feed, busy, room, room)
    return Page(page.events + more.events, {**page.asked, **more.asked}, page.waiting)


async def _read(
    database: Database, feed: FeedSpec, asked: Mapping[int, Asked], limit: int, quota: int
) -> Page:
    shards = sorted(asked)
    arguments = (
        feed.name,
        shards,
        [asked[shard].position.xid for shard in shards],
        [asked[shard].position.id for shard in shards],
        [asked[shard].position.seen for shard in shards],
        quota,
        limit + len(shards),
    )
    async with database.single() as connection:
        rows = (await connection.exec_driver_sql(_READ, arguments)).all()
    now = dict(asked)
    for row in rows:
        now[row.shard] = _usable(feed, row, asked[row.shard])
    events: list[Event] = []
    for row in rows:
        if row.settled and len(events) < limit:
            position = now[row.shard].position.advanced(row.xid, row.id)
            now[row.shard] = Asked(position, row.epoch)
            events.append(_event(feed, row, position))
    return Page(events, now, any(row.settled is False for row in rows))


def _usable(feed: FeedSpec, row: Any, asked: Asked) -> Asked:
    """Check a position against what the feed holds now; give a reader without one its first."""
    oldest = Position(row.oldest_xid, row.oldest_id)
    if asked.epoch is None:
        return Asked(oldest, row.epoch)
    if asked.epoch != row.epoch or asked.position.xid > row.xmax:
        raise FeedEpochChanged(feed.name)
    if asked.position.key < oldest.key:
        raise CursorTooOld(encode_cursor(feed.name, row.shard, row.epoch, oldest))
    if row.xid is None and asked.position.is_behind(row.xmin):
        return Asked(asked.position.settled(), row.epoch)
    return asked


def _event(feed: FeedSpec, row: Any, position: Position) -> Event:
    event = Event(
        cursor=encode_cursor(feed.name, row.shard, row.epoch, position),
        shard=row.shard,
        subject=row.subject,
        region_code=row.region_code,
        etag=row.etag,
        traceparent=row.traceparent,
    )
    event.recorded_at.FromDatetime(row.recorded_at)
    getattr(event, feed.payload).MergeFromString(row.payload)
    getattr(event, feed.payload).SetInParent()
    return event
