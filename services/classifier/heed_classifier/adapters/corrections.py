"""Corrections in one transaction: request id, effect, kept correction and events together.

For a repeated request only the name of the petition is kept, never what is written in it, so that
sealing leaves no copy behind; the repeated call gets the classification as it is then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heed_classifier.adapters.classification_table import ClassificationTable
from heed_classifier.adapters.events import change_events
from heed_classifier.adapters.incident_table import IncidentTable
from heed_classifier.application.correct import Correcting, Correction
from heed_classifier.application.grouping import Grouping
from heed_classifier.application.ports import Position
from heed_classifier.application.sorting import Sorting
from heed_classifier.domain.incidents import MatterKey
from heed_classifier.domain.nature import Nature, Urgency
from heed_classifier.domain.records import (
    ClassificationRecord,
    CorrectedAxes,
    CorrectedBy,
    KeptCorrection,
    PetitionKey,
)
from heed_shared import telemetry
from heed_shared.clock import Clock
from heed_shared.database import Database, Transaction, raw
from heed_shared.errors import NotFound
from heed_shared.identity import Caller
from heed_shared.ids import petition_name
from heed_shared.reference.taxonomy import Taxonomy
from heed_shared.request_records import remember, store

_METHOD = "CorrectClassification"


_HISTORY = """
SELECT * FROM correction
WHERE region = $1 AND uid = $2 AND ($3::bigint IS NULL OR id < $3)
ORDER BY id DESC LIMIT $4
"""


def _kept(row: Mapping[str, Any]) -> KeptCorrection:
    return KeptCorrection(
        MatterKey(row["region"], row["uid"], row["k"]),
        row["corrected_at"],
        CorrectedBy(row["identity"], row["display_name"], row["unit"], row["reason"]),
        _axes(row["before"]),
        _axes(row["after"]),
    )


def _axes(stored: Mapping[str, Any]) -> CorrectedAxes:
    return CorrectedAxes(
        stored["category_code"],
        stored["subcategory_code"],
        Nature(stored["nature"]),
        Urgency(stored["urgency"]),
    )


class PostgresCorrections:
    """Runs the use case on Postgres."""

    def __init__(
        self, database: Database, sorting: Sorting, taxonomy: Taxonomy, clock: Clock
    ) -> None:
        self._database = database
        self._sorting = sorting
        self._taxonomy = taxonomy
        self._clock = clock

    async def correct(
        self, correction: Correction, caller: Caller, request_id: str, digest: bytes
    ) -> ClassificationRecord:
        """Correct once for each request id."""
        async with self._database.transaction() as tx:
            table = ClassificationTable(await raw(tx.connection))
            if await remember(tx, caller.identity, _METHOD, request_id, digest) is not None:
                return await self._again(table, correction, caller)
            record = await self._correct(tx, table, correction, caller)
            name = petition_name(record.key.region, record.key.uid)
            await store(tx, caller.identity, _METHOD, request_id, name.encode())
            await tx.commit()
        self._count(correction)
        return record

    async def history(
        self, key: PetitionKey, caller: Caller, after: Position, most: int
    ) -> list[tuple[int, KeptCorrection]]:
        """A page of the corrections of a petition with their numbers, latest first."""
        async with self._database.read() as connection:
            inner = await raw(connection)
            record = (await ClassificationTable(inner).load([key])).get(key)
            if record is None or not caller.covers(record.region_code):
                raise NotFound(f"{petition_name(key.region, key.uid)}/classification")
            found = await inner.fetch(
                _HISTORY, key.region, key.uid, int(after[0]) if after else None, most
            )
        return [(row["id"], _kept(row)) for row in found]

    async def _correct(
        self, tx: Transaction, table: ClassificationTable, correction: Correction, caller: Caller
    ) -> ClassificationRecord:
        now = self._clock.now()
        grouping = Grouping(IncidentTable(await raw(tx.connection)), table, now)
        use_case = Correcting(table, grouping, self._sorting, self._taxonomy, now)
        record, changes = await use_case.correct(correction, caller)
        await tx.publish(change_events(changes, now))
        return record

    async def _again(
        self, table: ClassificationTable, correction: Correction, caller: Caller
    ) -> ClassificationRecord:
        key = PetitionKey(correction.matter.region, correction.matter.uid)
        record = (await table.load([key])).get(key)
        if record is None or not caller.covers(record.region_code):
            raise NotFound(petition_name(key.region, key.uid))
        return record

    @staticmethod
    def _count(correction: Correction) -> None:
        for axis, given in (
            ("content", correction.category_code),
            ("nature", correction.nature),
            ("urgency", correction.urgency),
        ):
            if given:
                telemetry.record("heed.classifier.corrected", 1, axis=axis)
