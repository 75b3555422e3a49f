"""Silences in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from heed_shared.database import Transaction
from heed_warning.adapters.warning_rows import loads, staff_json, staff_of
from heed_warning.application.warning_ports import SilenceFilter
from heed_warning.domain.life import Staff
from heed_warning.domain.silence import Silence

_ADD = """
INSERT INTO silence
    (uid, region_prefix, category_code, starts_at, ends_at, reason, created_by, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_END = """
UPDATE silence SET starts_at = $2, ends_at = $3, ended_by = $4, version = $5 WHERE uid = $1
"""
_GET = "SELECT * FROM silence WHERE uid = $1 FOR UPDATE"
_ACTIVE = "SELECT * FROM silence WHERE starts_at <= $1 AND ends_at > $1 ORDER BY uid"
# One prefix touches another when either begins with the other.
_LIST = """
SELECT * FROM silence
WHERE (starts_with(region_prefix, $1) OR starts_with($1, region_prefix))
  AND (starts_with(region_prefix, $2) OR starts_with($2, region_prefix))
  AND ($3::timestamptz IS NULL OR ends_at > $3)
  AND ($4::uuid IS NULL OR uid < $4)
ORDER BY uid DESC
LIMIT $5
"""


class PostgresSilences:
    """Implements the port Silences."""

    async def add(self, tx: Transaction, silence: Silence) -> None:
        """Store a silence."""
        row = (
            silence.uid,
            silence.region_prefix,
            silence.category,
            silence.starts_at,
            silence.ends_at,
            silence.reason,
            staff_json(silence.created_by),
            silence.version,
        )
        await tx.connection.exec_driver_sql(_ADD, row)

    async def end(self, tx: Transaction, silence: Silence) -> None:
        """Store the end of a silence."""
        ended_by = staff_json(silence.ended_by)
        row = (silence.uid, silence.starts_at, silence.ends_at, ended_by, silence.version)
        await tx.connection.exec_driver_sql(_END, row)

    async def get(self, tx: Transaction, uid: UUID) -> Silence | None:
        """Return one silence, locked."""
        row = (await tx.connection.exec_driver_sql(_GET, (uid,))).first()
        return _silence(row) if row else None

    async def active(self, connection: AsyncConnection, now: datetime) -> Sequence[Silence]:
        """Return those that hold at a moment."""
        return [_silence(row) for row in await connection.exec_driver_sql(_ACTIVE, (now,))]

    async def list(
        self,
        connection: AsyncConnection,
        wanted: SilenceFilter,
        before: UUID | None,
        limit: int,
    ) -> Sequence[Silence]:
        """Return a page, latest first."""
        row = (wanted.caller_prefix, wanted.region_prefix, wanted.lasting_at, before, limit)
        return [_silence(item) for item in await connection.exec_driver_sql(_LIST, row)]


def _silence(row: Any) -> Silence:
    return Silence(
        uid=row.uid,
        region_prefix=row.region_prefix,
        category=row.category_code,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        reason=row.reason,
        created_by=staff_of(loads(row.created_by)) or Staff("", "", ""),
        ended_by=staff_of(loads(row.ended_by)),
        version=row.version,
    )
