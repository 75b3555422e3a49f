"""Puts entries into the hash chain: one process of each service, every second.

A chain inside every transaction would serialise all writes, so the chain follows behind. It takes
entries in the order of their numbers, once it is certain that no smaller number can still appear:
a number is drawn after its transaction got its id, so when every transaction that had an id at the
time of a look has ended, all numbers drawn until that look are there or never will be.
"""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from heed_shared import logs, telemetry
from heed_shared.database import Database
from heed_shared.rpc.background import pause

BEGINNING = bytes(32)
"""Digest before the first place of a chain."""
_EVERY_S = 1.0
_BATCH = 2000
_LOOK_AGAIN_S = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16)
_WITNESS_EVERY_S = 600.0
_LEASE = "SELECT pg_try_advisory_lock(hashtextextended('heed.audit.' || current_schema(), 0))"
_TAIL = "SELECT position, seq, digest FROM audit_chain ORDER BY position DESC LIMIT 1"
# Two statements in this order: what is drawn between them waits for the next look.
_DRAWN = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM audit_entry_seq_seq"
_NEXT_TRANSACTION = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
_HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_ENTRIES = """
SELECT seq, id, digest FROM audit_entry WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3
"""
_APPEND = """
INSERT INTO audit_chain (position, seq, entry_id, entry_digest, digest)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::uuid[], $4::bytea[], $5::bytea[])
"""
_UNSEALED = "SELECT count(*) FROM audit_entry WHERE seq > $1"


@dataclass(frozen=True)
class Link:
    """One place of the chain."""

    position: int
    seq: int
    entry_id: UUID
    entry_digest: bytes
    digest: bytes


@dataclass(frozen=True)
class Tail:
    """Where a chain ends."""

    position: int = 0
    seq: int = 0
    digest: bytes = BEGINNING


def link_digest(before: bytes, position: int, entry_id: UUID, entry_digest: bytes) -> bytes:
    """Return the digest of a place: of the one before it, its number, its entry's id and digest."""
    return hashlib.sha256(
        before + position.to_bytes(8, "big") + entry_id.bytes + entry_digest
    ).digest()


class Sealer:
    """Background work of every replica; one of them holds the lease and does it."""

    name = "audit-sealer"

    def __init__(self, database: Database) -> None:
        self._database = database
        self._witnessed_at = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Seal until ``stop``; what is not in the chain then is sealed by the next process."""
        lease = await self._database.dedicated()
        try:
            while not await lease.fetchval(_LEASE):
                if await pause(stop, _EVERY_S):
                    return
            tail = await _tail(lease)
            while not stop.is_set():
                tail = await self.seal(lease, tail)
                await pause(stop, _EVERY_S)
        finally:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await lease.close(timeout=1)

    async def seal(self, lease: asyncpg.Connection, tail: Tail) -> Tail:
        """Append what is certain to the chain, and return where it ends then."""
        drawn = await lease.fetchval(_DRAWN)
        if drawn > tail.seq and await _decided(lease):
            while rows := await lease.fetch(_ENTRIES, tail.seq, drawn, _BATCH):
                links = _links(tail, rows)
                await lease.execute(_APPEND, *_columns(links))
                tail = Tail(links[-1].position, links[-1].seq, links[-1].digest)
        unsealed = await lease.fetchval(_UNSEALED, tail.seq)
        telemetry.record("heed.audit.unsealed", unsealed)
        self._witness(tail)
        return tail

    def _witness(self, tail: Tail) -> None:
        """Say now and then in the log how the chain ends: a log kept elsewhere proves it later."""
        if time.monotonic() - self._witnessed_at >= _WITNESS_EVERY_S:
            self._witnessed_at = time.monotonic()
            logs.info(logs.Event.AUDIT_SEALED, position=tail.position, digest=tail.digest.hex())


async def _tail(lease: asyncpg.Connection) -> Tail:
    row = await lease.fetchrow(_TAIL)
    return Tail(row["position"], row["seq"], row["digest"]) if row else Tail()


async def _decided(lease: asyncpg.Connection) -> bool:
    """Wait a little until every transaction that has an id by now has ended; say whether it did."""
    following = await lease.fetchval(_NEXT_TRANSACTION)
    for wait_s in _LOOK_AGAIN_S:
        if await lease.fetchval(_HORIZON) >= following:
            return True
        await asyncio.sleep(wait_s)
    return False


def _links(tail: Tail, rows: Sequence[asyncpg.Record]) -> list[Link]:
    links = []
    position, digest = tail.position, tail.digest
    for row in rows:
        position += 1
        digest = link_digest(digest, position, row["id"], row["digest"])
        links.append(Link(position, row["seq"], row["id"], row["digest"], digest))
    return links


def _columns(links: Sequence[Link]) -> tuple[list[object], ...]:
    return (
        [link.position for link in links],
        [link.seq for link in links],
        [link.entry_id for link in links],
        [link.entry_digest for link in links],
        [link.digest for link in links],
    )
