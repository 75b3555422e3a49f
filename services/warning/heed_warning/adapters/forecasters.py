"""Trained forecasters in PostgreSQL, and the one in use in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from heed_shared.database import Database, Transaction
from heed_warning.domain.forecaster_record import ForecasterRecord, ForecasterState
from heed_warning.domain.history import Forecaster
from heed_warning.forecasting.weights import from_bytes

_COLUMNS = (
    "uid, state, kind, data_from, data_to, seed, code_version, validation_loss, baseline_loss, "
    "coverage_90, cell_count, trained_at"
)
_RETIRE = "UPDATE forecaster SET state = 3 WHERE state = 2"
_ADD = f"""
INSERT INTO forecaster ({_COLUMNS}, weights)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""
_LIST = f"""
SELECT {_COLUMNS} FROM forecaster
WHERE $1::timestamptz IS NULL OR (trained_at, uid) < ($1, $2)
ORDER BY trained_at DESC, uid DESC
LIMIT $3
"""
_CURRENT = "SELECT uid FROM forecaster WHERE state = 2"
_WEIGHTS = "SELECT weights FROM forecaster WHERE uid = $1"


class PostgresForecasters:
    """Implements the port Forecasters."""

    async def add(self, tx: Transaction, record: ForecasterRecord, weights: bytes) -> None:
        """Store one; if it is to be current, the present one retires."""
        if record.state is ForecasterState.CURRENT:
            await tx.connection.exec_driver_sql(_RETIRE)
        await tx.connection.exec_driver_sql(_ADD, (*asdict(record).values(), weights))

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
        """Return the trained forecaster in use; None when there is none."""
        async with self._database.read() as connection:
            uid = (await connection.exec_driver_sql(_CURRENT)).scalar_one_or_none()
            if uid == self._uid:
                return self._forecaster
            weights = None
            if uid is not None:
                weights = (await connection.exec_driver_sql(_WEIGHTS, (uid,))).scalar_one()
        loaded = None
        if weights is not None:
            loaded = await asyncio.to_thread(from_bytes, f"forecasters/{uid}", weights)
        self._uid, self._forecaster = uid, loaded
        return loaded


def _record(row: Any) -> ForecasterRecord:
    fields = dict(row._mapping)  # noqa: SLF001 - the documented way to a row's columns
    return ForecasterRecord(**fields | {"state": ForecasterState(row.state)})
