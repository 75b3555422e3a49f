"""Keeps how far each registered consumer has come; retention and the feed's status rest on it.

A consumer acknowledges by presenting a position. That is noted in memory and written a moment later
in a transaction of its own, so reading a feed never waits for a write.
"""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from heed_shared.database import Database
from heed_shared.feed.cursor import Position
from heed_shared.feed.waking import wait_any

_WRITE_EVERY_S = 0.05
_SEEN_EVERY_S = 5.0
_WRITE = """
INSERT INTO feed_acknowledgement (feed, consumer, shard, xid, id, last_seen_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::smallint[], $4::xid8[], $5::bigint[],
                     $6::timestamptz[])
ON CONFLICT (feed, consumer, shard) DO UPDATE
SET xid = excluded.xid, id = excluded.id, last_seen_at = excluded.last_seen_at
"""

_Key = tuple[str, str, int]
_Entry = tuple[int, int, float]


class Acknowledgements:
    """Takes in what consumers present; a Background that writes it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._written: dict[_Key, _Entry] = {}
        self._pending: dict[_Key, _Entry] = {}
        self._news = asyncio.Event()
        self._writing = asyncio.Lock()

    def present(self, feed: str, consumer: str, positions: Mapping[int, Position]) -> None:
        """Note that ``consumer`` has taken in all up to these positions."""
        now = time.time()
        for shard, position in positions.items():
            key = (feed, consumer, shard)
            xid, event_id, seen_at = self._pending.get(key) or self._written.get(key, (-1, -1, 0.0))
            if (xid, event_id) != position.key or now - seen_at > _SEEN_EVERY_S:
                self._pending[key] = (*position.key, now)
                self._news.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Write until ``stop``, and once more then."""
        while not stop.is_set():
            await wait_any(3600, self._news, stop)
            await self.flush()
            await asyncio.sleep(_WRITE_EVERY_S)

    async def flush(self) -> None:
        """Write what has been presented so far."""
        async with self._writing:
            self._news.clear()
            batch, self._pending = self._pending, {}
            if not batch:
                return
            try:
                await self._write(batch)
            except BaseException:
                self._pending = batch | self._pending
                self._news.set()
                raise
            self._written.update(batch)

    async def _write(self, batch: Mapping[_Key, _Entry]) -> None:
        rows = sorted(batch.items())
        arguments = (
            [feed for (feed, _, _), _ in rows],
            [consumer for (_, consumer, _), _ in rows],
            [shard for (_, _, shard), _ in rows],
            [xid for _, (xid, _, _) in rows],
            [event_id for _, (_, event_id, _) in rows],
            [datetime.fromtimestamp(seen_at, UTC) for _, (_, _, seen_at) in rows],
        )
        async with self._database.transaction() as tx:
            await tx.connection.exec_driver_sql(_WRITE, arguments)
            await tx.commit()
