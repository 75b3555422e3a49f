"""Warnings and evaluation runs in PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from heed_shared.database import Transaction
from heed_warning.application.ports import Kept, Run, WarningFilter
from heed_warning.domain.evaluator import Outcome
from heed_warning.domain.life import CellWarning, Evaluation, Staff, State, Verdict
from heed_warning.domain.panel import Cell
from heed_warning.domain.policy import Level

_COLUMNS = (
    "region_code, uid, category_code, state, proposed_level, effective_level, red_confirmed, "
    "first_exceeded_on, fired_on, resolved_on, exceeded_streak, lower_streak, lower_level, "
    "rest_level, peak_count, evaluation, verdict, acknowledged_by, level_confirmed_by, judged_by, "
    "note, version, updated_at"
)
_KEYS = {"region_code", "uid", "category_code", "first_exceeded_on"}
_NAMES = _COLUMNS.split(", ")
_SAVE = f"""
INSERT INTO warning ({_COLUMNS})
VALUES ({", ".join(f"${number}" for number in range(1, len(_NAMES) + 1))})
ON CONFLICT (region_code, uid) DO UPDATE
SET {", ".join(f"{name} = excluded.{name}" for name in _NAMES if name not in _KEYS)}
"""
_SELECT = f"SELECT {_COLUMNS} FROM warning "
# A cell has one open warning at most, and it comes before those that rest.
_STANDING = (
    _SELECT
    + """
WHERE state < 4 OR rest_level > 0
ORDER BY region_code, category_code, state < 4, uid
FOR UPDATE
"""
)
_GET = _SELECT + "WHERE region_code = $1 AND uid = $2"
_GET_ALL = _SELECT + "WHERE uid = ANY($1::uuid[]) ORDER BY updated_at DESC, uid DESC"
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
# Evaluations of two days at once would move warnings in the wrong order.
_LOCK_RUNS = "SELECT pg_advisory_xact_lock(hashtextextended('heed.warning.evaluation', 0))"
_BEGIN_RUN = """
INSERT INTO evaluation_run
    (as_of, cell_count, insufficient_history_count, forecaster, changed_uids, evaluated_at)
SELECT $1::date, $2::integer, $3::integer, $4::text, '{}'::uuid[], $5::timestamptz
WHERE NOT EXISTS (SELECT FROM evaluation_run WHERE as_of > $1)
ON CONFLICT (as_of) DO NOTHING
RETURNING as_of
"""
_FINISH_RUN = "UPDATE evaluation_run SET changed_uids = $2 WHERE as_of = $1"
_LATEST_RUN = """
SELECT as_of, cell_count, insufficient_history_count, forecaster, changed_uids
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
        rows = [_row(warning, updated_at) for warning in warnings]
        if rows:
            await tx.connection.exec_driver_sql(_SAVE, rows)

    async def forget(self, tx: Transaction, warnings: Sequence[CellWarning]) -> None:
        """Delete pending warnings that lapsed."""
        if warnings:
            uids = [warning.uid for warning in warnings]
            await tx.connection.exec_driver_sql(_FORGET, (uids,))

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
    )


def _row(warning: CellWarning, updated_at: datetime) -> tuple[object, ...]:
    return (
        warning.cell.region,
        warning.uid,
        warning.cell.category,
        warning.state,
        warning.proposed,
        warning.effective,
        warning.red_confirmed,
        warning.first_exceeded_on,
        warning.fired_on,
        warning.resolved_on,
        warning.exceeded_streak,
        warning.lower_streak,
        warning.lower_level,
        warning.rest_level,
        warning.peak_count,
        _evaluation_json(warning.evaluation),
        warning.verdict,
        _staff_json(warning.acknowledged_by),
        _staff_json(warning.level_confirmed_by),
        _staff_json(warning.judged_by),
        warning.note,
        warning.version,
        updated_at,
    )


def kept_of(row: Any) -> Kept:
    """Return the warning of a row with all columns."""
    warning = CellWarning(
        uid=row.uid,
        cell=Cell(row.region_code, row.category_code),
        state=State(row.state),
        proposed=Level(row.proposed_level),
        effective=Level(row.effective_level),
        first_exceeded_on=row.first_exceeded_on,
        evaluation=_evaluation(Cell(row.region_code, row.category_code), _loads(row.evaluation)),
        peak_count=row.peak_count,
        exceeded_streak=row.exceeded_streak,
        lower_streak=row.lower_streak,
        lower_level=Level(row.lower_level),
        rest_level=Level(row.rest_level),
        red_confirmed=row.red_confirmed,
        fired_on=row.fired_on,
        resolved_on=row.resolved_on,
        verdict=Verdict(row.verdict),
        acknowledged_by=_staff(_loads(row.acknowledged_by)),
        level_confirmed_by=_staff(_loads(row.level_confirmed_by)),
        judged_by=_staff(_loads(row.judged_by)),
        note=row.note,
        version=row.version,
    )
    return Kept(warning, row.updated_at)


def _loads(value: Any) -> Any:
    """Read a jsonb column, which arrives as text where no codec is set on the connection."""
    return json.loads(value) if isinstance(value, str) else value


def _evaluation_json(evaluation: Evaluation) -> str:
    fields = asdict(evaluation)
    del fields["cell"]
    return json.dumps(fields | {"as_of": evaluation.as_of.isoformat()}, ensure_ascii=False)


def _evaluation(cell: Cell, fields: dict[str, Any]) -> Evaluation:
    read = {
        "as_of": date.fromisoformat(fields["as_of"]),
        "outcome": Outcome(fields["outcome"]),
        "level": Level(fields["level"]),
    }
    return Evaluation(cell=cell, **(fields | read))


def _staff_json(staff: Staff | None) -> str | None:
    return json.dumps(asdict(staff), ensure_ascii=False) if staff else None


def _staff(fields: dict[str, str] | None) -> Staff | None:
    return Staff(**fields) if fields else None
