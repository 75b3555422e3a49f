"""Trained models as rows: weights, how they were made, how good they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from heed_shared.database import Database, raw

_CURRENT = """
SELECT name, weights FROM model WHERE promoted_at IS NOT NULL ORDER BY promoted_at DESC LIMIT 1
"""
_INSERT = """
INSERT INTO model (name, created_at, promoted_at, weights, recipe, metrics)
VALUES ($1, $2, $2, $3, $4, $5) ON CONFLICT (name) DO NOTHING
"""


@dataclass(frozen=True)
class StoredModel:
    """A model that is in use."""

    name: str
    weights: bytes


async def current_model(database: Database) -> StoredModel | None:
    """The model that was promoted last; None when there is none."""
    async with database.read() as connection:
        row = await (await raw(connection)).fetchrow(_CURRENT)
    return StoredModel(row["name"], bytes(row["weights"])) if row else None


async def store_model(
    database: Database,
    name: str,
    weights: bytes,
    recipe: Mapping[str, Any],
    metrics: Mapping[str, float],
    now: datetime,
) -> None:
    """Store a model and put it to use; one with the same name stays as it is."""
    async with database.transaction() as tx:
        connection = await raw(tx.connection)
        await connection.execute(
            _INSERT, name, now, weights, json.dumps(recipe), json.dumps(metrics)
        )
        await tx.commit()
