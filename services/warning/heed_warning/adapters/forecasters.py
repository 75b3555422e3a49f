"""Trained forecasters in PostgreSQL, and the one in use in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from heed_shared import logs
from heed_shared.database import Database, Transaction
from heed_warning.adapters.warning_rows import loads, staff_json, staff_of
from heed_warning.application.log_names import WarningLog
from heed_warning.domain.forecaster_record import FamilyScore, ForecasterRecord, ForecasterState
from heed_warning.domain.history import Forecaster
from heed_warning.forecasting.weights import UnknownWeightsError, from_bytes

_COLUMNS = (
    "uid, state, kind, data_from, data_to, seed, code_version, validation_loss, baseline_loss, "
    "coverage_90, cell_count, trained_at, losses, promoted_at, promoted_by, version"
)
_RETIRE = "UPDATE forecaster SET state = 3, version = version + 1 WHERE state = 2"
_ADD = f"""
INSERT INTO forecaster ({_COLUMNS}, weights)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
"""
_LOCK = f"SELECT {_COLUMNS} FROM forecaster WHERE uid = $1 FOR UPDATE"
_PROMOTE = """
UPDATE forecaster SET state = 2, version = $2, promoted_at = $3, promoted_by = $4,
    promotion_reason = $5
WHERE uid = $1
"""
_LIST = f"""
SELECT {_COLUMNS} FROM forecaster
WHERE $1::timestamptz IS NULL OR (trained_at, uid) < ($1, $2)
ORDER BY trained_at DESC, uid DESC
LIMIT $3
"""
_IN_USE = "SELECT data_to, weights FROM forecaster WHERE state = 2"
_CURRENT = "SELECT uid FROM forecaster WHERE state = 2"
_WEIGHTS = "SELECT weights FROM forecaster WHERE uid = $1"


class PostgresForecasters:
    """Implements the port Forecasters."""

    async def add(self, tx: Transaction, record: ForecasterRecord, weights: bytes) -> None:
        """Store one; if it is to be current, the present one retires."""
        if record.state is ForecasterState.CURRENT:
            await tx.connection.exec_driver_sql(_RETIRE)
        values = dict(vars(record))
        values["losses"] = json.dumps([asdict(score) for score in record.losses])
        values["promoted_by"] = staff_json(record.promoted_by)
        await tx.connection.exec_driver_sql(_ADD, (*values.values(), weights))

    async def lock(self, tx: Transaction, uid: UUID) -> ForecasterRecord | None:
        """Return one, locked until the end of the transaction."""
        row = (await tx.connection.exec_driver_sql(_LOCK, (uid,))).one_or_none()
        return _record(row) if row else None

    async def promote(self, tx: Transaction, record: ForecasterRecord, reason: str) -> None:
        """Put one to use as its record says; the present one retires."""
        await tx.connection.exec_driver_sql(_RETIRE)
        by = staff_json(record.promoted_by)
        arguments = (record.uid, record.version, record.promoted_at, by, reason)
        await tx.connection.exec_driver_sql(_PROMOTE, arguments)

    async def in_use(self, connection: AsyncConnection) -> tuple[date, bytes] | None:
        """Return the last day of the data of the one in use, and its weights."""
        row = (await connection.exec_driver_sql(_IN_USE)).one_or_none()
        return (row.data_to, bytes(row.weights)) if row else None

    async def list(
        self, connection: AsyncConnection, before: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[ForecasterRecord]:
        """Return a page, newest first."""
        trained_at, uid = before or (None, None)
        rows = await connection.exec_driver_sql(_LIST, (trained_at, uid, limit))
        return [_record(row) for row in rows]


class CurrentModel:
    """Implements the port Models: asks which forecaster is in use, and loads it when it changed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._uid: UUID | None = None
        self._forecaster: Forecaster | None = None

    async def current(self) -> Forecaster | None:
        """Return the trained forecaster in use; None when there is none that this code can read.

        Then the baseline answers until one is trained by this code.
        """
        async with self._database.read() as connection:
            uid = (await connection.exec_driver_sql(_CURRENT)).scalar_one_or_none()
            if uid == self._uid:
                return self._forecaster
            weights = None
            if uid is not None:
                weights = (await connection.exec_driver_sql(_WEIGHTS, (uid,))).scalar_one()
        loaded = None
        if weights is not None:
            loaded = await asyncio.to_thread(_loaded, f"forecasters/{uid}", weights)
        self._uid, self._forecaster = uid, loaded
        return loaded


def _loaded(name: str, weights: bytes) -> Forecaster | None:
    try:
        return from_bytes(name, weights)
    except UnknownWeightsError as error:
        logs.warning(WarningLog.FORECASTER_UNREADABLE, name=name, code_version=str(error))
        return None


def _record(row: Any) -> ForecasterRecord:
    fields = dict(row._mapping)  # noqa: SLF001 - the documented way to a row's columns
    fields["losses"] = tuple(FamilyScore(**score) for score in loads(row.losses))
    fields["promoted_by"] = staff_of(loads(row.promoted_by))
    return ForecasterRecord(**fields | {"state": ForecasterState(row.state)})
