"""Moves a petition from the sealed lane back into the ordinary one (解除封存).

The petition stays locked in the sealed lane while it is written, with its event, into the ordinary
one; only then it is removed. Both are short statements on the same cluster. A crash in between
leaves it in both lanes and the next attempt finishes the move; nothing is told twice.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from heed.intake.v1.events_pb2 import PetitionEvent
from sqlalchemy import text

from heed_intake.adapters import consultation_rows
from heed_intake.adapters.key_ring import DataKey, KeyRing
from heed_intake.adapters.personal_data import evidence_text
from heed_intake.adapters.petition_reader import PostgresPetitions
from heed_intake.adapters.petition_rows import key_of, sealed_petition
from heed_intake.adapters.registration_store import FEED
from heed_intake.adapters.sealed_rows import accused_of_row, case_of
from heed_intake.adapters.sealed_store import actor_text, added_names, one_row
from heed_intake.adapters.supplement_rows import read_sealed_supplement
from heed_intake.application.sealed_ports import Decide, SealedCall, SealedStep
from heed_intake.domain.petition import Nature, Petition, State
from heed_intake.domain.screening import ScreeningRules
from heed_intake.domain.sealed_case import Accused
from heed_intake.domain.sealed_clocks import SealedClocks
from heed_shared.database import Database, Transaction
from heed_shared.errors import NotFound
from heed_shared.feed import NewEvent
from heed_shared.ids import etag_of, petition_name
from heed_shared.request_records import remember, store

_WHOLE = text("""
SELECT petition.*, receipt.number AS receipt_number, receipt.code_hash
  FROM petition JOIN receipt USING (uid)
 WHERE petition.uid = :uid
   FOR UPDATE OF petition
""")
_SUPPLEMENTS = text("SELECT * FROM supplement WHERE uid = :uid ORDER BY number")
_CAME = (
    "region_code",
    "uid",
    "handling_region_code",
    "office",
    "channel",
    "received_at",
    "registered_at",
    "people_bucket",
    "anonymous",
    "external_id",
    "privacy_notice_version",
    "confidentiality_requested",
    "original",
    "contacts",
    "details",
)
_COLUMNS = (
    *_CAME,
    "declared_nature",
    "state",
    "masked_request",
    "masked_facts",
    "masked_reasons",
    "masked_place",
    "masked_evidence",
    "key_id",
    "wrapped_key",
    "version",
    "accusation_cleared",
)
_INSERT = text(
    f"INSERT INTO petition ({', '.join(_COLUMNS)})"
    f" VALUES ({', '.join(':' + name for name in _COLUMNS)})"
    " ON CONFLICT (region_code, uid) DO NOTHING RETURNING 1"
)
_INSERT_RECEIPT = text("""
INSERT INTO receipt (number, uid, region_code, code_hash, received_at, registered_at)
VALUES (:receipt_number, :uid, :region_code, :code_hash, :received_at, :registered_at)
""")
_INSERT_SUPPLEMENT = text("""
INSERT INTO supplement (uid, number, added_at, masked_text, masked_evidence, original)
VALUES (:uid, :number, :added_at, :masked_text, :masked_evidence, :original)
""")
_UNMARK = text("DELETE FROM sealed_mark WHERE uid = :uid")
_RECORD = text("""
INSERT INTO unsealing (uid, unsealed_at, record) VALUES (:uid, :unsealed_at, :record)
""")
_DEED = "unsealing"
_TALKED = text("DELETE FROM consultation WHERE uid = ANY(:talks)")
_REMOVALS = tuple(
    text(f"DELETE FROM {table} WHERE uid = :uid")
    for table in ("supplement", "step", "accused", "receipt", "petition")
)

Row = Mapping[str, Any]


class Unsealing:
    """Unsealer."""

    def __init__(
        self,
        lanes: tuple[Database, Database],
        rings: tuple[KeyRing, KeyRing],
        petitions: PostgresPetitions,
        clocks: SealedClocks,
        rules: ScreeningRules,
    ) -> None:
        """Keep the ordinary and the sealed database, and their key rings in the same order."""
        self._rules = rules
        self._ordinary, self._sealed = lanes
        self._ring, self._sealed_ring = rings
        self._petitions = petitions
        self._clocks = clocks

    async def unseal(
        self, call: SealedCall, region_code: str, uid: UUID, decide: Decide, traceparent: str
    ) -> Petition:
        """Move it; see the port."""
        identity = call.caller.identity
        async with self._sealed.transaction() as tx:
            known = await remember(tx, identity, call.method, call.request_id, call.digest)
            if known is None:
                row = await one_row(tx.connection, _WHOLE, uid)
                step = await self._decided(tx, row, decide)
                assert row is not None, "what is not there was decided on"
                talks = await self._talks(tx, row)
                await self._register(tx, row, talks, step, traceparent)
                deed = json.dumps([actor_text(call.caller).decode(), step.note]).encode()
                record = key_of(row, self._sealed_ring).encrypt(_DEED, deed)
                kept = {"uid": uid, "unsealed_at": step.stepped_at, "record": record}
                await tx.connection.execute(_RECORD, kept)
                moved = {"talks": [talk["uid"] for talk in talks]}
                await tx.connection.execute(_TALKED, moved)
                for removal in _REMOVALS:
                    await tx.connection.execute(removal, {"uid": uid})
                await store(tx, identity, call.method, call.request_id, b"")
                await tx.commit()
        petition = await self._petitions.get(region_code, uid)
        if petition is None:
            # Sealed once more since the first call: the answer is that of anybody.
            raise NotFound(petition_name(region_code, uid))
        return petition

    async def _decided(self, tx: Transaction, row: Row | None, decide: Decide) -> SealedStep:
        if row is None:
            return decide(None, Accused())
        key = key_of(row, self._sealed_ring)
        accused = accused_of_row(row, await added_names(tx.connection, row["uid"]), key)
        return decide(case_of(row, self._clocks), accused)

    async def _register(
        self,
        sealed: Transaction,
        row: Row,
        talks: Sequence[Row],
        step: SealedStep,
        traceparent: str,
    ) -> None:
        """Write the petition into the ordinary lane, with the event of any registration."""
        key = key_of(row, self._sealed_ring)
        found = await sealed.connection.execute(_SUPPLEMENTS, {"uid": row["uid"]})
        supplements = [dict(item) for item in found.mappings()]
        async with self._ordinary.transaction() as tx:
            inserted = await tx.connection.execute(_INSERT, self._row(row, key))
            if inserted.first() is None:
                return
            await tx.connection.execute(_INSERT_RECEIPT, row)
            for item in supplements:
                await tx.connection.execute(_INSERT_SUPPLEMENT, _supplement_row(item, key))
            for talk in talks:
                await consultation_rows.copy_sealed(tx, talk, self._sealed_ring, self._ring)
            await tx.connection.execute(_UNMARK, {"uid": row["uid"]})
            await tx.publish([_registered(row, step, traceparent)])
            await tx.commit()

    async def _talks(self, sealed: Transaction, row: Row) -> list[Row]:
        """Return the talk that goes along; not one that accuses where the petition does not.

        Who cleared the petition has read its words, and no others.
        """
        talks = await consultation_rows.rows_of_petitions(sealed.connection, [row["uid"]])
        if not talks:
            return []
        read = sealed_petition(row, key_of(row, self._sealed_ring)).masked
        if self._rules.hits((read.request, read.facts, read.reasons)):
            return talks
        return [talk for talk in talks if not self._rules.hits(self._said(talk))]

    def _said(self, talk: Row) -> list[str]:
        key = consultation_rows.key_of(talk, self._sealed_ring)
        return [turn.text for turn in consultation_rows.consultation_of(talk, key).turns]

    def _row(self, row: Row, key: DataKey) -> dict[str, Any]:
        petition = replace(sealed_petition(row, key), state=State.REGISTERED)
        wrapped = key.wrapped_by(self._ring)
        declared = petition.declared_nature
        if declared is Nature.ACCUSATION:
            # A person found that it is none; the sorter must not read it there again.
            declared = Nature.UNSPECIFIED
        return {name: row[name] for name in _CAME} | {
            "declared_nature": int(declared),
            "state": int(petition.state),
            "masked_request": petition.masked.request,
            "masked_facts": petition.masked.facts,
            "masked_reasons": petition.masked.reasons,
            "masked_place": petition.masked.place,
            "masked_evidence": evidence_text(petition.evidence),
            "key_id": wrapped.key_id,
            "wrapped_key": wrapped.wrapped,
            "version": row["version"] + 1,
            "accusation_cleared": True,
        }


def _supplement_row(item: Row, key: DataKey) -> dict[str, Any]:
    masked = read_sealed_supplement(item, key)
    return {name: item[name] for name in ("uid", "number", "added_at", "original")} | {
        "masked_text": masked.masked_text,
        "masked_evidence": evidence_text(masked.evidence),
    }


def _registered(row: Row, step: SealedStep, traceparent: str) -> NewEvent:
    name = petition_name(row["region_code"], row["uid"])
    return NewEvent(
        feed=FEED,
        subject=name,
        region_code=row["handling_region_code"],
        etag=etag_of(row["version"] + 1),
        recorded_at=step.stepped_at,
        payload=PetitionEvent(kind=PetitionEvent.KIND_REGISTERED, petition=name),
        traceparent=traceparent,
    )
