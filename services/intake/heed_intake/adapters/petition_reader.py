"""Reads petitions and their masked texts for the use cases."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import text

from heed_intake.adapters.petition_rows import ORDINARY_COLUMNS, ordinary_petition, ordinary_rows
from heed_intake.application.ports import PetitionFilter, ReadText
from heed_intake.domain.petition import Petition, State
from heed_shared.database import Database

_GET = text(f"""
SELECT {ORDINARY_COLUMNS}
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
_MARKS = text("SELECT uid, handling_region_code FROM sealed_mark WHERE uid = ANY(:uids)")
_SEALED_REGIONS = text("SELECT uid, handling_region_code FROM petition WHERE uid = ANY(:uids)")


class PostgresPetitions:
    """PetitionReader and TextReader on the two lanes."""

    def __init__(self, ordinary: Database, sealed: Database) -> None:
        self._ordinary = ordinary
        self._sealed = sealed

    async def get(self, region_code: str, uid: UUID) -> Petition | None:
        """Return a petition of the ordinary lane, or None."""
        async with self._ordinary.read() as connection:
            result = await connection.execute(_GET, {"region_code": region_code, "uid": uid})
            row = result.mappings().first()
        return ordinary_petition(dict(row)) if row else None

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
            marks = await connection.execute(_MARKS, {"uids": [*wanted.keys() - rows.keys()]})
            sealed = {row.uid: row.handling_region_code for row in marks}
        if missing := [*wanted.keys() - rows.keys() - sealed.keys()]:
            async with self._sealed.read() as connection:
                found = await connection.execute(_SEALED_REGIONS, {"uids": missing})
                sealed |= {row.uid: row.handling_region_code for row in found}
        texts = {uid: ReadText(None, State.SEALED, region) for uid, region in sealed.items()}
        for uid, row in rows.items():
            if row["region_code"] == wanted[uid]:
                petition = ordinary_petition(row)
                texts[uid] = ReadText(petition, petition.state, petition.handling_region_code)
        return texts
