"""Moves a petition from the ordinary to the sealed lane (封存) when it may be an accusation.

The two lanes have roles of their own, so there are two transactions: first the copy, then, together
with its event, the removal. A crash in between loses nothing; the move is simply done again. The
data key stays the same and is wrapped anew by the sealed ring; the ordinary ring opens it no more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from heed.intake.v1.events_pb2 import PetitionEvent
from sqlalchemy import text

from heed_intake.adapters import consultation_rows
from heed_intake.adapters.key_ring import DataKey, KeyRing
from heed_intake.adapters.personal_data import MASKED, masked_of
from heed_intake.adapters.petition_rows import key_of, ordinary_petition
from heed_intake.adapters.registration_store import FEED
from heed_intake.adapters.supplement_rows import (
    copy_supplement,
    remove_supplements,
    rows_to_seal,
)
from heed_shared import telemetry
from heed_shared.database import Database, Transaction
from heed_shared.errors import Conflict
from heed_shared.feed import NewEvent
from heed_shared.ids import etag_of, petition_name

SUSPECTED = "suspected"
SEALING_REASON = "sealing_reason"

_WHOLE = text("""
SELECT petition.*, receipt.number AS receipt_number, receipt.code_hash
  FROM petition JOIN receipt USING (uid)
 WHERE petition.uid = ANY(:uids) AND petition.state <> 4
""")
_KEPT = (
    "uid",
    "region_code",
    "handling_region_code",
    "office",
    "channel",
    "received_at",
    "registered_at",
    "declared_nature",
    "people_bucket",
    "anonymous",
    "external_id",
    "privacy_notice_version",
    "confidentiality_requested",
    "original",
    "contacts",
    "details",
    "withdrawn_at",
    "withdrawal",
)
_COLUMNS = (
    *_KEPT,
    "key_id",
    "wrapped_key",
    "masked",
    "sealed_at",
    "sealed_because",
    "sealed_by",
    "sealing_reason",
    "version",
)
# A copy left by a crash, or made before the petition changed, gives way to the present one; a late
# copy by who was overtaken does not: in the sealed lane the petition may have changed since.
_RENEWED = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS) + ", dated = false"
_COPY = text(
    f"INSERT INTO petition ({', '.join(_COLUMNS)})"
    f" VALUES ({', '.join(':' + name for name in _COLUMNS)})"
    f" ON CONFLICT (uid) DO UPDATE SET {_RENEWED} WHERE petition.version <= excluded.version"
)
_COPY_RECEIPT = text("""
INSERT INTO receipt (number, uid, region_code, code_hash, received_at, registered_at)
VALUES (:receipt_number, :uid, :region_code, :code_hash, :received_at, :registered_at)
ON CONFLICT (number) DO NOTHING
""")
_REMOVE = text("""
DELETE FROM petition
 WHERE region_code = :region_code AND uid = :uid AND version = :version
RETURNING handling_region_code
""")
_REMOVE_RECEIPT = text("DELETE FROM receipt WHERE uid = :uid")
_REMOVE_STEPS = text("DELETE FROM progress_step WHERE uid = :uid")
_MARK = text("""
INSERT INTO sealed_mark (uid, region_code, handling_region_code, sealed_at)
VALUES (:uid, :region_code, :handling_region_code, :sealed_at)
""")


@dataclass(frozen=True)
class SealedBy:
    """The person who seals by hand, and why."""

    identity: str = ""
    reason: str = ""

    def encrypted_reason(self, key: DataKey) -> bytes | None:
        """Return the reason under the key of its petition; None when no person seals."""
        return key.encrypt(SEALING_REASON, self.reason.encode()) if self.reason else None


NOBODY = SealedBy()


class Sealing:
    """Does both halves of the move."""

    def __init__(
        self, ordinary: Database, sealed: Database, ring: KeyRing, sealed_ring: KeyRing
    ) -> None:
        self._ordinary = ordinary
        self._sealed = sealed
        self._ring = ring
        self._sealed_ring = sealed_ring

    async def copy(
        self,
        uids: Sequence[UUID],
        sealed_at: datetime,
        because: Sequence[str] = (SUSPECTED,),
        by: SealedBy = NOBODY,
    ) -> dict[UUID, int]:
        """Copy petitions into the sealed lane; returns the version of each that was copied.

        What is not in the ordinary lane (any more) is left out.
        """
        async with self._ordinary.read() as connection:
            result = await connection.execute(_WHOLE, {"uids": list(uids)})
            rows = [dict(row) for row in result.mappings()]
            supplements = await rows_to_seal(connection, uids)
            talks = await consultation_rows.rows_of_petitions(connection, uids)
        if rows:
            keys = {row["uid"]: key_of(row, self._ring) for row in rows}
            async with self._sealed.transaction() as tx:
                for row in rows:
                    sealed = self._sealed_row(row, keys[row["uid"]])
                    told = {
                        "sealed_at": sealed_at,
                        "sealed_because": list(because),
                        "sealed_by": by.identity,
                        "sealing_reason": by.encrypted_reason(keys[row["uid"]]),
                    }
                    await tx.connection.execute(_COPY, sealed | told)
                    await tx.connection.execute(_COPY_RECEIPT, row)
                for supplement in supplements:
                    await copy_supplement(tx, supplement, keys[supplement["uid"]])
                for talk in talks:
                    await consultation_rows.copy_sealed(tx, talk, self._ring, self._sealed_ring)
                await tx.commit()
        return {row["uid"]: row["version"] for row in rows}

    async def remove(
        self,
        tx: Transaction,
        region_code: str,
        uid: UUID,
        version: int,
        sealed_at: datetime,
        traceparent: str,
    ) -> None:
        """Remove a petition that was copied from the ordinary lane, and tell the consumers.

        Raises:
            Conflict: it has changed since it was copied; copy it again.
        """
        key = {"region_code": region_code, "uid": uid, "version": version}
        handling = (await tx.connection.execute(_REMOVE, key)).scalar()
        if handling is None:
            raise Conflict
        await tx.connection.execute(_REMOVE_RECEIPT, {"uid": uid})
        await tx.connection.execute(_REMOVE_STEPS, {"uid": uid})
        await remove_supplements(tx, uid)
        await consultation_rows.remove_of_petition(tx, self._sealed, uid)
        mark = {"handling_region_code": handling, "sealed_at": sealed_at}
        await tx.connection.execute(_MARK, {"uid": uid, "region_code": region_code, **mark})
        name = petition_name(region_code, uid)
        await tx.publish(
            [
                NewEvent(
                    feed=FEED,
                    subject=name,
                    region_code=handling,
                    etag=etag_of(version + 1),
                    recorded_at=sealed_at,
                    payload=PetitionEvent(kind=PetitionEvent.KIND_SEALED, petition=name),
                    traceparent=traceparent,
                )
            ]
        )
        telemetry.record("heed.intake.sealed", 1)

    def _sealed_row(self, row: Mapping[str, Any], key: DataKey) -> dict[str, Any]:
        petition = ordinary_petition(row)
        wrapped = key.wrapped_by(self._sealed_ring)
        return {name: row[name] for name in _KEPT} | {
            "key_id": wrapped.key_id,
            "wrapped_key": wrapped.wrapped,
            "masked": key.encrypt(MASKED, masked_of(petition.masked, petition.evidence)),
            "version": row["version"] + 1,
        }
