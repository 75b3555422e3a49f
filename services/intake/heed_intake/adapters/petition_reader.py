"""Reads petitions and their masked texts for the use cases."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import text

from heed_intake.adapters.key_ring import KeyRing
from heed_intake.adapters.petition_rows import (
    KEY_COLUMNS,
    ORDINARY_COLUMNS,
    ordinary_petition,
    ordinary_rows,
    whole_petition,
)
from heed_intake.adapters.supplement_rows import supplements_of
from heed_intake.application.ports import PetitionFilter, ReadText
from heed_intake.domain.petition import Petition, State
from heed_shared.database import Database

_GET = text(f"""
SELECT {ORDINARY_COLUMNS}, {KEY_COLUMNS}
  FROM petition JOIN receipt USING (uid)
 WHERE petition.region_code = :region_code AND petition.uid = :uid
""")
# The order of uids is the order of registration (registered_at in milliseconds, then uid).
# "~" sorts after every character of a code.
# Sizes are known without reading the texts, so what does not fit into a page is never read.
_LIST = """
SELECT {columns}, petition.found
  FROM (SELECT *, sum(size) OVER (ORDER BY uid DESC) - size AS before, count(*) OVER () AS found
          FROM (SELECT *, octet_length(masked_request) + octet_length(masked_facts)
                          + octet_length(masked_reasons) + octet_length(masked_evidence) AS size
                  FROM petition
                 WHERE handling_region_code >= :prefix
                   AND handling_region_code <= :prefix || '~'{more}
                 ORDER BY uid DESC LIMIT :limit) AS measured) AS petition
  JOIN receipt USING (uid)
 WHERE petition.before < :most_bytes
 ORDER BY petition.uid DESC
"""
_PAGE_BYTES = 8 * 1024 * 1024
"""A page ends where its texts pass this; a message may have twice as much."""
_MESSAGE_CHARACTERS = 2 * 1024 * 1024
"""Most characters of supplements that one petition is shown with; four bytes each at most."""
TEXT_CHARACTERS = 100_000
"""Most characters of supplements that go with the text of one petition among many."""
_MARKS = text("SELECT uid, handling_region_code FROM sealed_mark WHERE uid = ANY(:uids)")
_SEALED_REGIONS = text("SELECT uid, handling_region_code FROM petition WHERE uid = ANY(:uids)")


class PostgresPetitions:
    """PetitionReader and TextReader on the two lanes."""

    def __init__(self, ordinary: Database, sealed: Database, ring: KeyRing) -> None:
        self._ordinary = ordinary
        self._sealed = sealed
        self._ring = ring

    async def get(self, region_code: str, uid: UUID) -> Petition | None:
        """Return a petition of the ordinary lane with all that hangs on it, or None."""
        async with self._ordinary.read() as connection:
            result = await connection.execute(_GET, {"region_code": region_code, "uid": uid})
            found = [dict(row) for row in result.mappings()]
            added = await supplements_of(connection, _changed(found), _MESSAGE_CHARACTERS)
        for row in found:
            return replace(whole_petition(row, self._ring), supplements=added.get(uid, ()))
        return None

    async def list(
        self, which: PetitionFilter, after: UUID | None, limit: int
    ) -> tuple[Sequence[Petition], bool]:
        """Return petitions by descending registration, and whether more follow; see the port."""
        given = {
            "after": ("uid < :after", after),
            "received_from": ("received_at >= :received_from", which.received_from),
            "received_before": ("received_at < :received_before", which.received_before),
        }
        asked = {name: pair for name, pair in given.items() if pair[1] is not None}
        more = "".join(f" AND {condition}" for condition, _ in asked.values())
        values: dict[str, object] = {name: value for name, (_, value) in asked.items()}
        values |= {"limit": limit + 1, "most_bytes": _PAGE_BYTES}
        async with self._ordinary.read() as connection:
            result = await connection.execute(
                text(_LIST.format(columns=ORDINARY_COLUMNS, more=more)),
                {"prefix": which.region_prefix, **values},
            )
            rows = [dict(row) for row in result.mappings()]
        petitions = [ordinary_petition(row) for row in rows[:limit]]
        return petitions, bool(rows) and rows[0]["found"] > len(petitions)

    async def texts(self, names: Iterable[tuple[str, UUID]]) -> Mapping[UUID, ReadText]:
        """Return what is known of each petition; see the port."""
        wanted = {uid: region_code for region_code, uid in names}
        async with self._ordinary.read() as connection:
            rows = await ordinary_rows(connection, wanted)
            added = await supplements_of(connection, _changed(rows.values()), TEXT_CHARACTERS)
            marks = await connection.execute(_MARKS, {"uids": [*wanted.keys() - rows.keys()]})
            sealed = {row.uid: row.handling_region_code for row in marks}
        if missing := [*wanted.keys() - rows.keys() - sealed.keys()]:
            async with self._sealed.read() as connection:
                found = await connection.execute(_SEALED_REGIONS, {"uids": missing})
                sealed |= {row.uid: row.handling_region_code for row in found}
        texts = {uid: ReadText(None, State.SEALED, region) for uid, region in sealed.items()}
        for uid, row in rows.items():
            if row["region_code"] == wanted[uid]:
                petition = replace(ordinary_petition(row), supplements=added.get(uid, ()))
                texts[uid] = ReadText(petition, petition.state, petition.handling_region_code)
        return texts


def _changed(rows: Iterable[Mapping[str, Any]]) -> list[UUID]:
    """Return the petitions that may have supplements: those that were changed at all."""
    return [row["uid"] for row in rows if row["version"] > 1]
