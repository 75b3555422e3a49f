"""Wraps data keys anew when the ring has a new current key, while petitions go on coming in.

To rotate without a pause: add the new key to the ring file of every replica, then, a few seconds
later, make it the current one. Rings are read again when their file changes. Once ``keys_wrapped``
was logged for every table of both lanes, and seven days have passed in which repeated requests may
still be answered from records under the old key, that key can leave the ring.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import text

from heed_intake.adapters.key_ring import KeyRing, KeyRingError, WrappedKey
from heed_shared import logs, telemetry
from heed_shared.database import Database
from heed_shared.rpc.background import pause


class KeyEvent(StrEnum):
    """What is logged of keys; never a key."""

    RING_READ = "key_ring_read"
    RING_UNREADABLE = "key_ring_unreadable"
    WRAPPED = "keys_wrapped"


TABLES = ("petition", "consultation")
_BATCH = 200
_LOOK_S = 2.0
_FIRST_UID = UUID(int=0)
_DONE = text("SELECT key_id FROM wrapped_by WHERE table_name = :table_name")
_NOTE = text("""
INSERT INTO wrapped_by (table_name, key_id, finished_at) VALUES (:table_name, :key_id, now())
ON CONFLICT (table_name) DO UPDATE SET key_id = :key_id, finished_at = now()
""")
# An erased petition has no key any more.
_NEXT = """
SELECT uid, key_id, wrapped_key FROM {table}
 WHERE uid > :after AND key_id <> :current AND key_id <> ''
 ORDER BY uid LIMIT :limit
"""
# What was erased, sealed or wrapped by another replica meanwhile stays as it is.
_WRAP = """
UPDATE {table} SET key_id = given.key_id, wrapped_key = given.wrapped
  FROM unnest(CAST(:uids AS uuid[]), CAST(:before AS bytea[]), CAST(:key_ids AS text[]),
              CAST(:wrapped AS bytea[])) AS given (uid, before, key_id, wrapped)
 WHERE {table}.uid = given.uid AND {table}.wrapped_key = given.before
"""


@dataclass(frozen=True)
class WrappedLane:
    """A lane with its own ring."""

    name: str
    database: Database
    ring: KeyRing


class Rewrapping:
    """Background work: follows the ring files and brings every row to the current key."""

    name = "rewrapping"

    def __init__(self, lanes: Sequence[WrappedLane]) -> None:
        self._lanes = lanes
        self._finished: set[tuple[str, str, str]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Look every two seconds, until ``stop``; a look costs nothing while no key changed."""
        while not stop.is_set():
            for lane in self._lanes:
                _refresh(lane.ring)
                for table in TABLES:
                    await self.bring_up_to_date(lane, table, stop)
            await pause(stop, _LOOK_S)

    async def bring_up_to_date(self, lane: WrappedLane, table: str, stop: asyncio.Event) -> int:
        """Wrap what is wrapped by another key than the current one; returns how many rows."""
        current = lane.ring.current
        place = (lane.name, table, current)
        if place in self._finished:
            return 0
        async with lane.database.read() as connection:
            done = await connection.scalar(_DONE, {"table_name": table})
        count = 0
        if done != current:
            count = await self._wrap_all(lane, table, current, stop)
            if stop.is_set():
                return count
            async with lane.database.transaction() as tx:
                await tx.connection.execute(_NOTE, {"table_name": table, "key_id": current})
                await tx.commit()
            logs.info(KeyEvent.WRAPPED, lane=lane.name, table=table, rows=count)
        self._finished.add(place)
        return count

    async def _wrap_all(
        self, lane: WrappedLane, table: str, current: str, stop: asyncio.Event
    ) -> int:
        after, count = _FIRST_UID, 0
        values: dict[str, Any] = {"current": current, "limit": _BATCH}
        while not stop.is_set():
            async with lane.database.read() as connection:
                query = text(_NEXT.format(table=table))
                rows = (await connection.execute(query, values | {"after": after})).all()
            if not rows:
                break
            after = rows[-1].uid
            async with lane.database.transaction() as tx:
                await tx.connection.execute(
                    text(_WRAP.format(table=table)), _wrapped(lane.ring, rows)
                )
                await tx.commit()
            count += len(rows)
            telemetry.record("heed.intake.keys_wrapped", len(rows), lane=lane.name)
        return count


def _wrapped(ring: KeyRing, rows: Iterable[Any]) -> dict[str, list[Any]]:
    told: dict[str, list[Any]] = {"uids": [], "before": [], "key_ids": [], "wrapped": []}
    for row in rows:
        key = ring.unwrap(row.uid, WrappedKey(row.key_id, row.wrapped_key))
        fresh = key.wrapped_by(ring)
        told["uids"].append(row.uid)
        told["before"].append(row.wrapped_key)
        told["key_ids"].append(fresh.key_id)
        told["wrapped"].append(fresh.wrapped)
    return told


def _refresh(ring: KeyRing) -> None:
    try:
        if ring.refresh():
            logs.info(KeyEvent.RING_READ)
    except KeyRingError as error:
        # A file that is just being replaced; the known keys stay in force.
        logs.failure(KeyEvent.RING_UNREADABLE, error)
