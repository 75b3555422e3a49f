"""Trained models as rows: weights, how they were made, how good they are, who put them to use."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import asyncpg

from heed_classifier.domain.models import (
    CategoryReport,
    ModelRecord,
    ModelState,
    Promotion,
    Report,
)
from heed_shared.database import Database, raw

_CURRENT = "SELECT name, weights, created_at FROM model WHERE state = 2"
_CURRENT_NAME = "SELECT name FROM model WHERE state = 2"
_WEIGHTS = "SELECT weights FROM model WHERE name = $1"
_COLUMNS = """
    m.name, m.state, m.version, m.recipe, m.metrics, m.created_at, m.promoted_at,
    p.identity, p.display_name, p.unit
    FROM model m LEFT JOIN LATERAL (
        SELECT identity, display_name, unit FROM model_promotion
        WHERE model = m.name ORDER BY id DESC LIMIT 1
    ) p ON true
"""
_ONE = f"SELECT {_COLUMNS} WHERE m.name = $1"
_PAGE = f"""
SELECT {_COLUMNS}
WHERE $1::timestamptz IS NULL OR (m.created_at, m.name) < ($1, $2)
ORDER BY m.created_at DESC, m.name DESC LIMIT $3
"""
_INSERT = """
INSERT INTO model (name, created_at, weights, recipe, metrics)
VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO NOTHING
"""
# Whoever puts a model to use waits for whoever does it now; else two could be in use.
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('classifier.model'))"
_RETIRE = """
UPDATE model SET state = 3, version = version + 1 WHERE state = 2 RETURNING name
"""
_PROMOTE = """
UPDATE model SET state = 2, version = version + 1, promoted_at = $2 WHERE name = $1
"""
_PROMOTED = """
INSERT INTO model_promotion
    (model, previous, promoted_at, identity, display_name, unit, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_NOBODY = Promotion("", "", "")


@dataclass(frozen=True)
class StoredModel:
    """A model that is in use."""

    name: str
    weights: bytes
    trained_at: datetime


class ModelTable:
    """The tables ``model`` and ``model_promotion``, inside the caller's transaction."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def lock(self) -> None:
        """Wait until nobody else puts a model to use, until the end of the transaction."""
        await self._connection.execute(_LOCK)

    async def current_name(self) -> str:
        """Name of the model in use; empty when there is none."""
        return str(await self._connection.fetchval(_CURRENT_NAME) or "")

    async def get(self, name: str) -> ModelRecord | None:
        """One model."""
        row = await self._connection.fetchrow(_ONE, name)
        return _record(row) if row else None

    async def weights(self, name: str) -> bytes | None:
        """The weights of a model; None when there is no such model."""
        found = await self._connection.fetchval(_WEIGHTS, name)
        return bytes(found) if found is not None else None

    async def page(self, before: tuple[datetime, str] | None, most: int) -> list[ModelRecord]:
        """Models, latest first."""
        created_at, name = before or (None, None)
        rows = await self._connection.fetch(_PAGE, created_at, name, most)
        return [_record(row) for row in rows]

    async def add(
        self,
        name: str,
        weights: bytes,
        recipe: Mapping[str, Any],
        metrics: Mapping[str, Any],
        now: datetime,
    ) -> None:
        """Store a candidate; one with the same name stays as it is."""
        await self._connection.execute(
            _INSERT, name, now, weights, json.dumps(recipe), json.dumps(metrics)
        )

    async def promote(
        self, name: str, now: datetime, by: Promotion | None = None, reason: str = ""
    ) -> None:
        """Put a model to use in place of the present one; call ``lock`` before."""
        previous = await self._connection.fetchval(_RETIRE) or ""
        await self._connection.execute(_PROMOTE, name, now)
        who = by or _NOBODY
        await self._connection.execute(
            _PROMOTED, name, previous, now, who.identity, who.display_name, who.unit, reason
        )


async def current_model(database: Database) -> StoredModel | None:
    """The model in use; None when there is none."""
    async with database.read() as connection:
        row = await (await raw(connection)).fetchrow(_CURRENT)
    return StoredModel(row["name"], bytes(row["weights"]), row["created_at"]) if row else None


async def store_model(
    database: Database,
    name: str,
    weights: bytes,
    recipe: Mapping[str, Any],
    metrics: Mapping[str, Any],
    now: datetime,
    *,
    instead_of: str = "",
) -> None:
    """Store a model and put it to use if ``instead_of`` is what is in use; empty means nothing.

    Of a name there is one: it stays as it is.
    """
    async with database.transaction() as tx:
        table = ModelTable(await raw(tx.connection))
        await table.lock()
        await table.add(name, weights, recipe, metrics, now)
        if await table.current_name() == instead_of != name:
            await table.promote(name, now)
        await tx.commit()


def report_of(metrics: Mapping[str, Any]) -> Report:
    """A report from JSON; what it does not say is 0."""
    numbers = {field: float(metrics.get(field, 0.0)) for field in _FIGURES}
    categories: Sequence[Mapping[str, Any]] = metrics.get("categories", ())
    return Report(
        text_count=int(metrics.get("text_count", 0)),
        categories=tuple(CategoryReport(**item) for item in categories),
        **numbers,
    )


_FIGURES = (
    "macro_f1", "accuracy", "calibration_error", "auto_share", "auto_precision", "nature_accuracy",
)  # fmt: skip


def _record(row: asyncpg.Record) -> ModelRecord:
    recipe: dict[str, Any] = row["recipe"]
    by = Promotion(row["identity"], row["display_name"], row["unit"]) if row["identity"] else None
    return ModelRecord(
        name=row["name"],
        state=ModelState(row["state"]),
        version=row["version"],
        data_from=_to_day(recipe.get("data_from", "")),
        data_to=_to_day(recipe.get("data_to", "")),
        seed=int(recipe.get("seed", 0)),
        code_version=str(recipe.get("code_version", "")),
        taxonomy_version=str(recipe.get("taxonomy_version", "")),
        text_count=int(recipe.get("text_count", 0)),
        corrected_count=int(recipe.get("corrected_count", 0)),
        last_correction=int(recipe.get("last_correction", 0)),
        report=report_of(row["metrics"]),
        trained_at=row["created_at"],
        promoted_at=row["promoted_at"],
        promoted_by=by,
    )


def _to_day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
