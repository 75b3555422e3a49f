"""Rows of the two petition tables as petitions, and how they are read."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from heed_intake.adapters.key_ring import DataKey, KeyRing, WrappedKey
from heed_intake.adapters.personal_data import (
    DETAILS,
    MASKED,
    read_details,
    read_evidence,
    read_masked,
)
from heed_intake.domain.petition import (
    NO_DETAILS,
    Channel,
    Details,
    Evidence,
    Nature,
    PeopleBucket,
    Petition,
    State,
    Wording,
)

ORDINARY_COLUMNS = """
    petition.region_code, petition.uid, receipt.number AS receipt_number,
    petition.handling_region_code, petition.office, petition.channel, petition.received_at,
    petition.registered_at, petition.state, petition.masked_request, petition.masked_facts,
    petition.masked_reasons, petition.masked_place, petition.masked_evidence,
    petition.declared_nature, petition.people_bucket, petition.anonymous, petition.external_id,
    petition.version, petition.accusation_cleared,
    (SELECT 'consultations/' || talk.region_code || '-' || talk.uid
       FROM consultation AS talk WHERE talk.petition_uid = petition.uid) AS consultation
"""
KEY_COLUMNS = "petition.details, petition.key_id, petition.wrapped_key"
_BY_UIDS = text(f"""
SELECT {ORDINARY_COLUMNS}, {KEY_COLUMNS}
  FROM petition JOIN receipt USING (uid)
 WHERE petition.uid = ANY(:uids)
""")
_SEALED_BY_UIDS = text("""
SELECT petition.*, receipt.number AS receipt_number
  FROM petition JOIN receipt USING (uid)
 WHERE petition.uid = ANY(:uids)
""")

Row = Mapping[str, Any]


def ordinary_petition(row: Row) -> Petition:
    """Return the petition of a row with ORDINARY_COLUMNS, without its details."""
    masked = Wording(
        row["masked_request"], row["masked_facts"], row["masked_reasons"], row["masked_place"]
    )
    evidence = read_evidence(row["masked_evidence"])
    return _petition(row, State(row["state"]), masked, evidence, NO_DETAILS)


def whole_petition(row: Row, ring: KeyRing) -> Petition:
    """Return the petition of a row with ORDINARY_COLUMNS and KEY_COLUMNS, with its details."""
    petition = ordinary_petition(row)
    if not row["details"]:
        # Most come without, and then no key is unwrapped.
        return petition
    return replace(petition, details=_details(row, key_of(row, ring)))


def sealed_petition(row: Row, key: DataKey, state: State = State.SEALED) -> Petition:
    """Return the petition of a sealed row."""
    masked, evidence = read_masked(key.decrypt(MASKED, row["masked"]))
    return _petition(row, state, masked, evidence, _details(row, key))


def key_of(row: Row, ring: KeyRing) -> DataKey:
    """Return the data key of a row."""
    return ring.unwrap(row["uid"], WrappedKey(row["key_id"], row["wrapped_key"]))


async def ordinary_rows(connection: AsyncConnection, uids: Iterable[UUID]) -> dict[UUID, Row]:
    """Return the rows of the ordinary lane with these uids, with their wrapped keys."""
    return await _rows(connection, _BY_UIDS, uids)


async def sealed_rows(connection: AsyncConnection, uids: Iterable[UUID]) -> dict[UUID, Row]:
    """Return the rows of the sealed lane with these uids; on a connection of that lane."""
    return await _rows(connection, _SEALED_BY_UIDS, uids)


async def _rows(connection: AsyncConnection, query: Any, uids: Iterable[UUID]) -> dict[UUID, Row]:
    result = await connection.execute(query, {"uids": list(uids)})
    return {row["uid"]: dict(row) for row in result.mappings()}


def _details(row: Row, key: DataKey) -> Details:
    return read_details(key.decrypt(DETAILS, row["details"])) if row["details"] else NO_DETAILS


def _petition(
    row: Row, state: State, masked: Wording, evidence: tuple[Evidence, ...], details: Details
) -> Petition:
    return Petition(
        region_code=row["region_code"],
        uid=row["uid"],
        receipt_number=row["receipt_number"],
        handling_region_code=row["handling_region_code"],
        office=row["office"],
        channel=Channel(row["channel"]),
        received_at=row["received_at"],
        registered_at=row["registered_at"],
        state=state,
        masked=masked,
        declared_nature=Nature(row["declared_nature"]),
        people_bucket=PeopleBucket(row["people_bucket"]),
        anonymous=row["anonymous"],
        external_id=row["external_id"],
        evidence=evidence,
        version=row["version"],
        accusation_cleared=row.get("accusation_cleared", False),
        details=details,
        consultation=row.get("consultation") or "",
    )
