"""Incidents, the terms by which they are found, and how frequent each term is, in Postgres."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from heed_classifier.adapters import rows
from heed_classifier.domain.incident_summary import Summary
from heed_classifier.domain.incidents import WINDOW, IncidentKey, Known, MatterKey
from heed_classifier.domain.similarity import stored_numbers

# The row that counts all matters of a city; no term is empty.
_TOTAL = ""
# Older members of a large incident tell no more than these.
_MOST_MEMBERS = 300
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('heed.incidents.' || $1, 0))"
_COUNTS = "SELECT term, matter_count FROM term_count WHERE city_code = $1 AND term = ANY ($2)"
_ADD_COUNTS = """
INSERT INTO term_count AS old (city_code, term, matter_count)
SELECT $1, term, added FROM unnest($2::text[], $3::integer[]) AS new (term, added)
ON CONFLICT (city_code, term) DO UPDATE SET matter_count = old.matter_count + excluded.matter_count
"""
_ADD_TERMS = """
INSERT INTO matter_term (city_code, term, received_at, region, uid, k, weight)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::uuid[],
                     $6::smallint[], $7::double precision[])
"""
_ADD_NUMBERS = """
INSERT INTO matter_terms (region, uid, k, region_code, received_at, terms)
SELECT region, uid, k, region_code, received_at, $4 FROM matter
WHERE region = $1 AND uid = $2 AND k = $3
"""
# Not the columns of evidence, which are longer than all of these.
_KNOWN = """region, uid, k, name_terms, name_weights, problem_terms, problem_weights, head_terms,
    received_at, category_code, title, place, incident_region, incident_uid"""
_NEAR = f"""
WITH found AS (
    SELECT DISTINCT region, uid, k FROM matter_term
    WHERE city_code = $1 AND term = ANY ($2) AND received_at BETWEEN $3 AND $4
), incidents AS (
    SELECT DISTINCT incident_region, incident_uid FROM matter JOIN found USING (region, uid, k)
    WHERE incident_uid IS NOT NULL
), members AS (
    SELECT m.region, m.uid, m.k FROM incidents i, LATERAL (
        SELECT region, uid, k FROM matter m
        WHERE m.incident_region = i.incident_region AND m.incident_uid = i.incident_uid
        ORDER BY arrived DESC LIMIT $5
    ) m
)
SELECT {_KNOWN} FROM matter WHERE (region, uid, k) IN
    (SELECT region, uid, k FROM found UNION SELECT region, uid, k FROM members)
ORDER BY arrived
"""
_MEMBERS = f"""
SELECT {_KNOWN} FROM matter WHERE incident_region = $1 AND incident_uid = $2 ORDER BY arrived
"""
_SAVE = """
INSERT INTO incident (region, uid, title, keywords, category_code, matter_count, first_seen_at,
    last_seen_at, recent_count, previous_count, places)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (region, uid) DO UPDATE SET title = $3, keywords = $4, category_code = $5,
    matter_count = $6, first_seen_at = $7, last_seen_at = $8, recent_count = $9,
    previous_count = $10, places = $11
"""


class IncidentTable:
    """The tables ``incident``, ``matter_term`` and ``term_count``."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def lock(self, cities: Iterable[str]) -> None:
        """Let no other transaction group matters of these cities until this one ends."""
        for city in sorted(set(cities)):
            await self._connection.execute(_LOCK, city)

    async def counts(self, city: str, terms: Iterable[str]) -> tuple[dict[str, int], int]:
        """How many matters of the city have each term, and how many there are."""
        found = await self._connection.fetch(_COUNTS, city, [*set(terms), _TOTAL])
        counts = {row["term"]: row["matter_count"] for row in found}
        return counts, counts.pop(_TOTAL, 0)

    async def add_counts(self, city: str, matters: Sequence[Sequence[str]], sign: int) -> None:
        """Count the terms of new matters, or with -1 of matters that are removed."""
        added = Counter(term for terms in matters for term in terms)
        added[_TOTAL] = len(matters)
        terms = sorted(added)
        await self._connection.execute(
            _ADD_COUNTS, city, terms, [sign * added[term] for term in terms]
        )
        if sign < 0:
            await self._connection.execute(
                "DELETE FROM term_count WHERE city_code = $1 AND term = ANY ($2)"
                " AND matter_count <= 0",
                city,
                terms,
            )

    async def near(
        self, city: str, names: Iterable[str], first: datetime, last: datetime
    ) -> list[Known]:
        """Matters of the city that share a name and came near in time, with their incidents'."""
        found = await self._connection.fetch(
            _NEAR, city, sorted(set(names)), first - WINDOW, last + WINDOW, _MOST_MEMBERS
        )
        return [rows.known_of(row) for row in found]

    async def add_terms(self, city: str, matters: Sequence[Known]) -> None:
        """Make new matters findable by their names."""
        flat = [
            (city, term, matter.received_at, *_columns(matter.key), weight)
            for matter in matters
            for term, weight in matter.profile.names.items()
        ]
        if flat:
            await self._connection.execute(
                _ADD_TERMS, *(list(column) for column in zip(*flat, strict=True))
            )
        await self._connection.executemany(
            _ADD_NUMBERS,
            [(*_columns(m.key), stored_numbers(city, m.profile)) for m in matters],
        )

    async def members(self, key: IncidentKey) -> list[Known]:
        """All members in order of arrival."""
        found = await self._connection.fetch(_MEMBERS, key.region, key.uid)
        return [rows.known_of(row) for row in found]

    async def save(self, summaries: Mapping[IncidentKey, Summary]) -> None:
        """Store what is shown of incidents."""
        await self._connection.executemany(
            _SAVE,
            [
                (
                    key.region, key.uid, s.title, list(s.keywords), s.category_code,
                    s.matter_count, s.first_seen_at, s.last_seen_at, s.recent_count,
                    s.previous_count, list(s.places),
                )
                for key, s in sorted(summaries.items())
            ],
        )  # fmt: skip

    async def delete(self, key: IncidentKey) -> None:
        """Remove an incident that has no two matters left."""
        await self._connection.execute(
            "DELETE FROM incident WHERE region = $1 AND uid = $2", key.region, key.uid
        )


def _columns(key: MatterKey) -> tuple[str, Any, int]:
    return key.region, key.uid, key.k
