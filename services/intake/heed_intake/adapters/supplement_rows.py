"""Rows of supplements (补充材料): masked in the ordinary lane, encrypted in the sealed one."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from heed_intake.adapters.key_ring import DataKey
from heed_intake.adapters.personal_data import (
    evidence_text,
    read_evidence,
    read_supplement,
    supplement_of,
)
from heed_intake.domain.petition import Supplement
from heed_shared.database import Transaction

MASKED_SUPPLEMENT = "masked_supplement"
ORIGINAL_SUPPLEMENT = "supplement"

# The newest is always among them: it may tell of a danger.
_OF_PETITIONS = text("""
SELECT uid, added_at, masked_text, masked_evidence
  FROM (SELECT *, sum(length(masked_text)) OVER newest_first AS characters,
               row_number() OVER newest_first AS place
          FROM supplement WHERE uid = ANY(:uids)
        WINDOW newest_first AS (PARTITION BY uid ORDER BY number DESC)) AS measured
 WHERE characters <= :most_characters OR place = 1
 ORDER BY uid, number
""")
_NUMBERED = "(SELECT coalesce(max(number), 0) + 1 FROM supplement WHERE uid = :uid)"
_ADD = text(f"""
INSERT INTO supplement (uid, number, added_at, masked_text, masked_evidence, original)
VALUES (:uid, {_NUMBERED}, :added_at, :masked_text, :masked_evidence, :original)
""")
_ADD_SEALED = text(f"""
INSERT INTO supplement (uid, number, added_at, masked, original)
VALUES (:uid, {_NUMBERED}, :added_at, :masked, :original)
""")
_ALL_OF = text("SELECT * FROM supplement WHERE uid = ANY(:uids)")
# A number is given once in the ordinary lane, so a copy left by a crash is the same.
_COPY = text("""
INSERT INTO supplement (uid, number, added_at, masked, original)
VALUES (:uid, :number, :added_at, :masked, :original)
ON CONFLICT (uid, number) DO NOTHING
""")
_REMOVE = text("DELETE FROM supplement WHERE uid = :uid")


async def supplements_of(
    connection: AsyncConnection, uids: Sequence[UUID], most_characters: int
) -> dict[UUID, tuple[Supplement, ...]]:
    """Return the supplements of petitions of the ordinary lane, oldest first.

    Of one petition the newest that together have ``most_characters``, and one in any case.
    """
    if not uids:
        return {}
    values = {"uids": list(uids), "most_characters": most_characters}
    found: dict[UUID, list[Supplement]] = {}
    for row in await connection.execute(_OF_PETITIONS, values):
        supplement = Supplement(row.masked_text, read_evidence(row.masked_evidence), row.added_at)
        found.setdefault(row.uid, []).append(supplement)
    return {uid: tuple(supplements) for uid, supplements in found.items()}


async def add_supplement(tx: Transaction, uid: UUID, masked: Supplement, original: bytes) -> None:
    """Add one in the ordinary lane, under a lock on its petition."""
    row = {
        "uid": uid,
        "added_at": masked.added_at,
        "masked_text": masked.masked_text,
        "masked_evidence": evidence_text(masked.evidence),
        "original": original,
    }
    await tx.connection.execute(_ADD, row)


async def add_sealed_supplement(
    tx: Transaction, uid: UUID, masked: Supplement, original: bytes, key: DataKey
) -> None:
    """Add one in the sealed lane, under a lock on its petition; nothing of it is readable."""
    row = {
        "uid": uid,
        "added_at": masked.added_at,
        "masked": _closed(key, masked),
        "original": original,
    }
    await tx.connection.execute(_ADD_SEALED, row)


def read_sealed_supplement(row: Mapping[str, Any], key: DataKey) -> Supplement:
    """Return the supplement of a row of the sealed lane, masked."""
    masked_text, evidence = read_supplement(key.decrypt(MASKED_SUPPLEMENT, row["masked"]))
    return Supplement(masked_text, evidence, row["added_at"])


async def rows_to_seal(
    connection: AsyncConnection, uids: Iterable[UUID]
) -> list[Mapping[str, Any]]:
    """Return the rows of petitions of the ordinary lane that are about to be sealed."""
    result = await connection.execute(_ALL_OF, {"uids": list(uids)})
    return [dict(row) for row in result.mappings()]


async def copy_supplement(tx: Transaction, row: Mapping[str, Any], key: DataKey) -> None:
    """Copy a row of the ordinary lane into the sealed one, in a transaction of that lane."""
    masked = Supplement(row["masked_text"], read_evidence(row["masked_evidence"]), row["added_at"])
    copied = {name: row[name] for name in ("uid", "number", "added_at", "original")}
    await tx.connection.execute(_COPY, copied | {"masked": _closed(key, masked)})


async def remove_supplements(tx: Transaction, uid: UUID) -> None:
    """Remove those of a petition that was sealed from the ordinary lane."""
    await tx.connection.execute(_REMOVE, {"uid": uid})


def _closed(key: DataKey, masked: Supplement) -> bytes:
    return key.encrypt(MASKED_SUPPLEMENT, supplement_of(masked.masked_text, masked.evidence))
