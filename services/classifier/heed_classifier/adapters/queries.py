"""Reading classifications and incidents for the RPCs, page by page, in the caller's region only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from heed_classifier.adapters import rows
from heed_classifier.adapters.classification_table import ClassificationTable
from heed_classifier.application.ports import Position
from heed_classifier.domain.incidents import IncidentKey
from heed_classifier.domain.records import (
    ClassificationRecord,
    IncidentMember,
    IncidentRecord,
    PetitionKey,
)
from heed_shared.database import Database, raw

_NEWEST_FIRST = """
SELECT region, uid, received_at FROM classification c
WHERE region_code LIKE $1 || '%'
  AND ($2 = '' OR EXISTS (SELECT FROM matter m WHERE m.region = c.region AND m.uid = c.uid
                          AND m.category_code = $2))
  AND ($3 = 0 OR EXISTS (SELECT FROM matter m WHERE m.region = c.region AND m.uid = c.uid
                         AND m.band = $3))
  AND ($4::timestamptz IS NULL OR (received_at, region, uid) < ($4, $5, $6::uuid))
ORDER BY received_at DESC, region DESC, uid DESC
LIMIT $7
"""
_LARGEST_FIRST = """
SELECT * FROM incident
WHERE region LIKE $1 || '%'
  AND matter_count >= $2
  AND ($3::timestamptz IS NULL OR last_seen_at >= $3)
  AND ($4::integer IS NULL OR (matter_count, region, uid) < ($4, $5, $6::uuid))
ORDER BY matter_count DESC, region DESC, uid DESC
LIMIT $7
"""
# An incident is a city's. A county sees what its own matters say of it; of the rest only the
# keywords, which are what all share. The title is that of one of its own.
_OWN = """
SELECT page.*, i.keywords, i.category_code, own.*
FROM page JOIN incident i USING (region, uid) CROSS JOIN LATERAL (
    SELECT
        coalesce(max(title) FILTER (WHERE title = i.title),
            (array_agg(title ORDER BY received_at, region, uid, k))[1]) AS title,
        (array_remove(array_agg(DISTINCT place), ''))[1:5] AS places,
        count(*) FILTER (WHERE page.last_seen_at - received_at <= interval '7 days')::integer
            AS recent_count,
        count(*) FILTER (WHERE page.last_seen_at - received_at > interval '7 days'
            AND page.last_seen_at - received_at <= interval '14 days')::integer AS previous_count
    FROM matter m
    WHERE m.incident_region = page.region AND m.incident_uid = page.uid
      AND m.region_code LIKE $1 || '%'
) own
"""
_COUNTED = """
SELECT incident_region AS region, incident_uid AS uid, count(*)::integer AS matter_count,
    min(received_at) AS first_seen_at, max(received_at) AS last_seen_at
FROM matter WHERE region_code LIKE $1 || '%'
"""
_LARGEST_WITHIN = f"""
WITH counted AS (
    {_COUNTED} AND incident_uid IS NOT NULL
    GROUP BY incident_region, incident_uid
    HAVING count(*) >= $2 AND ($3::timestamptz IS NULL OR max(received_at) >= $3)
), page AS (
    SELECT * FROM counted
    WHERE $4::integer IS NULL OR (matter_count, region, uid) < ($4, $5, $6::uuid)
    ORDER BY matter_count DESC, region DESC, uid DESC
    LIMIT $7
)
{_OWN}
ORDER BY matter_count DESC, region DESC, uid DESC
"""
_WITHIN = f"""
WITH page AS (
    {_COUNTED} AND incident_region = $2 AND incident_uid = $3
    GROUP BY incident_region, incident_uid
)
{_OWN}
"""
_MEMBERS = """
SELECT region, uid, k, region_code FROM matter
WHERE incident_region = $1 AND incident_uid = $2 AND region_code LIKE $3 || '%'
ORDER BY received_at, region, uid, k
LIMIT $4
"""
_MOST_MEMBERS = 1000
# Codes of a city and of all inside it begin with so many characters.
_CITY_LENGTH = 4


class PostgresQueries:
    """Read-only questions to the schema."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def classifications(
        self, keys: Sequence[PetitionKey]
    ) -> dict[PetitionKey, ClassificationRecord]:
        """Those that exist."""
        async with self._database.read() as connection:
            return await ClassificationTable(await raw(connection)).load(keys)

    async def newest(
        self, prefix: str, category_code: str, band: int, after: Position, most: int
    ) -> list[ClassificationRecord]:
        """A page of classifications, newest first."""
        received_at, region, uid = _unpack(after)
        async with self._database.read() as connection:
            inner = await raw(connection)
            found = await inner.fetch(
                _NEWEST_FIRST,
                prefix,
                category_code,
                band,
                datetime.fromisoformat(str(received_at)) if received_at is not None else None,
                region,
                uid,
                most,
            )
            keys = [PetitionKey(row["region"], row["uid"]) for row in found]
            records = await ClassificationTable(inner).load(keys)
        return [records[key] for key in keys if key in records]

    async def largest(
        self, prefix: str, least: int, seen_from: datetime | None, after: Position, most: int
    ) -> list[IncidentRecord]:
        """A page of incidents, largest first; of a part of a city, as its own matters tell them."""
        count, region, uid = _unpack(after)
        question = _LARGEST_WITHIN if len(prefix) > _CITY_LENGTH else _LARGEST_FIRST
        async with self._database.read() as connection:
            found = await (await raw(connection)).fetch(
                question, prefix, least, seen_from, count, region, uid, most
            )
        return [rows.incident_of(row) for row in found]

    async def incident(
        self, key: IncidentKey, prefix: str
    ) -> tuple[IncidentRecord, list[IncidentMember]] | None:
        """An incident with its members inside a region, oldest first; None when it has none."""
        async with self._database.read() as connection:
            inner = await raw(connection)
            if key.region.startswith(prefix):
                row = await inner.fetchrow(
                    "SELECT * FROM incident WHERE region = $1 AND uid = $2", key.region, key.uid
                )
            else:
                row = await inner.fetchrow(_WITHIN, prefix, key.region, key.uid)
            found = await inner.fetch(_MEMBERS, key.region, key.uid, prefix, _MOST_MEMBERS)
        if row is None:
            return None
        members = [
            IncidentMember(PetitionKey(m["region"], m["uid"]), m["k"], m["region_code"])
            for m in found
        ]
        return rows.incident_of(row), members


def _unpack(after: Position) -> tuple[str | int | None, str | None, UUID | None]:
    if not after:
        return None, None, None
    first, region, uid = after
    return first, str(region), UUID(str(uid))
