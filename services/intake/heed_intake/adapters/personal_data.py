"""How the parts of a petition are written before they are encrypted: compact JSON in UTF-8.

``original`` has the wording, the evidence and the details as they came, ``contacts`` who writes,
``details`` the masked details, ``accused`` the accused persons, whom only the sealed lane has, and
``masked`` the masked texts, which are encrypted in the sealed lane only.
"""

import json
from datetime import datetime
from typing import Any

from heed_intake.domain.petition import (
    NO_DETAILS,
    Contacts,
    Details,
    Evidence,
    OralRecord,
    Person,
    Submission,
    Wording,
)

ORIGINAL = "original"
CONTACTS = "contacts"
DETAILS = "details"
ACCUSED = "accused"
MASKED = "masked"
QUERY_CODE = "query_code"


def original_of(submission: Submission) -> bytes:
    """Return wording, evidence and details as they came."""
    evidence = [_evidence_row(item) for item in submission.evidence]
    came = {"wording": _wording_row(submission.wording), "evidence": evidence}
    if submission.details != NO_DETAILS:
        came["details"] = _details_row(submission.details)
    return _written(came)


def contacts_of(submission: Submission) -> bytes | None:
    """Return who writes; None when nobody is named, so that nothing is stored."""
    persons, agent = submission.representatives, submission.agent
    if submission.petitioner.is_empty() and not persons and agent.is_empty():
        return None
    named: dict[str, Any] = {
        "petitioner": _person_row(submission.petitioner),
        "representatives": [_person_row(person) for person in persons],
    }
    if not agent.is_empty():
        proof = [agent.authority_sha256.hex(), agent.relation]
        named["agent"] = [_person_row(agent.contact), *proof]
    return _written(named)


def read_contacts(text: bytes) -> Contacts:
    """Return what ``contacts_of`` wrote."""
    named = json.loads(text)
    agents = [Person(*row) for row in named.get("agent", [])[:1]]
    return Contacts(
        petitioner=Person(*named["petitioner"]),
        representatives=tuple(Person(*row) for row in named["representatives"]),
        agent=agents[0] if agents else Person(),
    )


def read_persons(text: bytes) -> tuple[Person, ...]:
    """Return everybody whom ``contacts_of`` wrote: petitioner, representatives, agent."""
    contacts = read_contacts(text)
    agents = () if contacts.agent.is_empty() else (contacts.agent,)
    return (contacts.petitioner, *contacts.representatives, *agents)


def details_of(details: Details) -> bytes | None:
    """Return details; None where there are none, so that nothing is stored."""
    return None if details == NO_DETAILS else _written(_details_row(details))


def read_details(text: bytes) -> Details:
    """Return what ``details_of`` wrote."""
    record, event_time, units, language, needs = json.loads(text)
    return Details(
        oral_record=OralRecord(*record) if record else None,
        event_time=datetime.fromisoformat(event_time) if event_time else None,
        target_units=tuple(units),
        language=language,
        accommodation_needs=needs,
    )


def accused_of(submission: Submission) -> bytes | None:
    """Return the accused persons; None where nobody is named."""
    return _written(submission.accused_persons) if submission.accused_persons else None


def supplement_of(text: str, evidence: tuple[Evidence, ...]) -> bytes:
    """Return what was added later: text and evidence, as they came or masked."""
    return _written([text, [_evidence_row(item) for item in evidence]])


def read_supplement(text: bytes | str) -> tuple[str, tuple[Evidence, ...]]:
    """Return what ``supplement_of`` wrote."""
    added, evidence = json.loads(text)
    return added, tuple(_evidence(row) for row in evidence)


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


def _person_row(person: Person) -> list[Any]:
    return [
        person.display_name,
        person.address,
        person.contact,
        person.safe_contact_note,
        person.safe_to_call,
    ]


def _details_row(details: Details) -> list[Any]:
    record, event_time = details.oral_record, details.event_time
    return [
        record
        and [record.recorder, record.read_back, record.confirmed, record.written_form_offered],
        event_time and event_time.isoformat(),
        details.target_units,
        details.language,
        details.accommodation_needs,
    ]


def _evidence_row(item: Evidence) -> list[Any]:
    return [item.file_name, item.media_type, item.size_bytes, item.sha256.hex()]


def _evidence(row: list[Any]) -> Evidence:
    return Evidence(row[0], row[1], row[2], bytes.fromhex(row[3]))
