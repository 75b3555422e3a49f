"""Reads pages of entries, newest first, of one region and its parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from heed_shared.audit.entries import COLUMNS, Entry
from heed_shared.database import Database

_ENTRY_COLUMNS = ", ".join(f"entry.{name.strip()}" for name in COLUMNS.split(","))
# Codes are digits and capitals, all of which come before the tilde.
_CONDITIONS = {
    "region_prefix": "region_code >= :region_prefix AND region_code < :region_prefix || '~'",
    "done_from": "done_at >= :done_from",
    "done_before": "done_at < :done_before",
    "resource": "resource = :resource",
    "action": "action = :action",
    "actor": "actor = :actor",
    "before": "entry.seq < :before",
}


@dataclass(frozen=True)
class EntryFilter:
    """Which entries to list; what is empty does not narrow."""

    region_prefix: str = ""
    done_from: datetime | None = None
    done_before: datetime | None = None
    resource: str = ""
    action: int = 0
    actor: str = ""


@dataclass(frozen=True)
class Listed:
    """An entry and where it stands."""

    entry: Entry
    seq: int
    position: int
    """Place in the chain; 0 while it has none."""


async def list_entries(
    database: Database, which: EntryFilter, before: int | None, limit: int
) -> Sequence[Listed]:
    """Return at most ``limit`` entries with numbers below ``before``."""
    values = {name: value for name, value in vars(which).items() if value}
    if before is not None:
        values["before"] = before
    conditions = " AND ".join(_CONDITIONS[name] for name in values) or "true"
    statement = text(
        f"SELECT entry.seq, coalesce(chain.position, 0) AS position, {_ENTRY_COLUMNS}"
        "  FROM audit_entry AS entry LEFT JOIN audit_chain AS chain USING (seq)"
        f" WHERE {conditions} ORDER BY entry.seq DESC LIMIT :limit"
    )
    async with database.read() as connection:
        rows = (await connection.execute(statement, values | {"limit": limit})).mappings().all()
    return [Listed(Entry.of_row(dict(row)), row["seq"], row["position"]) for row in rows]
