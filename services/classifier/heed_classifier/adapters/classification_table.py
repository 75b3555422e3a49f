"""Classifications and matters in Postgres, in sets, on asyncpg inside the caller's transaction."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg

from heed_classifier.adapters import rows
from heed_classifier.domain.decision import Sorted
from heed_classifier.domain.incidents import IncidentKey, MatterKey
from heed_classifier.domain.records import (
    ClassificationRecord,
    CorrectedBy,
    MatterRecord,
    PetitionKey,
)

_BY_KEYS = """
    JOIN unnest($1::text[], $2::uuid[]) AS wanted (wanted_region, wanted_uid)
    ON region = wanted_region AND uid = wanted_uid
"""
_CLASSIFICATIONS = f"SELECT * FROM classification {_BY_KEYS} ORDER BY region, uid"
_MATTERS = f"SELECT * FROM matter {_BY_KEYS} ORDER BY region, uid, k"
_DELETE = """
DELETE FROM classification USING unnest($1::text[], $2::uuid[]) AS gone (region, uid)
WHERE classification.region = gone.region AND classification.uid = gone.uid
"""
_REPEATING = """
    repeat_uid IS NOT NULL AND (repeat_region, repeat_uid) IN
        (SELECT * FROM unnest($1::text[], $2::uuid[]))
"""
_REPEATS = f"SELECT * FROM matter WHERE {_REPEATING} ORDER BY region, uid, k FOR UPDATE"
_FIRST_AGAIN = f"""
UPDATE matter SET repeat_region = NULL, repeat_uid = NULL, repeat_k = NULL WHERE {_REPEATING}
"""
_DELETE_SUSPICIONS = _DELETE.replace("classification", "suspicion")
_DELETE_CORRECTIONS = _DELETE.replace("classification", "correction")
_TOUCH = """
UPDATE classification SET version = version + 1, updated_at = $3
FROM unnest($1::text[], $2::uuid[]) AS touched (region, uid)
WHERE classification.region = touched.region AND classification.uid = touched.uid
RETURNING classification.region, classification.uid, version, region_code
"""
_SET_INCIDENT = """
UPDATE matter SET incident_region = $4, incident_uid = $5
WHERE region = $1 AND uid = $2 AND k = $3
"""
_CORRECTION = """
INSERT INTO correction
    (region, uid, k, corrected_at, identity, display_name, unit, reason, before, after)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""


class ClassificationTable:
    """The tables ``classification``, ``matter``, ``correction`` and ``suspicion``."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def load(
        self, keys: Sequence[PetitionKey], *, for_change: bool = False
    ) -> dict[PetitionKey, ClassificationRecord]:
        """Load those that exist; locked until the end of the transaction when meant for change."""
        columns = _columns(keys)
        lock = " FOR UPDATE OF classification" if for_change else ""
        heads = await self._connection.fetch(_CLASSIFICATIONS + lock, *columns)
        matters: dict[PetitionKey, list[MatterRecord]] = defaultdict(list)
        for row in await self._connection.fetch(_MATTERS, *columns):
            matters[PetitionKey(row["region"], row["uid"])].append(rows.matter_of(row))
        return {
            key: rows.classification_of(row, matters[key])
            for row in heads
            if (key := PetitionKey(row["region"], row["uid"])) in matters
        }

    async def insert(self, records: Sequence[ClassificationRecord]) -> None:
        """Store new classifications with their matters, in the order of arrival."""
        if not records:
            return
        await self._insert(
            "classification",
            rows.CLASSIFICATION_COLUMNS,
            [rows.classification_values(record) for record in records],
        )
        await self._insert(
            "matter",
            rows.MATTER_COLUMNS,
            [rows.matter_values(matter) for record in records for matter in record.matters],
        )

    async def update(self, record: ClassificationRecord) -> None:
        """Store a changed classification with its matters, those that are new too."""
        await self._update(
            "classification",
            rows.CLASSIFICATION_COLUMNS,
            2,
            rows.classification_values(record),
        )
        known = {
            row["k"]
            for row in await self._connection.fetch(
                "SELECT k FROM matter WHERE region = $1 AND uid = $2",
                record.key.region,
                record.key.uid,
            )
        }
        for matter in record.matters:
            if matter.key.k in known:
                await self._update("matter", rows.MATTER_COLUMNS, 3, rows.matter_values(matter))
        new = [rows.matter_values(m) for m in record.matters if m.key.k not in known]
        await self._insert("matter", rows.MATTER_COLUMNS, new)

    async def delete(self, keys: Sequence[PetitionKey]) -> list[MatterRecord]:
        """Remove everything derived from petitions: corrections, terms and repeat links too."""
        columns = _columns(keys)
        repeats = [rows.matter_of(row) for row in await self._connection.fetch(_REPEATS, *columns)]
        await self._connection.execute(_FIRST_AGAIN, *columns)
        await self._connection.execute(_DELETE, *columns)
        await self._connection.execute(_DELETE_CORRECTIONS, *columns)
        gone = set(keys)
        return [m for m in repeats if PetitionKey(m.key.region, m.key.uid) not in gone]

    async def touch(
        self, keys: Sequence[PetitionKey], now: datetime
    ) -> list[tuple[PetitionKey, int, str]]:
        """Give petitions a new version; returns key, version and region of those that exist."""
        found = await self._connection.fetch(_TOUCH, *_columns(keys), now)
        versions = {
            PetitionKey(row["region"], row["uid"]): (row["version"], row["region_code"])
            for row in found
        }
        return [(key, *versions[key]) for key in keys if key in versions]

    async def set_incident(self, key: MatterKey, incident: IncidentKey | None) -> None:
        """Put a matter into an incident, or let it stand alone."""
        region, uid = (incident.region, incident.uid) if incident else (None, None)
        await self._connection.execute(_SET_INCIDENT, key.region, key.uid, key.k, region, uid)

    async def suspicions(self, keys: Sequence[PetitionKey]) -> set[PetitionKey]:
        """Which petitions were reported as suspected accusations."""
        found = await self._connection.fetch(
            f"SELECT region, uid FROM suspicion {_BY_KEYS}", *_columns(keys)
        )
        return {PetitionKey(row["region"], row["uid"]) for row in found}

    async def suspect(self, keys: Sequence[PetitionKey], now: datetime) -> None:
        """Remember which petitions were reported; nothing of their content."""
        await self._connection.executemany(
            "INSERT INTO suspicion (region, uid, suspected_at) VALUES ($1, $2, $3)"
            " ON CONFLICT DO NOTHING",
            [(key.region, key.uid, now) for key in keys],
        )

    async def forget_suspicions(self, keys: Sequence[PetitionKey]) -> None:
        """Forget even that; for erased petitions."""
        await self._connection.execute(_DELETE_SUSPICIONS, *_columns(keys))

    async def add_correction(
        self, key: MatterKey, now: datetime, by: CorrectedBy, before: Sorted, after: Sorted
    ) -> None:
        """Keep who corrected what, and why; used for the next training."""
        await self._connection.execute(
            _CORRECTION, key.region, key.uid, key.k, now, by.identity, by.display_name, by.unit,
            by.reason, _axes(before), _axes(after),
        )  # fmt: skip

    async def _insert(
        self, table: str, columns: Sequence[str], values: Sequence[tuple[Any, ...]]
    ) -> None:
        places = ", ".join(f"${i}" for i in range(1, len(columns) + 1))
        await self._connection.executemany(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", values
        )

    async def _update(
        self, table: str, columns: Sequence[str], keys: int, values: tuple[Any, ...]
    ) -> None:
        sets = ", ".join(f"{c} = ${i}" for i, c in enumerate(columns, 1) if i > keys)
        wheres = " AND ".join(f"{c} = ${i}" for i, c in enumerate(columns[:keys], 1))
        await self._connection.execute(f"UPDATE {table} SET {sets} WHERE {wheres}", *values)


def _axes(answer: Sorted) -> str:
    """The axes and grades that a person can correct."""
    return json.dumps(
        {
            "category_code": answer.category_code,
            "subcategory_code": answer.subcategory_code,
            "nature": int(answer.nature),
            "urgency": int(answer.urgency),
        }
    )


def _columns(keys: Sequence[PetitionKey]) -> tuple[list[str], list[Any]]:
    return [key.region for key in keys], [key.uid for key in keys]
