"""What an entry of the audit says, its digest, and how it is written.

The digest covers every field of the entry and nothing else, in a form that anybody can compute
again: SHA-256 of ``heed.audit.v1``, a zero byte and the fields as one JSON array in UTF-8, in the
order of ``_FIELDS``, without spaces, times as whole microseconds since 1970.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from heed.audit.v1.audit_service_pb2 import AuditAction

from heed_shared import telemetry

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ACTION_NAMES: dict[int, str] = {
    number: name.removeprefix("AUDIT_ACTION_").lower() for name, number in AuditAction.items()
}
_CONTEXT = b"heed.audit.v1\0"

COLUMNS = (
    "id, done_at, actor, actor_name, unit, roles, action, method, resource, region_code,"
    " purpose, legal_basis, result_count, trace_id, digest"
)
"""Columns of the table that hold an entry, in the order of the statement below."""

# One statement for any number of entries. Roles travel joined: arrays of arrays do not unnest row
# by row. Transaction id and sequence number come from the columns' defaults; the app role may not
# give them itself.
_INSERT = """
INSERT INTO "{schema}".audit_entry ({columns})
SELECT id, done_at, actor, actor_name, unit, string_to_array(roles, ','), action, method, resource,
       region_code, purpose, legal_basis, result_count, trace_id, digest
  FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[],
              $7::smallint[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[],
              $13::integer[], $14::text[], $15::bytea[])
       AS given({columns})
"""


@dataclass(frozen=True)
class Entry:
    """Who did what, when and for what purpose; never petition text, contact or token."""

    id: UUID
    done_at: datetime
    actor: str
    """Identity of whoever did it, such as ``staff/1001``."""
    actor_name: str
    unit: str
    roles: tuple[str, ...]
    action: int
    """A number of heed.audit.v1.AuditAction."""
    method: str
    resource: str = ""
    region_code: str = ""
    purpose: str = ""
    legal_basis: str = ""
    result_count: int = 0
    trace_id: str = ""

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> "Entry":
        """Return the entry in a row with ``COLUMNS``."""
        names = [name for name in _FIELDS if name != "roles"]
        return cls(roles=tuple(row["roles"]), **{name: row[name] for name in names})

    def digest(self) -> bytes:
        """Return the digest of the entry, 32 bytes."""
        fields = [
            str(self.id),
            (self.done_at - _EPOCH) // _MICROSECOND,
            self.actor,
            self.actor_name,
            self.unit,
            list(self.roles),
            self.action,
            self.method,
            self.resource,
            self.region_code,
            self.purpose,
            self.legal_basis,
            self.result_count,
            self.trace_id,
        ]
        text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(_CONTEXT + text.encode()).digest()


_FIELDS = tuple(Entry.__dataclass_fields__)


async def insert_entries(
    driver: asyncpg.Connection,
    schema: str,
    entries: Sequence[Entry],
    timeout_s: float | None = None,
) -> None:
    """Write entries in the transaction of ``driver``, in the order given."""
    await driver.execute(
        _INSERT.format(schema=schema, columns=COLUMNS),
        [entry.id for entry in entries],
        [entry.done_at for entry in entries],
        [entry.actor for entry in entries],
        [entry.actor_name for entry in entries],
        [entry.unit for entry in entries],
        [",".join(entry.roles) for entry in entries],
        [entry.action for entry in entries],
        [entry.method for entry in entries],
        [entry.resource for entry in entries],
        [entry.region_code for entry in entries],
        [entry.purpose for entry in entries],
        [entry.legal_basis for entry in entries],
        [entry.result_count for entry in entries],
        [entry.trace_id for entry in entries],
        [entry.digest() for entry in entries],
        timeout=timeout_s,
    )


def count_written(actions: Iterable[int]) -> None:
    """Record that entries of these actions were written, after their commit."""
    for action in actions:
        telemetry.record("heed.audit.written", 1, action=_ACTION_NAMES[action])
