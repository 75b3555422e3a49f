"""Walks the chain and says where it breaks, in bounded memory whatever its length.

At each place it asks, in this order: is the place there, is its entry there, does it stand behind
the one before it, is it the entry that was sealed, is its content what was sealed, does the digest
follow from the one before it, and is there an entry between that the chain does not know.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
from heed.audit.v1.audit_service_pb2 import ChainFault

from heed_shared.audit.entries import COLUMNS, Entry
from heed_shared.audit.sealing import BEGINNING, link_digest
from heed_shared.database import Database, raw

_BATCH = 500
_LAST = "SELECT position, seq, digest FROM audit_chain ORDER BY position DESC LIMIT 1"
_BEFORE = "SELECT seq, digest FROM audit_chain WHERE position = $1"
_ENTRY_COLUMNS = ", ".join(f"entry.{name.strip()}" for name in COLUMNS.split(","))
_LINKS = f"""
SELECT position, chain.seq, entry_id, entry_digest, chain.digest AS chain_digest,
       entry.seq IS NULL AS gone, {_ENTRY_COLUMNS}
  FROM audit_chain AS chain LEFT JOIN audit_entry AS entry USING (seq)
 WHERE position > $1 AND position <= $2
 ORDER BY position
 LIMIT $3
"""
_UNKNOWN = """
SELECT id FROM audit_entry
 WHERE seq > $1 AND seq <= $2
   AND NOT EXISTS (SELECT FROM audit_chain WHERE audit_chain.seq = audit_entry.seq)
 ORDER BY seq
 LIMIT 1
"""
_UNSEALED = "SELECT count(*) FROM audit_entry WHERE seq > $1"


@dataclass(frozen=True)
class Fault:
    """The first place at which a chain breaks."""

    kind: "ChainFault.Kind.ValueType"
    position: int
    entry_id: str = ""


@dataclass(frozen=True)
class Verdict:
    """What a walk along the chain found."""

    checked: int
    last_position: int
    last_digest: bytes
    unsealed: int
    fault: Fault | None


@dataclass
class _Walk:
    """Where a walk stands: everything up to here is as it was sealed."""

    position: int
    seq: int
    digest: bytes
    checked: int = 0


async def verify(database: Database, from_position: int = 1, known_digest: bytes = b"") -> Verdict:
    """Check the chain from a place on.

    Args:
        database: Of the service.
        from_position: The first place to check; everything before it is taken as it stands.
        known_digest: Digest of the place before it, kept from an earlier check; empty takes the
            stored one. It is what finds a chain that was rewritten as a whole.
    """
    before = max(from_position, 1) - 1
    async with database.read() as connection:
        driver = await raw(connection)
        last = await driver.fetchrow(_LAST)
        at_end = (last["position"], last["seq"], last["digest"]) if last else (0, 0, BEGINNING)
        walk, fault = await _start(driver, before, known_digest, at_end[0])
        unsealed = await driver.fetchval(_UNSEALED, at_end[1])
    while fault is None and walk.position < at_end[0]:
        # A transaction for each part: none stays open for as long as a long chain takes.
        async with database.read() as connection:
            driver = await raw(connection)
            rows = await driver.fetch(_LINKS, walk.position, at_end[0], _BATCH)
            fault = _check(walk, rows) or await _unknown(driver, walk, rows)
            if not rows:
                fault = Fault(ChainFault.KIND_REMOVED, walk.position + 1)
    return Verdict(walk.checked, at_end[0], at_end[2], unsealed, fault)


async def _start(
    driver: asyncpg.Connection, before: int, known_digest: bytes, last_position: int
) -> tuple[_Walk, Fault | None]:
    row = await driver.fetchrow(_BEFORE, before) if before else None
    seq, stored = (row["seq"], row["digest"]) if row else (0, BEGINNING)
    walk = _Walk(before, seq, known_digest or stored)
    if before and row is None:
        # Whoever asks from here on has seen a longer chain, or this place is gone.
        return walk, Fault(ChainFault.KIND_REMOVED, min(before, last_position + 1))
    if known_digest and known_digest != stored:
        return walk, Fault(ChainFault.KIND_REWRITTEN, before)
    return walk, None


def _check(walk: _Walk, rows: Sequence[Mapping[str, Any]]) -> Fault | None:
    for row in rows:
        kind = _fault_of(walk, row)
        if kind is not None:
            position = walk.position + 1
            gone = row["gone"] or row["position"] != position
            return Fault(kind, position, "" if gone else str(row["id"]))
        walk.position, walk.seq = row["position"], row["seq"]
        walk.digest = row["chain_digest"]
        walk.checked += 1
    return None


def _fault_of(walk: _Walk, row: Mapping[str, Any]) -> "ChainFault.Kind.ValueType | None":
    if row["position"] != walk.position + 1 or row["gone"]:
        return ChainFault.KIND_REMOVED
    if row["seq"] <= walk.seq:
        return ChainFault.KIND_REORDERED
    content = Entry.of_row(row).digest()
    if row["id"] != row["entry_id"]:
        # A whole entry that stands where another was sealed was moved; anything else was changed.
        moved = content == row["digest"]
        return ChainFault.KIND_REORDERED if moved else ChainFault.KIND_ALTERED
    if content != row["digest"] or content != row["entry_digest"]:
        return ChainFault.KIND_ALTERED
    linked = link_digest(walk.digest, row["position"], row["entry_id"], row["entry_digest"])
    return None if linked == row["chain_digest"] else ChainFault.KIND_REWRITTEN


async def _unknown(
    driver: asyncpg.Connection, walk: _Walk, rows: Sequence[Mapping[str, Any]]
) -> Fault | None:
    """Look for an entry between those of the chain: slipped in, or left out by a new chain."""
    if not rows:
        return None
    first, last = rows[0], rows[-1]
    since = 0 if first["position"] == 1 else first["seq"]
    found = await driver.fetchval(_UNKNOWN, since, last["seq"])
    return Fault(ChainFault.KIND_REWRITTEN, walk.position, str(found)) if found else None
