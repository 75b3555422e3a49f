"""Changes petitions in Postgres, in the lane in which they lie.

A change, its request_id with the answer, and its event commit together. The answer is encrypted
under the key of its petition, so it dies with that key and tells nobody else whose it is. In the
sealed lane nothing is told.
"""

import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from heed.intake.v1.events_pb2 import PetitionEvent
from sqlalchemy import text

from heed_intake.adapters.key_ring import DataKey, KeyRing, WrappedKey
from heed_intake.adapters.personal_data import (
    CONTACTS,
    read_persons,
    read_supplement,
    supplement_of,
)
from heed_intake.adapters.query_codes import QueryCodes
from heed_intake.adapters.registration_store import FEED
from heed_intake.adapters.request_ids import RequestIds
from heed_intake.adapters.sealing import Sealing
from heed_intake.adapters.supplement_rows import (
    ORIGINAL_SUPPLEMENT,
    add_sealed_supplement,
    add_supplement,
)
from heed_intake.application.petition_changes import Addition, ChangedPetition, HeldPetition
from heed_intake.application.ports import Claim
from heed_intake.domain.petition import Lane, Person, State, Supplement
from heed_shared.database import Database, Transaction
from heed_shared.errors import Conflict, RequestIdReused
from heed_shared.feed import NewEvent
from heed_shared.ids import etag_of

_HELD = """
SELECT petition.region_code, petition.uid, petition.handling_region_code,
       receipt.number AS receipt_number, receipt.code_hash, petition.received_at,
       petition.registered_at,
       CASE WHEN petition.wrapped_key = '' THEN 4 WHEN petition.withdrawn_at IS NULL THEN 1 ELSE 3
        END AS state,
       petition.version, petition.key_id, petition.wrapped_key, petition.contacts
  FROM petition JOIN receipt USING (uid)
 WHERE petition.region_code = :region_code AND petition.uid = :uid
"""
_CHANGE = """
UPDATE petition SET version = version + 1{more}
 WHERE region_code = :region_code AND uid = :uid AND version = :version
RETURNING 1
"""
_WITHDRAWN = ", withdrawn_at = :withdrawn_at, withdrawal = :withdrawal"
# In the sealed lane withdrawn_at alone says so.
_WITHDRAWN_IN = {Lane.ORDINARY: f"{_WITHDRAWN}, state = 3", Lane.SEALED: _WITHDRAWN}
# The sealed role may write records but not change them, so a record comes with its answer.
_RECORD = """
INSERT INTO "{schema}".request_record (caller, method, request_id, digest, response)
VALUES (:caller, :method, :request_id, :digest, :response)
ON CONFLICT DO NOTHING RETURNING 1
"""
_RECORDED = """
SELECT digest, response FROM request_record
 WHERE caller = :caller AND method = :method AND request_id = :request_id
"""
_ANSWER = "answer"
_WITHDRAWAL = "withdrawal"

Effect = Callable[[Transaction, DataKey], Awaitable[None]]


class PostgresPetitionChanges:
    """PetitionChanges on the two lanes."""

    def __init__(
        self,
        databases: Mapping[Lane, Database],
        rings: Mapping[Lane, KeyRing],
        codes: QueryCodes,
        request_ids: RequestIds,
        sealing: Sealing,
    ) -> None:
        self._databases = databases
        self._rings = rings
        self._codes = codes
        self._request_ids = request_ids
        self._sealing = sealing
        self._record = text(_RECORD.format(schema=databases[Lane.ORDINARY].schema))

    async def held(self, region_code: str, uid: UUID) -> HeldPetition | None:
        """Look a petition up in both lanes; see the port."""
        found = []
        for lane in (Lane.ORDINARY, Lane.SEALED):
            async with self._databases[lane].single() as connection:
                named = {"region_code": region_code, "uid": uid}
                row = (await connection.execute(text(_HELD), named)).mappings().first()
            if row is not None:
                fields = dict(row) | {"state": State(row["state"])}
                found.append(HeldPetition(lane=lane, **fields))
        return found[0] if found else None

    def code_matches(self, held: HeldPetition | None, query_code: str) -> bool:
        """Compare the code; see the port."""
        if held is None:
            return self._codes.matches(None, None, query_code)
        return self._codes.matches(held.uid, held.code_hash, query_code)

    def persons(self, held: HeldPetition) -> tuple[Person, ...]:
        """Return everybody whose contact came with it."""
        if held.contacts is None:
            return ()
        return read_persons(self._key(held).decrypt(CONTACTS, held.contacts))

    async def answered(self, held: HeldPetition, claim: Claim) -> ChangedPetition | None:
        """Return what an earlier call was told; see the port."""
        async with self._databases[Lane.ORDINARY].single() as connection:
            row = (await connection.execute(text(_RECORDED), _named(claim))).first()
        if row is None:
            return None
        if not hmac.compare_digest(row.digest, self._request_ids.digest(claim.digest)):
            raise RequestIdReused(claim.key.request_id)
        return _read_answer(held, self._key(held).decrypt(_ANSWER, row.response))

    async def seal(
        self, held: HeldPetition, because: tuple[str, ...], now: datetime, traceparent: str
    ) -> None:
        """Move it to the sealed lane; see the port."""
        copied = await self._sealing.copy([held.uid], now, because)
        if held.uid not in copied:
            return
        async with self._databases[Lane.ORDINARY].transaction() as tx:
            try:
                version = copied[held.uid]
                await self._sealing.remove(
                    tx, held.region_code, held.uid, version, now, traceparent
                )
            except Conflict:
                return
            await tx.commit()

    async def add_supplement(
        self, held: HeldPetition, addition: Addition, claim: Claim, traceparent: str
    ) -> ChangedPetition | None:
        """Add to a petition; see the port."""

        async def effect(tx: Transaction, key: DataKey) -> None:
            came = supplement_of(addition.text, addition.evidence)
            original = key.encrypt(ORIGINAL_SUPPLEMENT, came)
            if held.lane is Lane.SEALED:
                await add_sealed_supplement(tx, held.uid, addition.masked, original, key)
            else:
                await add_supplement(tx, held.uid, addition.masked, original)

        plan = _Plan(
            _answer(held, State.REGISTERED, addition.masked),
            PetitionEvent.KIND_SUPPLEMENTED,
            addition.masked.added_at,
            effect=effect,
        )
        return await self._carry_out(held, plan, claim, traceparent)

    async def withdraw(
        self, held: HeldPetition, reason: str, now: datetime, claim: Claim, traceparent: str
    ) -> ChangedPetition | None:
        """Take a petition back; see the port."""
        words = self._key(held).encrypt(_WITHDRAWAL, reason.encode()) if reason else None
        plan = _Plan(
            _answer(held, State.WITHDRAWN, None),
            PetitionEvent.KIND_WITHDRAWN,
            now,
            columns=_WITHDRAWN_IN[held.lane],
            values={"withdrawn_at": now, "withdrawal": words},
        )
        return await self._carry_out(held, plan, claim, traceparent)

    async def _carry_out(
        self, held: HeldPetition, plan: "_Plan", claim: Claim, traceparent: str
    ) -> ChangedPetition | None:
        key = self._key(held)
        change = text(_CHANGE.format(more=plan.columns))
        version = {
            "region_code": held.region_code,
            "uid": held.uid,
            "version": held.version,
        }
        async with self._databases[held.lane].transaction() as tx:
            record = {
                "digest": self._request_ids.digest(claim.digest),
                "response": key.encrypt(_ANSWER, _written_answer(plan.answer)),
            }
            recorded = await tx.connection.execute(self._record, _named(claim) | record)
            if recorded.first() is None:
                return None
            changed = await tx.connection.execute(change, version | plan.values)
            if changed.first() is None:
                return None
            await plan.effect(tx, key)
            if held.lane is Lane.ORDINARY:
                await tx.publish([_event(held, plan, traceparent)])
            await tx.commit()
        return plan.answer

    def _key(self, held: HeldPetition) -> DataKey:
        stored = WrappedKey(held.key_id, held.wrapped_key)
        return self._rings[held.lane].unwrap(held.uid, stored)


async def _nothing(_tx: Transaction, _key: DataKey) -> None:
    """Do no more than change the petition itself."""


@dataclass(frozen=True)
class _Plan:
    """A change: what is told of it, and what is written."""

    answer: ChangedPetition
    kind: "PetitionEvent.Kind.ValueType"
    at: datetime
    columns: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    effect: Effect = _nothing


def _event(held: HeldPetition, plan: _Plan, traceparent: str) -> NewEvent:
    return NewEvent(
        feed=FEED,
        subject=held.name,
        region_code=held.handling_region_code,
        etag=etag_of(plan.answer.version),
        recorded_at=plan.at,
        payload=PetitionEvent(kind=plan.kind, petition=held.name),
        traceparent=traceparent,
    )


def _answer(held: HeldPetition, state: State, supplement: Supplement | None) -> ChangedPetition:
    return ChangedPetition(
        region_code=held.region_code,
        uid=held.uid,
        receipt_number=held.receipt_number,
        received_at=held.received_at,
        registered_at=held.registered_at,
        state=state,
        version=held.version + 1,
        supplement=supplement,
    )


def _written_answer(answer: ChangedPetition) -> bytes:
    """Return what differs from answer to answer; the rest of it never changes."""
    added, supplement = None, answer.supplement
    if supplement is not None:
        masked = supplement_of(supplement.masked_text, supplement.evidence)
        added = [supplement.added_at.isoformat(), masked.decode()]
    return json.dumps([int(answer.state), answer.version, added], ensure_ascii=False).encode()


def _read_answer(held: HeldPetition, record: bytes) -> ChangedPetition:
    state, version, added = json.loads(record)
    supplement = None
    if added is not None:
        masked_text, evidence = read_supplement(added[1])
        supplement = Supplement(masked_text, evidence, datetime.fromisoformat(added[0]))
    return replace(_answer(held, State(state), supplement), version=version)


def _named(claim: Claim) -> dict[str, str]:
    key = claim.key
    return {"caller": key.caller, "method": claim.method, "request_id": key.request_id}
