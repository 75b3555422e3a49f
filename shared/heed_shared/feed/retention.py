"""Keeps the event table's days: makes those to come, drops those that everybody has.

A day is dropped when it is old enough and every registered consumer has acknowledged all of it. A
consumer that stays away holds its days back, which is reported with their size and never solved by
dropping. What was dropped is remembered by shard, so a stranger's old cursor is refused with the
oldest usable one instead of skipping events in silence.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from heed_shared import logs
from heed_shared.database import Database
from heed_shared.feed.records import FeedSpec
from heed_shared.feed.waking import wait_any

_EVERY_S = 3600.0
_DAYS_AHEAD = 7
_REQUEST_DAYS = 7
_OPERATION_DAYS = 30
_PURGE_BATCH = 5000

_MAKE = text("SELECT feed_make_day(CAST(:day AS date))")
_DROP = text("SELECT feed_drop_day(CAST(:day AS date))")
_DAYS = text(
    "SELECT to_date(substr(c.relname, 12), 'YYYYMMDD') AS day,"
    " pg_total_relation_size(c.oid) AS size"
    " FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid"
    " WHERE inhparent = to_regclass('feed_event') AND c.relname ~ '^feed_event_[0-9]{8}$'"
    " ORDER BY 1"
)
_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtext('heed.feed.retention.' || :schema))")
_UNREAD = """
SELECT registered.feed, registered.consumer
FROM unnest($2::text[], $3::text[]) AS registered (feed, consumer)
WHERE EXISTS (
    SELECT 1
    FROM generate_series(0, 15) AS shard
    CROSS JOIN LATERAL (
        SELECT xid, id FROM feed_event
        WHERE day = $1 AND feed = registered.feed AND feed_event.shard = shard.shard
        ORDER BY xid DESC, id DESC LIMIT 1
    ) AS last
    LEFT JOIN feed_acknowledgement AS a
        ON a.feed = registered.feed AND a.consumer = registered.consumer AND a.shard = shard.shard
    WHERE a.xid IS NULL OR (a.xid, a.id) < (last.xid, last.id)
)
"""
_REMEMBER = """
INSERT INTO feed_oldest (feed, shard, xid, id)
SELECT DISTINCT ON (feed, shard) feed, shard, xid, id FROM feed_event WHERE day = $1
ORDER BY feed, shard, xid DESC, id DESC
ON CONFLICT (feed, shard) DO UPDATE SET xid = excluded.xid, id = excluded.id
WHERE (feed_oldest.xid, feed_oldest.id) < (excluded.xid, excluded.id)
"""
_STRAY_DAYS = text("SELECT DISTINCT day FROM feed_event_default WHERE day < :before ORDER BY day")
_STRAYS = text("DELETE FROM feed_event_default WHERE day = :day")
_PURGES = (
    "DELETE FROM request_record WHERE ctid IN (SELECT ctid FROM request_record"
    f" WHERE recorded_at < now() - interval '{_REQUEST_DAYS} days' LIMIT {_PURGE_BATCH})",
    "DELETE FROM operation WHERE name IN (SELECT name FROM operation"
    f" WHERE done AND updated_at < now() - interval '{_OPERATION_DAYS} days' LIMIT {_PURGE_BATCH})",
)


class Retention:
    """Makes and drops the days of the event table, and purges old records; a Background."""

    def __init__(self, database: Database, feeds: Sequence[FeedSpec], days: int) -> None:
        self._database = database
        self._days = days
        self._registered = [(feed.name, name) for feed in feeds for name in feed.consumers]

    async def run(self, stop: asyncio.Event) -> None:
        """Do it now and every hour until ``stop``."""
        while not stop.is_set():
            await self.once(datetime.now(UTC).date())
            await wait_any(_EVERY_S, stop)

    async def once(self, today: date) -> list[date]:
        """Make the days to come, drop those that are over; return the dropped ones."""
        await self._make_days(today)
        before = today - timedelta(days=self._days)
        dropped = []
        async with self._database.single() as connection:
            days = {row.day: row.size for row in await connection.execute(_DAYS)}
            strays = list((await connection.execute(_STRAY_DAYS, {"before": before})).scalars())
        for day in sorted({day for day in days if day < before}.union(strays)):
            if not await self._drop(day, days.get(day, 0)):
                break
            dropped.append(day)
        await self._purge()
        if dropped:
            logs.info(logs.Event.FEED_RETENTION_DONE, days=[day.isoformat() for day in dropped])
        return dropped

    async def _make_days(self, today: date) -> None:
        async with self._database.single() as connection:
            for ahead in range(_DAYS_AHEAD + 1):
                await connection.execute(_MAKE, {"day": today + timedelta(days=ahead)})

    async def _drop(self, day: date, size: int) -> bool:
        async with self._database.transaction() as tx:
            alone = await tx.connection.scalar(_ALONE, {"schema": self._database.schema})
            if not alone or await self._is_held(tx.connection, day, size):
                return False
            await tx.connection.exec_driver_sql(_REMEMBER, (day,))
            await tx.connection.execute(_STRAYS, {"day": day})
            if not await tx.connection.scalar(_DROP, {"day": day}):
                return False  # Writers had the table; the next hour comes.
            await tx.commit()
        return True

    async def _is_held(self, connection: AsyncConnection, day: date, size: int) -> bool:
        feeds = [feed for feed, _ in self._registered]
        consumers = [consumer for _, consumer in self._registered]
        rows = (await connection.exec_driver_sql(_UNREAD, (day, feeds, consumers))).all()
        if rows:
            behind = [f"{row.consumer} of {row.feed}" for row in rows]
            logs.warning(
                logs.Event.FEED_RETENTION_HELD, day=day.isoformat(), behind=behind, bytes=size
            )
        return bool(rows)

    async def _purge(self) -> None:
        for statement in _PURGES:
            deleted = _PURGE_BATCH
            while deleted == _PURGE_BATCH:
                async with self._database.single() as connection:
                    deleted = (await connection.exec_driver_sql(statement)).rowcount
