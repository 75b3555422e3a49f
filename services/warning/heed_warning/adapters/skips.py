"""Reads which days judged warnings explain, so that they are left out of what is usual."""

from __future__ import annotations

from datetime import date

from sqlalchemy.ext.asyncio import AsyncConnection

from heed_warning.adapters.warning_rows import loads
from heed_warning.domain.life import Verdict
from heed_warning.domain.panel import Cell
from heed_warning.domain.skips import Skip, skip_of

_EXPLAINED = """
SELECT region_code, category_code, first_exceeded_on, resolved_on, evaluation, verdict
FROM warning
WHERE verdict = ANY($1::smallint[]) AND first_exceeded_on <= $2
ORDER BY region_code, category_code, first_exceeded_on
"""
_VERDICTS = [int(Verdict.CONFIRMED), int(Verdict.EXPLAINED)]


class PostgresSkips:
    """Implements the port Skips."""

    async def until(self, connection: AsyncConnection, last: date) -> list[Skip]:
        """Return the days that warnings judged confirmed or explained take out, up to a day."""
        return [
            skip_of(
                Cell(row.region_code, row.category_code),
                row.first_exceeded_on,
                min(row.resolved_on or last, last),
                int(loads(row.evaluation)["window_days"]),
                confirmed=row.verdict == Verdict.CONFIRMED,
            )
            for row in await connection.exec_driver_sql(_EXPLAINED, (_VERDICTS, last))
        ]
