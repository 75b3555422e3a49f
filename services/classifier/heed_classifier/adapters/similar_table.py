"""Looking up matters by rare names, on asyncpg: one question reads a few thousand slim rows.

Measured with a million petitions (docs/research/incidents.md); the plan must use the index
``matter_terms_found`` once for each term.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg

from heed_classifier.adapters import rows
from heed_classifier.adapters.classification_table import ClassificationTable
from heed_classifier.adapters.incident_table import IncidentTable
from heed_classifier.domain.incidents import MatterKey
from heed_classifier.domain.records import ClassificationRecord, PetitionKey
from heed_classifier.domain.similarity import Likely
from heed_shared.database import Database, raw

# Ranked in full; more would change nothing that is shown.
_MOST_RANKED = 60
# Materialized, so that no estimate of the conditions leads away from the index for each number.
_LIKELY = """
WITH hits AS MATERIALIZED (
    SELECT t.region, t.uid, t.k, t.region_code, t.received_at, asked.weight
    FROM unnest($1::integer[], $2::double precision[]) AS asked (number, weight)
    JOIN matter_terms t ON t.terms @> ARRAY[asked.number]
), found AS (
    SELECT region, uid, k, sum(weight) AS shared
    FROM hits
    WHERE region_code LIKE $3 || '%'
      AND ($4::timestamptz IS NULL OR received_at >= $4)
      AND ($5::text IS NULL OR (region, uid) <> ($5, $6::uuid))
    GROUP BY region, uid, k
    ORDER BY shared DESC, region, uid, k
    LIMIT $7
)
SELECT m.region, m.uid, m.k, m.name_terms, m.name_weights, m.problem_terms, m.problem_weights,
    m.head_terms, m.title, m.region_code, m.category_code, m.incident_region, m.incident_uid,
    m.received_at
FROM matter m JOIN found USING (region, uid, k)
"""


class SimilarTable:
    """The table ``matter_terms``, with what is shown of the matters."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def classification(self, key: PetitionKey) -> ClassificationRecord | None:
        """A petition's classification."""
        return (await ClassificationTable(self._connection).load([key])).get(key)

    async def counts(self, city: str, terms: Iterable[str]) -> tuple[dict[str, int], int]:
        """Matters of the city per term, and in all."""
        return await IncidentTable(self._connection).counts(city, terms)

    async def likely(
        self,
        numbers: Mapping[int, float],
        prefix: str,
        received_from: datetime | None,
        but: PetitionKey | None,
    ) -> list[Likely]:
        """Matters of a region that share the most of the weights of these numbers."""
        found = await self._connection.fetch(
            _LIKELY,
            list(numbers),
            list(numbers.values()),
            prefix,
            received_from,
            but.region if but else None,
            but.uid if but else None,
            _MOST_RANKED,
        )
        return [
            Likely(
                MatterKey(row["region"], row["uid"], row["k"]),
                rows.profile_of(row),
                row["title"],
                row["region_code"],
                row["category_code"],
                rows.incident_key_of(row),
                row["received_at"],
            )
            for row in found
        ]


class SimilarTables:
    """Opens the table for one question."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def open(self) -> AsyncIterator[SimilarTable]:
        """The table, for reading."""
        async with self._database.read() as connection:
            yield SimilarTable(await raw(connection))
