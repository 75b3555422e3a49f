"""Warnings and evaluation runs in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from heed_shared.database import Transaction
from heed_warning.adapters.warning_rows import COLUMNS, kept_of, row_of
from heed_warning.application.ports import Kept, RegionCount, Run, WarningFilter
from heed_warning.domain.life import CellWarning
from heed_warning.domain.panel import Cell

_KEYS = {"region_code", "uid", "category_code", "first_exceeded_on"}
_NAMES = COLUMNS.split(", ")
_SAVE = f"""
INSERT INTO warning ({COLUMNS})
VALUES ({", ".join(f"${number}" for number in range(1, len(_NAMES) + 1))})
ON CONFLICT (region_code, uid) DO UPDATE
SET {", ".join(f"{name} = excluded.{name}" for name in _NAMES if name not in _KEYS)}
"""
_SELECT = f"SELECT {COLUMNS} FROM warning "
# A cell has one open warning at most, and it comes before those that rest.
_STANDING = (
    _SELECT
    + """
WHERE state <> 4 OR rest_level > 0
ORDER BY region_code, category_code, state <> 4, uid
FOR UPDATE
"""
)
_GET = _SELECT + "WHERE region_code = $1 AND uid = $2"
_GET_ALL = _SELECT + "WHERE uid = ANY($1::uuid[]) ORDER BY updated_at DESC, uid DESC"
_MATCHING = (
    _SELECT
    + """
WHERE uid = ANY($1::uuid[]) AND region_code LIKE ALL ($2::text[])
  AND ($3 = '' OR category_code = $3)
"""
)
_LIST = (
    _SELECT
    + """
WHERE state = ANY($1::smallint[])
  AND ($2 = '' OR category_code = $2)
  AND region_code LIKE ALL ($3::text[])
  AND ($4::timestamptz IS NULL OR (updated_at, uid) < ($4, $5::uuid))
ORDER BY updated_at DESC, uid DESC
LIMIT $6
"""
)
_FORGET = "DELETE FROM warning WHERE state = 1 AND uid = ANY($1::uuid[])"
_END_REST = """
UPDATE warning SET rest_level = 0
FROM unnest($1::text[], $2::text[]) AS raised (region_code, category_code)
WHERE warning.region_code = raised.region_code
  AND warning.category_code = raised.category_code AND rest_level > 0
"""
# A step is due; a silence began or ended; what covered a warning from above no longer does.
_NEED_CARE = """
SELECT EXISTS (SELECT FROM warning WHERE next_step_due_at <= $1)
    OR EXISTS (SELECT FROM warning JOIN silence ON silence.uid = warning.silenced_by
               WHERE state <> 4 AND ends_at <= $1)
    OR EXISTS (SELECT FROM warning JOIN silence
                   ON starts_at <= $1 AND ends_at > $1
                  AND starts_with(region_code, region_prefix)
                  AND silence.category_code IN ('', warning.category_code)
               WHERE state IN (2, 3, 5) AND silenced_by IS NULL
                 AND greatest(proposed_level, effective_level) < 3)
    OR EXISTS (SELECT FROM warning AS quiet LEFT JOIN warning AS above
                   ON quiet.inhibited_by = 'warnings/' || above.region_code || '-' || above.uid
                  AND above.state <> 4
               WHERE quiet.state <> 4 AND quiet.inhibited_by <> ''
                 AND (above.uid IS NULL OR above.verdict IN (2, 3)
                      OR above.silenced_by IS NOT NULL OR above.inhibited_by <> ''
                      OR above.effective_level < quiet.effective_level))
"""
# Evaluations of two days at once would move warnings in the wrong order.
_LOCK_RUNS = "SELECT pg_advisory_xact_lock(hashtextextended('heed.warning.evaluation', 0))"
_BEGIN_RUN = """
INSERT INTO evaluation_run
    (as_of, cell_count, insufficient_history_count, forecaster, changed_uids, evaluated_at,
     region_codes, region_cell_counts, region_short_counts)
SELECT $1::date, $2::integer, $3::integer, $4::text, '{}'::uuid[], $5::timestamptz,
       $6::text[], $7::integer[], $8::integer[]
WHERE NOT EXISTS (SELECT FROM evaluation_run WHERE as_of > $1)
ON CONFLICT (as_of) DO NOTHING
RETURNING as_of
"""
_FINISH_RUN = "UPDATE evaluation_run SET changed_uids = $2 WHERE as_of = $1"
_LATEST_RUN = """
SELECT as_of, cell_count, insufficient_history_count, forecaster, changed_uids,
       region_codes, region_cell_counts, region_short_counts
FROM evaluation_run ORDER BY as_of DESC LIMIT 1
"""


class PostgresWarnings:
    """Implements the port Warnings."""

    async def begin_run(self, tx: Transaction, run: Run, evaluated_at: datetime) -> bool:
        """Claim the evaluation of a day; False when it, or that of a later day, was made."""
        await tx.connection.exec_driver_sql(_LOCK_RUNS)
        row = (
            run.as_of,
            run.cell_count,
            run.insufficient_history_count,
            run.forecaster,
            evaluated_at,
            [item.region for item in run.regions],
            [item.cell_count for item in run.regions],
            [item.insufficient_history_count for item in run.regions],
        )
        claimed = await tx.connection.exec_driver_sql(_BEGIN_RUN, row)
        return claimed.first() is not None

    async def finish_run(self, tx: Transaction, as_of: date, changed: Sequence[UUID]) -> None:
        """Note which warnings the evaluation changed."""
        await tx.connection.exec_driver_sql(_FINISH_RUN, (as_of, list(changed)))

    async def latest_run(self, connection: AsyncConnection) -> Run | None:
        """Return the evaluation of the latest day."""
        row = (await connection.exec_driver_sql(_LATEST_RUN)).first()
        return _run(row) if row else None

    async def standing(self, tx: Transaction) -> dict[Cell, CellWarning]:
        """Return the open warning of each cell, or its latest that rests, locked."""
        rows = await tx.connection.exec_driver_sql(_STANDING)
        return {kept.warning.cell: kept.warning for kept in map(kept_of, rows)}

    async def save(
        self, tx: Transaction, warnings: Sequence[CellWarning], updated_at: datetime
    ) -> None:
        """Write warnings, new or changed; each has the version that it is to have."""
        rows = [row_of(warning, updated_at) for warning in warnings]
        if rows:
            await tx.connection.exec_driver_sql(_SAVE, rows)

    async def forget(self, tx: Transaction, warnings: Sequence[CellWarning]) -> None:
        """Delete pending warnings that lapsed."""
        if warnings:
            uids = [warning.uid for warning in warnings]
            await tx.connection.exec_driver_sql(_FORGET, (uids,))

    async def need_care(self, connection: AsyncConnection, now: datetime) -> bool:
        """Say whether a step is due, or something may have become quiet or loud by the clock."""
        return bool((await connection.exec_driver_sql(_NEED_CARE, (now,))).scalar_one())

    async def end_rest(self, tx: Transaction, warnings: Sequence[CellWarning]) -> None:
        """Let the resting warnings of these warnings' cells rest no more."""
        if warnings:
            regions = [warning.cell.region for warning in warnings]
            categories = [warning.cell.category for warning in warnings]
            await tx.connection.exec_driver_sql(_END_REST, (regions, categories))

    async def get(
        self, connection: AsyncConnection, region: str, uid: UUID, *, lock: bool = False
    ) -> Kept | None:
        """Return one warning."""
        statement = _GET + (" FOR UPDATE" if lock else "")
        row = (await connection.exec_driver_sql(statement, (region, uid))).first()
        return kept_of(row) if row else None

    async def get_all(self, connection: AsyncConnection, uids: Sequence[UUID]) -> list[Kept]:
        """Return warnings by uid, latest change first."""
        return [kept_of(row) for row in await connection.exec_driver_sql(_GET_ALL, (list(uids),))]

    async def matching(
        self,
        connection: AsyncConnection,
        uids: Sequence[UUID],
        prefixes: Sequence[str],
        category: str,
    ) -> list[Kept]:
        """Return those of some warnings that lie in a region and category."""
        row = (list(uids), [f"{prefix}%" for prefix in prefixes], category)
        return [kept_of(item) for item in await connection.exec_driver_sql(_MATCHING, row)]

    async def list(
        self,
        connection: AsyncConnection,
        wanted: WarningFilter,
        after: tuple[datetime, UUID] | None,
        limit: int,
    ) -> Sequence[Kept]:
        """Return a page of warnings, latest change first."""
        updated_at, uid = after or (None, None)
        patterns = [f"{prefix}%" for prefix in wanted.region_prefixes]
        states = [int(state) for state in wanted.states]
        row = (states, wanted.category, patterns, updated_at, uid, limit)
        return [kept_of(row) for row in await connection.exec_driver_sql(_LIST, row)]


def _run(row: Any) -> Run:
    return Run(
        as_of=row.as_of,
        cell_count=row.cell_count,
        insufficient_history_count=row.insufficient_history_count,
        forecaster=row.forecaster,
        changed=tuple(row.changed_uids),
        regions=tuple(
            map(RegionCount, row.region_codes, row.region_cell_counts, row.region_short_counts)
        ),
    )
