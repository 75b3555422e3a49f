"""Models on Postgres, as the use cases see them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime

from heed_classifier.adapters.model_table import ModelTable, current_model
from heed_classifier.application.models import Made
from heed_classifier.domain.models import ModelRecord, Promotion
from heed_shared.database import Database, Transaction, raw
from heed_shared.errors import NotFound
from heed_shared.ids import new_uid


class PostgresModels:
    """Implements the port ModelStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, name: str) -> ModelRecord | None:
        """One model."""
        async with self._database.read() as connection:
            return await ModelTable(await raw(connection)).get(name)

    async def page(self, before: tuple[datetime, str] | None, most: int) -> list[ModelRecord]:
        """Models, latest first."""
        async with self._database.read() as connection:
            return await ModelTable(await raw(connection)).page(before, most)

    async def weights(self, name: str) -> bytes | None:
        """The weights of a model."""
        async with self._database.read() as connection:
            return await ModelTable(await raw(connection)).weights(name)

    async def current(self) -> tuple[str, bytes] | None:
        """Name and weights of the model in use."""
        stored = await current_model(self._database)
        return (stored.name, stored.weights) if stored else None

    async def add(self, made: Made, *, instead_of: str | None) -> ModelRecord:
        """Store a model, and put it to use if ``instead_of`` is what is in use at that moment."""
        now = datetime.now(UTC)
        name = f"trained-{new_uid(now)}"
        result = made.result
        async with self._database.transaction() as tx:
            table = ModelTable(await raw(tx.connection))
            await table.lock()
            await table.add(name, result.weights, _recipe(made), asdict(result.report), now)
            if instead_of is not None and instead_of == await table.current_name():
                await table.promote(name, now)
            record = await _required(table, name)
            await tx.commit()
        return record

    async def hold(self, tx: Transaction, name: str) -> ModelRecord | None:
        """One model; until the end of the transaction nobody else puts a model to use."""
        table = ModelTable(await raw(tx.connection))
        await table.lock()
        return await table.get(name)

    async def promote(self, tx: Transaction, name: str, by: Promotion, reason: str) -> ModelRecord:
        """Put a model to use in place of the present one; call ``hold`` before."""
        table = ModelTable(await raw(tx.connection))
        await table.promote(name, datetime.now(UTC), by, reason)
        return await _required(table, name)


async def _required(table: ModelTable, name: str) -> ModelRecord:
    record = await table.get(name)
    if record is None:
        raise NotFound(f"models/{name}")
    return record


def _recipe(made: Made) -> dict[str, str | int]:
    """How a model was made, as ``ModelTable`` reads it."""
    return {
        "kind": "trained",
        "data_from": _day(made.data_from),
        "data_to": _day(made.data_to),
        "seed": made.seed,
        "code_version": made.result.code_version,
        "taxonomy_version": made.result.taxonomy_version,
        "text_count": made.result.text_count,
        "corrected_count": made.corrected_count,
        "last_correction": made.last_correction,
    }


def _day(day: date | None) -> str:
    return day.isoformat() if day is not None else ""
