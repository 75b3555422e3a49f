"""Rows of the sealed lane as cases and content, and what the ordering by due date rests on."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from heed_intake.adapters.key_ring import DataKey
from heed_intake.adapters.personal_data import (
    ACCUSED,
    CONTACTS,
    ORIGINAL,
    read_details,
    read_masked,
    read_persons,
    read_supplement,
)
from heed_intake.adapters.sealing import SEALING_REASON
from heed_intake.adapters.supplement_rows import ORIGINAL_SUPPLEMENT
from heed_intake.application.sealed_ports import SealedContent
from heed_intake.domain.petition import Person
from heed_intake.domain.sealed_case import Accused, SealedCase, SealedDue, SealedState
from heed_intake.domain.sealed_clocks import SealedClocks

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""Due date of what is never due."""
CASE_COLUMNS = """
    petition.uid, petition.region_code, petition.handling_region_code, petition.received_at,
    petition.registered_at, petition.sealed_at, petition.sealed_because, petition.sealed_by,
    petition.state, petition.withdrawn_at, petition.anonymous, petition.destination_unit,
    petition.about_receipt, petition.closed_at, petition.version, petition.due_at,
    receipt.number AS receipt_number
"""
ADDED_ACCUSED = "accused_added"
_MOST_CHARACTERS = 2 * 1024 * 1024
"""Most characters of supplements in one message, the newest; four bytes each at most."""

Row = Mapping[str, Any]


def case_of(row: Row, clocks: SealedClocks) -> SealedCase:
    """Return the case of a row with CASE_COLUMNS."""
    return SealedCase(
        region_code=row["region_code"],
        uid=row["uid"],
        receipt_number=row["receipt_number"],
        handling_region_code=row["handling_region_code"],
        received_at=row["received_at"],
        registered_at=row["registered_at"],
        sealed_at=row["sealed_at"],
        sealed_because=tuple(row["sealed_because"]),
        sealed_by=row["sealed_by"],
        stage=SealedState(row["state"]),
        withdrawn_at=row["withdrawn_at"],
        named=not row["anonymous"],
        destination_unit=row["destination_unit"],
        about_receipt=row["about_receipt"],
        closed_at=row["closed_at"],
        due=due_of(row, clocks),
        version=row["version"],
    )


def due_of(row: Row, clocks: SealedClocks) -> SealedDue | None:
    """Return what is due of a row."""
    moved = row["sealed_at"] > row["registered_at"]
    return clocks.running(
        SealedState(row["state"]),
        row["sealed_at"] if moved else row["received_at"],
        row["closed_at"],
        named=not row["anonymous"],
    )


def accused_of_row(row: Row, added: Sequence[bytes], key: DataKey) -> Accused:
    """Return everybody who is accused: as entered, and as added later."""
    units = [*_details_units(row, key)]
    persons = json.loads(key.decrypt(ACCUSED, row["accused"])) if row["accused"] else []
    for names in added:
        more_units, more_persons = json.loads(key.decrypt(ADDED_ACCUSED, names))
        units += more_units
        persons += more_persons
    return Accused(tuple(dict.fromkeys(units)), tuple(dict.fromkeys(persons)))


def added_accused(accused: Accused, key: DataKey) -> bytes:
    """Return accused that somebody added, encrypted."""
    text = json.dumps([accused.units, accused.persons], ensure_ascii=False)
    return key.encrypt(ADDED_ACCUSED, text.encode())


def content_of(
    row: Row, added: Sequence[bytes], supplements: Sequence[bytes], key: DataKey
) -> SealedContent:
    """Return what was written; of very many supplements the newest that fit into a message."""
    wording, evidence = read_masked(key.decrypt(ORIGINAL, row["original"]))
    texts: list[str] = []
    left = _MOST_CHARACTERS
    for encrypted in reversed(supplements):
        text, _ = read_supplement(key.decrypt(ORIGINAL_SUPPLEMENT, encrypted))
        left -= len(text)
        if texts and left < 0:
            break
        texts.insert(0, text)
    reason = row["sealing_reason"]
    persons = read_persons(key.decrypt(CONTACTS, row["contacts"])) if row["contacts"] else ()
    return SealedContent(
        wording=wording,
        evidence=evidence,
        accused=accused_of_row(row, added, key),
        supplements=tuple(texts),
        sealing_reason=key.decrypt(SEALING_REASON, reason).decode() if reason else "",
        accuser=persons[0] if persons else Person(),
    )


def _details_units(row: Row, key: DataKey) -> tuple[str, ...]:
    came = json.loads(key.decrypt(ORIGINAL, row["original"]))
    if "details" not in came:
        return ()
    return read_details(json.dumps(came["details"]).encode()).target_units
