"""Stores consultations in Postgres, in the lane that their words demand.

Each change commits with its request_id. The record of a request names the talk and how long it was
then; a repeated call gets the talk cut to that length. No word of a talk is in a record.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import text

from heed_intake.adapters import consultation_rows as rows
from heed_intake.adapters.key_ring import KeyRing
from heed_intake.adapters.request_ids import RequestIds
from heed_intake.application.consultation import Change
from heed_intake.application.ports import Claim
from heed_intake.domain.consultation import Consultation, ConsultationState
from heed_intake.domain.drafting import compose
from heed_intake.domain.petition import Lane, Petition
from heed_shared import telemetry
from heed_shared.database import Database, Transaction
from heed_shared.errors import Conflict, RequestIdReused

_GET = text("SELECT * FROM consultation WHERE uid = :uid")
_LOCK = text("SELECT * FROM consultation WHERE uid = :uid FOR UPDATE")
_UPDATE = text("""
UPDATE consultation
   SET state = :state, talk = :talk, petition_region_code = :petition_region_code,
       petition_uid = :petition_uid, version = version + 1
 WHERE uid = :uid
""")
_REMOVE = text("DELETE FROM consultation WHERE uid = :uid AND version = :version")
# The lock keeps the petition from being sealed behind the back of its talk.
_HOLD_PETITION = text("""
SELECT 1 FROM petition WHERE region_code = :region_code AND uid = :uid FOR KEY SHARE
""")
# The sealed role may write records but not change them, so a record comes with its answer.
_RECORD = """
INSERT INTO "{schema}".request_record (caller, method, request_id, digest, response)
VALUES (:caller, :method, :request_id, :digest, :response)
ON CONFLICT DO NOTHING RETURNING 1
"""
_RECORDED = """
SELECT digest, response FROM "{schema}".request_record
 WHERE caller = :caller AND method = :method AND request_id = :request_id
"""
_UID_BYTES = 16
_LENGTH_BYTES = 4


@dataclass(frozen=True)
class _Answer:
    """What the record of a request says: which talk, how long it was, whether it had a draft."""

    uid: UUID
    length: int
    drafted: bool

    @classmethod
    def of(cls, consultation: Consultation) -> "_Answer":
        drafted = consultation.draft is not None
        return cls(consultation.uid, len(consultation.turns), drafted)

    @classmethod
    def read(cls, record: bytes) -> "_Answer":
        length = int.from_bytes(record[_UID_BYTES:-1], "big")
        return cls(UUID(bytes=record[:_UID_BYTES]), length, record[-1] != 0)

    def written(self) -> bytes:
        length = self.length.to_bytes(_LENGTH_BYTES, "big")
        return self.uid.bytes + length + bytes([self.drafted])

    def cut(self, consultation: Consultation) -> Consultation:
        """Return the talk as it was then."""
        turns = consultation.turns[: self.length]
        state = ConsultationState.DRAFTED if self.drafted else ConsultationState.OPEN
        draft = compose(turns) if self.drafted else None
        return replace(consultation, turns=turns, state=state, draft=draft, petition=None)


class PostgresConsultations:
    """ConsultationStore on the two lanes."""

    def __init__(
        self,
        databases: Mapping[Lane, Database],
        rings: Mapping[Lane, KeyRing],
        request_ids: RequestIds,
    ) -> None:
        self._databases = databases
        self._rings = rings
        self._request_ids = request_ids
        schema = databases[Lane.ORDINARY].schema
        self._record = text(_RECORD.format(schema=schema))
        self._recorded = text(_RECORDED.format(schema=schema))

    async def start(self, consultation: Consultation, claim: Claim) -> Consultation:
        """Store a new talk; see the port."""
        ring = self._rings[Lane.ORDINARY]
        async with self._databases[Lane.ORDINARY].transaction() as tx:
            if await self._write_record(tx, claim, _Answer.of(consultation)):
                row = rows.row_of(consultation, *ring.new_key(consultation.uid))
                await tx.connection.execute(rows.INSERT, row)
                await tx.commit()
                telemetry.record("heed.intake.consultations", 1, outcome="started")
                return consultation
            answer = await self._answer(tx.connection, claim)
        if answer is None:
            raise Conflict
        found = await self._found(answer.uid)
        if found is None:
            raise Conflict
        return answer.cut(found[1])

    async def find(self, region_code: str, uid: UUID) -> tuple[Lane, Consultation] | None:
        """Return a talk and where it lies; see the port."""
        found = await self._found(uid)
        return found if found and found[1].region_code == region_code else None

    async def change(self, lane: Lane, uid: UUID, claim: Claim, change: Change) -> Consultation:
        """Change a talk under a lock; see the port."""
        async with self._databases[lane].transaction() as tx:
            row = await _locked(tx, uid)
            key = rows.key_of(row, self._rings[lane])
            before = rows.consultation_of(row, key)
            answer = await self._answer(tx.connection, claim)
            if answer is None:
                after = change(before)
                await tx.connection.execute(_UPDATE, rows.changed_columns(after, key))
                if not await self._write_record(tx, claim, _Answer.of(after)):
                    raise Conflict
                await tx.commit()
                return after
        return answer.cut(before)

    async def answered(self, claim: Claim) -> bool:
        """Say whether this very request was carried out before; see the port."""
        async with self._databases[Lane.ORDINARY].read() as connection:
            return await self._answer(connection, claim) is not None

    async def register(self, lane: Lane, uid: UUID, claim: Claim, petition: Petition) -> None:
        """Note the petition that was registered from a talk; see the port."""
        origin = (petition.region_code, petition.uid)
        if lane is Lane.ORDINARY and not await self._register_beside(uid, claim, origin):
            # It was suspected and sealed between its registration and this note of it.
            await self.seal(uid)
            lane = Lane.SEALED
        if lane is Lane.SEALED:
            await self.change(lane, uid, claim, lambda talk: talk.registered_as(origin))
        telemetry.record("heed.intake.consultations", 1, outcome="registered")

    async def seal(self, uid: UUID) -> None:
        """Move a talk to the sealed lane; see the port.

        Two roles, so two transactions: the copy, then the removal. Until the removal the ordinary
        one counts, and a crash in between loses nothing.
        """
        ordinary = self._databases[Lane.ORDINARY]
        async with ordinary.read() as connection:
            row = (await connection.execute(_GET, {"uid": uid})).mappings().first()
        if row is None:
            return
        async with self._databases[Lane.SEALED].transaction() as tx:
            rings = (self._rings[Lane.ORDINARY], self._rings[Lane.SEALED])
            await rows.copy_sealed(tx, dict(row), *rings)
            await tx.commit()
        async with ordinary.transaction() as tx:
            version = {"uid": uid, "version": row["version"]}
            removed = await tx.connection.execute(_REMOVE, version)
            if not removed.rowcount:
                raise Conflict
            await tx.commit()
        telemetry.record("heed.intake.consultations", 1, outcome="sealed")

    async def _register_beside(self, uid: UUID, claim: Claim, origin: tuple[str, UUID]) -> bool:
        """Note the origin of a petition of the ordinary lane; False when it is not there."""
        async with self._databases[Lane.ORDINARY].transaction() as tx:
            named = {"region_code": origin[0], "uid": origin[1]}
            if (await tx.connection.execute(_HOLD_PETITION, named)).first() is None:
                return False
            row = await _locked(tx, uid)
            key = rows.key_of(row, self._rings[Lane.ORDINARY])
            before = rows.consultation_of(row, key)
            if await self._answer(tx.connection, claim) is not None:
                return True
            after = before.registered_as(origin)
            await tx.connection.execute(_UPDATE, rows.changed_columns(after, key))
            if not await self._write_record(tx, claim, _Answer.of(after)):
                raise Conflict
            await tx.commit()
        return True

    async def _found(self, uid: UUID) -> tuple[Lane, Consultation] | None:
        for lane, database in self._databases.items():
            async with database.read() as connection:
                row = (await connection.execute(_GET, {"uid": uid})).mappings().first()
            if row is not None:
                key = rows.key_of(dict(row), self._rings[lane])
                return lane, rows.consultation_of(dict(row), key)
        return None

    async def _answer(self, connection: Any, claim: Claim) -> _Answer | None:
        row = (await connection.execute(self._recorded, _key(claim))).first()
        if row is None:
            return None
        if not hmac.compare_digest(row.digest, self._request_ids.digest(claim.digest)):
            raise RequestIdReused(claim.key.request_id)
        return _Answer.read(row.response)

    async def _write_record(self, tx: Transaction, claim: Claim, answer: _Answer) -> bool:
        """Keep the answer of a request; False when another call was first with its id."""
        values = {
            "digest": self._request_ids.digest(claim.digest),
            "response": answer.written(),
        }
        result = await tx.connection.execute(self._record, _key(claim) | values)
        return result.first() is not None


async def _locked(tx: Transaction, uid: UUID) -> rows.Row:
    row = (await tx.connection.execute(_LOCK, {"uid": uid})).mappings().first()
    if row is None:
        raise Conflict
    return dict(row)


def _key(claim: Claim) -> dict[str, str]:
    key = claim.key
    return {"caller": key.caller, "method": claim.method, "request_id": key.request_id}
