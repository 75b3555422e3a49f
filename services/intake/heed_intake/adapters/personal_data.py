"""How the parts of a petition are written before they are encrypted: compact JSON in UTF-8.

``original`` has the wording and the evidence as they came, ``contacts`` who writes, ``masked`` the
masked texts, which are encrypted in the sealed lane only.
"""

import json
from typing import Any

from heed_intake.domain.petition import Evidence, Person, Submission, Wording

ORIGINAL = "original"
CONTACTS = "contacts"
MASKED = "masked"
QUERY_CODE = "query_code"


def original_of(submission: Submission) -> bytes:
    """Return wording and evidence as they came."""
    evidence = [_evidence_row(item) for item in submission.evidence]
    return _written({"wording": _wording_row(submission.wording), "evidence": evidence})


def contacts_of(submission: Submission) -> bytes | None:
    """Return who writes; None when nobody is named, so that nothing is stored."""
    persons = submission.representatives
    if submission.petitioner.is_empty() and not persons:
        return None
    return _written(
        {
            "petitioner": _person_row(submission.petitioner),
            "representatives": [_person_row(person) for person in persons],
        }
    )


def masked_of(masked: Wording, evidence: tuple[Evidence, ...]) -> bytes:
    """Return the masked texts and file names of a sealed petition."""
    rows = [_evidence_row(item) for item in evidence]
    return _written({"wording": _wording_row(masked), "evidence": rows})


def read_masked(text: bytes) -> tuple[Wording, tuple[Evidence, ...]]:
    """Return what ``masked_of`` wrote."""
    data = json.loads(text)
    return Wording(*data["wording"]), tuple(_evidence(row) for row in data["evidence"])


def evidence_text(evidence: tuple[Evidence, ...]) -> str:
    """Return evidence with masked file names as it stands in the ordinary table."""
    return _written([_evidence_row(item) for item in evidence]).decode() if evidence else "[]"


def read_evidence(text: str) -> tuple[Evidence, ...]:
    """Return what ``evidence_text`` wrote."""
    return tuple(_evidence(row) for row in json.loads(text)) if text != "[]" else ()


def _written(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _wording_row(wording: Wording) -> list[str]:
    return [wording.request, wording.facts, wording.reasons, wording.place]


def _person_row(person: Person) -> list[str]:
    return [person.display_name, person.address, person.contact, person.safe_contact_note]


def _evidence_row(item: Evidence) -> list[Any]:
    return [item.file_name, item.media_type, item.size_bytes, item.sha256.hex()]


def _evidence(row: list[Any]) -> Evidence:
    return Evidence(row[0], row[1], row[2], bytes.fromhex(row[3]))
