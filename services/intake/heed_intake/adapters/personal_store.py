"""Personal data of petitions in the ordinary lane: read for one, erased for one, and who looked.

Erasing destroys the wrapped key, so that what encrypted copies remain anywhere, in backups too, can
be opened by nobody who has not also kept the old row; texts and contacts go as well. What stays is
what figures rest on: number, dates, region, category elsewhere, and a tombstone that says why.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp
from heed.audit.v1.audit_service_pb2 import AuditAction
from heed.intake.v1.events_pb2 import PetitionEvent
from sqlalchemy import text

from heed_intake.adapters.key_ring import KeyRing
from heed_intake.adapters.personal_data import CONTACTS, DETAILS, read_contacts, read_details
from heed_intake.adapters.petition_rows import key_of
from heed_intake.adapters.registration_store import FEED
from heed_intake.application.personal import Erasure, Look, PersonalData
from heed_intake.application.ports import Claim
from heed_intake.domain.petition import NO_DETAILS, State
from heed_shared import telemetry
from heed_shared.database import Database, Transaction
from heed_shared.errors import NotFound
from heed_shared.feed import NewEvent
from heed_shared.ids import etag_of, petition_name
from heed_shared.request_records import remember, store

_READ = text("""
SELECT uid, handling_region_code, state, contacts, details, key_id, wrapped_key
  FROM petition WHERE region_code = :region_code AND uid = :uid
""")
_ERASE = text("""
UPDATE petition
   SET state = 4, key_id = '', wrapped_key = '', original = '', contacts = NULL, details = NULL,
       withdrawal = NULL, masked_request = '', masked_facts = '', masked_reasons = '',
       masked_place = '', masked_evidence = '[]', version = version + 1
 WHERE region_code = :region_code AND uid = :uid AND state <> 4
RETURNING handling_region_code, version
""")
_ERASE_SUPPLEMENTS = text(
    "UPDATE supplement SET original = '', masked_text = '', masked_evidence = '[]' WHERE uid = :uid"
)
_ERASE_TALKS = text("DELETE FROM consultation WHERE petition_uid = :uid")
_TOMBSTONE = text("""
INSERT INTO erasure (uid, kind, region_code, erased_at, erased_by, reason, legal_basis)
VALUES (:uid, 'petition', :region_code, :erased_at, :erased_by, :reason, :legal_basis)
ON CONFLICT DO NOTHING
""")
_ERASED_AT = text("SELECT erased_at FROM erasure WHERE uid = :uid AND kind = 'petition'")
# Who looks at a sealed petition does so by SealedService; to name it would tell that it is sealed.
_LOOKS = text("""
SELECT done_at, roles, unit, method, purpose
  FROM audit_entry
 WHERE resource = :name AND action = ANY(:actions) AND actor NOT LIKE 'service/%'
   AND method NOT LIKE 'heed.intake.v1.SealedService/%'
 ORDER BY seq DESC LIMIT :limit
""")
_LOOKING = [AuditAction.AUDIT_ACTION_VIEW, AuditAction.AUDIT_ACTION_REVEAL]


class PostgresPersonal:
    """PersonalStore on the ordinary lane."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._database = database
        self._ring = ring

    async def read(self, region_code: str, uid: UUID) -> PersonalData | None:
        """Return what a petition holds; see the port."""
        async with self._database.read() as connection:
            named = {"region_code": region_code, "uid": uid}
            found = (await connection.execute(_READ, named)).mappings().first()
        if found is None:
            return None
        row = dict(found)
        contacts, details = None, NO_DETAILS
        if row["contacts"] or row["details"]:
            key = key_of(row, self._ring)
            if row["contacts"]:
                contacts = read_contacts(key.decrypt(CONTACTS, row["contacts"]))
            if row["details"]:
                details = read_details(key.decrypt(DETAILS, row["details"]))
        return PersonalData(row["handling_region_code"], State(row["state"]), contacts, details)

    async def erase(self, region_code: str, uid: UUID, erasure: Erasure, claim: Claim) -> datetime:
        """Erase a petition once; see the port."""
        request = (claim.key.caller, claim.method, claim.key.request_id)
        async with self._database.transaction() as tx:
            earlier = await remember(tx, *request, claim.digest)
            if earlier is not None:
                return _read_time(earlier)
            erased_at = await self._erased(tx, region_code, uid, erasure)
            await store(tx, *request, _written_time(erased_at))
            await tx.commit()
        return erased_at

    async def _erased(
        self, tx: Transaction, region_code: str, uid: UUID, erasure: Erasure
    ) -> datetime:
        named = {"region_code": region_code, "uid": uid}
        row = (await tx.connection.execute(_ERASE, named)).first()
        if row is None:
            before: datetime | None = await tx.connection.scalar(_ERASED_AT, {"uid": uid})
            if before is None:
                raise NotFound(petition_name(region_code, uid))
            return before
        await tx.connection.execute(_ERASE_SUPPLEMENTS, {"uid": uid})
        await tx.connection.execute(_ERASE_TALKS, {"uid": uid})
        said = {
            "erased_at": erasure.erased_at,
            "erased_by": erasure.caller.identity,
            "reason": erasure.reason,
            "legal_basis": erasure.legal_basis,
        }
        await tx.connection.execute(_TOMBSTONE, named | said)
        name = petition_name(region_code, uid)
        await tx.publish(
            [
                NewEvent(
                    feed=FEED,
                    subject=name,
                    region_code=row.handling_region_code,
                    etag=etag_of(row.version),
                    recorded_at=erasure.erased_at,
                    payload=PetitionEvent(kind=PetitionEvent.KIND_ERASED, petition=name),
                    traceparent=telemetry.current_traceparent(),
                )
            ]
        )
        telemetry.record("heed.intake.erasures", 1, kind="petition")
        return erasure.erased_at

    async def looks(self, name: str, limit: int) -> Sequence[Look]:
        """Return who looked; see the port."""
        values = {"name": name, "actions": [int(action) for action in _LOOKING], "limit": limit}
        async with self._database.read() as connection:
            rows = await connection.execute(_LOOKS, values)
            return [Look(r.done_at, tuple(r.roles), r.unit, r.method, r.purpose) for r in rows]


def _written_time(moment: datetime) -> bytes:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp.SerializeToString()


def _read_time(record: bytes) -> datetime:
    return Timestamp.FromString(record).ToDatetime(UTC)
