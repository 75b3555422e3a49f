"""Shares the shards of a feed among the replicas of a consumer, without a coordinator.

Each replica has one connection of its own with session advisory locks: a shared one that says it
lives, and one for each shard it works on. They take no transaction id, and a dead replica's locks
go with its connection. Who holds a lock saves work only; that effects happen once rests on the
cursor alone.
"""

import asyncio
import hashlib
import random
from contextlib import suppress

import asyncpg

from heed_shared import logs
from heed_shared.database import Database
from heed_shared.feed.records import SHARDS
from heed_shared.feed.waking import wait_any

_REBALANCE_S = 0.5
_RECONNECT_S = 0.5
_ALIVE = 1000  # Above any shard number.
_PROBE_TIMEOUT_S = 5
_REPLICAS = """
SELECT count(*) FROM pg_locks
WHERE locktype = 'advisory' AND granted
  AND classid = $1::bigint::oid AND objid = $2 AND objsubid = 2
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_TAKE = """
SELECT shard FROM unnest($2::int[]) AS shard WHERE pg_try_advisory_lock($1, shard)
"""
_GIVE = "SELECT pg_advisory_unlock($1, shard) FROM unnest($2::int[]) AS shard"


class ShardLocks:
    """The shards that this replica works on."""

    def __init__(self, database: Database, feed: str) -> None:
        self._database = database
        self._key = int.from_bytes(
            hashlib.blake2b(f"{database.schema}/{feed}".encode(), digest_size=4).digest(),
            "big",
            signed=True,
        )
        self._feed = feed
        self.held: frozenset[int] = frozenset()
        self.changed = asyncio.Event()
        """Set at the next change of ``held``; a fresh one stands here afterwards."""
        self.lost = asyncio.Event()
        """Set when the connection with the locks is lost; a fresh one stands here afterwards."""
        self.busy = asyncio.Lock()
        """Held by the consumer while it works on a batch, so that no shard of it is given away."""

    async def run(self, stop: asyncio.Event) -> None:
        """Hold a fair share until ``stop``; a lost connection is made anew."""
        while not stop.is_set():
            try:
                await self._connected(stop)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                logs.failure(logs.Event.FEED_BATCH_FAILED, error, feed=self._feed, part="locks")
            finally:
                self._lose()
            await wait_any(_RECONNECT_S, stop)

    def touch(self) -> None:
        """Have the consumer look again at which shards it works on."""
        self._hold(self.held)

    async def _connected(self, stop: asyncio.Event) -> None:
        connection = await self._database.dedicated()
        gone = asyncio.Event()

        def terminated(_: object) -> None:
            self._lose()
            gone.set()

        connection.add_termination_listener(terminated)
        try:
            await connection.execute("SELECT pg_advisory_lock_shared($1, $2)", self._key, _ALIVE)
            while not stop.is_set() and not gone.is_set():
                await self._rebalance(connection)
                await wait_any(_REBALANCE_S, stop, gone)
        finally:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await connection.close(timeout=1)

    async def _rebalance(self, connection: asyncpg.Connection) -> None:
        replicas = await connection.fetchval(
            _REPLICAS, self._key & 0xFFFFFFFF, _ALIVE, timeout=_PROBE_TIMEOUT_S
        )
        fair = -(-SHARDS // max(1, replicas))
        if len(self.held) > fair:
            async with self.busy:
                given = sorted(self.held)[fair:]
                self._hold(self.held.difference(given))
                await connection.execute(_GIVE, self._key, given)
        elif len(self.held) < fair:
            await self._take(connection, fair - len(self.held))

    async def _take(self, connection: asyncpg.Connection, wanted: int) -> None:
        free = [shard for shard in range(SHARDS) if shard not in self.held]
        random.shuffle(free)
        while wanted and free:
            tried, free = free[:wanted], free[wanted:]
            rows = await connection.fetch(_TAKE, self._key, tried, timeout=_PROBE_TIMEOUT_S)
            wanted -= len(rows)
            if rows:
                self._hold(self.held.union(row["shard"] for row in rows))

    def _hold(self, shards: frozenset[int]) -> None:
        self.held = shards
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

    def _lose(self) -> None:
        if self.held:
            lost, self.lost = self.lost, asyncio.Event()
            self._hold(frozenset())
            lost.set()
