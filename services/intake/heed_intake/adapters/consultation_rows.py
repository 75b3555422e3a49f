"""Rows of consultations: the talk as it is encrypted, and its way into the sealed lane.

``talk`` is compact JSON in UTF-8 of turns and draft, encrypted under the consultation's own key.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from heed_intake.adapters.key_ring import DataKey, KeyRing, WrappedKey
from heed_intake.domain.consultation import (
    Consultation,
    ConsultationState,
    PetitionDraft,
    Speaker,
    Turn,
)
from heed_intake.domain.petition import Channel
from heed_shared.database import Database, Transaction
from heed_shared.errors import Conflict

TALK = "talk"
Row = Mapping[str, Any]

_COLUMNS = (
    "uid",
    "region_code",
    "channel",
    "state",
    "started_by",
    "started_at",
    "petition_region_code",
    "petition_uid",
    "key_id",
    "wrapped_key",
    "talk",
    "version",
)
_INSERT = (
    f"INSERT INTO consultation ({', '.join(_COLUMNS)})"
    f" VALUES ({', '.join(':' + name for name in _COLUMNS)})"
)
INSERT = text(_INSERT)
# A copy left by a crash gives way to the present talk; a late one by who was overtaken does not.
_RENEWED = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS)
_COPY = text(
    f"{_INSERT} ON CONFLICT (uid) DO UPDATE SET {_RENEWED}"
    " WHERE consultation.version <= excluded.version"
)
_OF_PETITIONS = text("SELECT * FROM consultation WHERE petition_uid = ANY(:uids)")
_NAMED_BY = text("SELECT uid, version FROM consultation WHERE petition_uid = :uid")
_REMOVE = text("DELETE FROM consultation WHERE petition_uid = :uid")


def row_of(consultation: Consultation, key: DataKey, wrapped: WrappedKey) -> dict[str, Any]:
    """Return a consultation as a row of its first version."""
    return changed_columns(consultation, key) | {
        "region_code": consultation.region_code,
        "channel": int(consultation.channel),
        "started_by": consultation.started_by,
        "started_at": consultation.started_at,
        "key_id": wrapped.key_id,
        "wrapped_key": wrapped.wrapped,
        "version": 1,
    }


def changed_columns(consultation: Consultation, key: DataKey) -> dict[str, Any]:
    """Return the columns that change with the talk, and the uid."""
    region_code, uid = consultation.petition or (None, None)
    return {
        "uid": consultation.uid,
        "state": int(consultation.state),
        "talk": key.encrypt(TALK, _talk_of(consultation)),
        "petition_region_code": region_code,
        "petition_uid": uid,
    }


def consultation_of(row: Row, key: DataKey) -> Consultation:
    """Return the consultation of a row."""
    talk = json.loads(key.decrypt(TALK, row["talk"]))
    draft = talk["draft"]
    registered = row["petition_uid"] is not None
    return Consultation(
        region_code=row["region_code"],
        uid=row["uid"],
        channel=Channel(row["channel"]),
        started_by=row["started_by"],
        started_at=row["started_at"],
        state=ConsultationState(row["state"]),
        turns=tuple(Turn(Speaker(speaker), said) for speaker, said in talk["turns"]),
        draft=_draft_of(draft) if draft else None,
        petition=(row["petition_region_code"], row["petition_uid"]) if registered else None,
    )


def key_of(row: Row, ring: KeyRing) -> DataKey:
    """Return the data key of a row."""
    return ring.unwrap(row["uid"], WrappedKey(row["key_id"], row["wrapped_key"]))


async def rows_of_petitions(connection: AsyncConnection, uids: Iterable[UUID]) -> list[Row]:
    """Return the rows from which these petitions came."""
    result = await connection.execute(_OF_PETITIONS, {"uids": list(uids)})
    return [dict(row) for row in result.mappings()]


async def copy_sealed(tx: Transaction, row: Row, ring: KeyRing, sealed_ring: KeyRing) -> None:
    """Copy a row of the ordinary lane into the sealed one, in a transaction of that lane.

    The data key stays the same and is wrapped anew by the sealed ring.
    """
    wrapped = key_of(row, ring).wrapped_by(sealed_ring)
    changed = {"key_id": wrapped.key_id, "wrapped_key": wrapped.wrapped}
    await tx.connection.execute(_COPY, {**row, **changed})


async def remove_of_petition(tx: Transaction, sealed: Database, petition: UUID) -> None:
    """Remove the consultation of a petition from the ordinary lane, once it is in the sealed one.

    The look into the sealed lane while ``tx`` is open is one short read, made only for petitions
    that came from a talk.

    Raises:
        Conflict: the petition got its consultation after the copy; copy again.
    """
    found = await tx.connection.execute(_NAMED_BY, {"uid": petition})
    if not (talks := {tuple(row) for row in found}):
        return
    async with sealed.read() as connection:
        copies = {tuple(row) for row in await connection.execute(_NAMED_BY, {"uid": petition})}
    if not talks <= copies:
        raise Conflict
    await tx.connection.execute(_REMOVE, {"uid": petition})


def _draft_of(written: list[Any]) -> PetitionDraft:
    request, facts, reasons, questions = written
    return PetitionDraft(request, facts, reasons, tuple(questions))


def _talk_of(consultation: Consultation) -> bytes:
    draft = consultation.draft
    talk = {
        "turns": [[int(turn.speaker), turn.text] for turn in consultation.turns],
        "draft": draft and [draft.request, draft.facts, draft.reasons, list(draft.questions)],
    }
    return json.dumps(talk, ensure_ascii=False, separators=(",", ":")).encode()
