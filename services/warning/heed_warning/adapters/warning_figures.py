"""Figures about warnings in PostgreSQL: the watchdog's audit, and how people judged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from heed_shared.database import Transaction
from heed_warning.application.warning_ports import EscalationAudit, Precision
from heed_warning.domain.panel import Cell

_MARK = """
INSERT INTO escalation_check (checked_at) VALUES ($1)
ON CONFLICT (only_one) DO UPDATE SET checked_at = excluded.checked_at
"""
_CHECKED_AT = "SELECT checked_at FROM escalation_check"
# It reads the chains themselves, not the column by which the keeper finds its work.
_AUDIT = """
SELECT count(*) FILTER (WHERE state = 2) AS unacknowledged,
       coalesce(sum(due), 0)::integer AS due,
       coalesce(sum(done), 0)::integer AS done,
       coalesce(array_agg('warnings/' || region_code || '-' || uid ORDER BY region_code, uid)
                FILTER (WHERE done < due), '{}') AS missing
FROM warning
CROSS JOIN LATERAL (
    SELECT count(*) AS due, count(done_at) AS done
    FROM jsonb_to_recordset(escalation_steps) AS step (due_at timestamptz, done_at timestamptz)
    WHERE due_at <= $1
) AS steps
WHERE state <> 4 AND region_code LIKE ALL ($2::text[])
"""
# An empty category groups all of them; a code is never empty.
_PRECISION = """
SELECT coalesce(region_code, '') AS region_code, coalesce(category_code, '') AS category_code,
       count(*) AS fired,
       count(*) FILTER (WHERE verdict > 0) AS judged,
       count(*) FILTER (WHERE verdict = 1) AS confirmed,
       count(*) FILTER (WHERE verdict = 2) AS explained,
       count(*) FILTER (WHERE verdict = 3) AS false,
       percentile_cont(0.5) WITHIN GROUP (
           ORDER BY extract(epoch FROM acknowledged_at - fired_at)
       ) / 3600 AS hours
FROM warning
WHERE fired_on BETWEEN $3 AND $4
  AND region_code LIKE ALL ($1::text[])
  AND ($2 = '' OR category_code = $2)
GROUP BY GROUPING SETS ((), (region_code, category_code))
ORDER BY grouping(region_code) DESC, fired DESC, region_code, category_code
LIMIT $5
"""
MOST_ROWS = 1000


class PostgresEscalationChecks:
    """Implements the port EscalationChecks."""

    async def mark(self, tx: Transaction, now: datetime) -> None:
        """Note that the watchdog looked."""
        await tx.connection.exec_driver_sql(_MARK, (now,))

    async def checked_at(self, connection: AsyncConnection) -> datetime | None:
        """Return when it last looked."""
        found = (await connection.exec_driver_sql(_CHECKED_AT)).scalar_one_or_none()
        return found if isinstance(found, datetime) else None

    async def audit(
        self, connection: AsyncConnection, due_by: datetime, prefixes: Sequence[str]
    ) -> EscalationAudit:
        """Compare due with done, for regions that begin with all of the prefixes."""
        patterns = [f"{prefix}%" for prefix in prefixes]
        row = (await connection.exec_driver_sql(_AUDIT, (due_by, patterns))).one()
        return EscalationAudit(row.unacknowledged, row.due, row.done, tuple(row.missing))


class PostgresPrecisions:
    """Implements the port Precisions."""

    async def precision(
        self,
        connection: AsyncConnection,
        prefixes: Sequence[str],
        category: str,
        first: date,
        last: date,
    ) -> Sequence[Precision]:
        """Return the figures of all together, then of each cell, most fired first."""
        patterns = [f"{prefix}%" for prefix in prefixes]
        asked = (patterns, category, first, last, MOST_ROWS + 1)
        return [
            Precision(
                cell=Cell(row.region_code, row.category_code) if row.region_code else None,
                fired=row.fired,
                judged=row.judged,
                confirmed=row.confirmed,
                explained=row.explained,
                false=row.false,
                median_hours_to_acknowledge=row.hours,
            )
            for row in await connection.exec_driver_sql(_PRECISION, asked)
        ]
