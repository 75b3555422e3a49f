"""What a submission must satisfy beyond the shapes that the contract states.

A wrong telephone number or a missing name never refuses a petition: everything that a citizen may
file is registered.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from heed_intake.domain.petition import Person, Submission
from heed_shared.errors import FieldViolation

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far the clock of a sending system may run ahead."""
EARLIEST_RECEIPT_YEAR = 1949
_NUL_PROBLEM = "must not contain the character U+0000"


def violations(submission: Submission, now: datetime) -> list[FieldViolation]:
    """Return every wrong field, by its path in the registration request."""
    found = [
        FieldViolation(f"submission.{path}", _NUL_PROBLEM)
        for path, text in _texts(submission)
        if "\0" in text
    ]
    received_at = submission.received_at
    if received_at is not None and received_at > now + CLOCK_TOLERANCE:
        found.append(FieldViolation("submission.received_at", "must not lie in the future"))
    if received_at is not None and received_at.year < EARLIEST_RECEIPT_YEAR:
        text = f"must not lie before {EARLIEST_RECEIPT_YEAR}"
        found.append(FieldViolation("submission.received_at", text))
    return found


def _texts(submission: Submission) -> Iterator[tuple[str, str]]:
    wording = submission.wording
    yield "request", wording.request
    yield "facts", wording.facts
    yield "reasons", wording.reasons
    yield "place", wording.place
    yield "external_id", submission.external_id
    yield "privacy_notice_version", submission.privacy_notice_version
    yield from _person_texts("petitioner", submission.petitioner)
    for index, person in enumerate(submission.representatives):
        yield from _person_texts(f"representatives[{index}]", person)
    for index, item in enumerate(submission.evidence):
        yield f"evidence[{index}].file_name", item.file_name
        yield f"evidence[{index}].media_type", item.media_type


def _person_texts(path: str, person: Person) -> Iterator[tuple[str, str]]:
    yield f"{path}.display_name", person.display_name
    yield f"{path}.address", person.address
    yield f"{path}.contact", person.contact
    yield f"{path}.safe_contact_note", person.safe_contact_note
