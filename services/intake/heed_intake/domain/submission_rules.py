"""What a submission must satisfy beyond the shapes that the contract states.

A wrong telephone number or a missing name never refuses a petition: everything that a citizen may
file is registered. What is refused can only be a slip of whoever enters it.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from heed_intake.domain.petition import (
    NO_AGENT,
    NO_DETAILS,
    Details,
    Evidence,
    PeopleBucket,
    Person,
    Submission,
)
from heed_shared.errors import FieldViolation

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far the clock of a sending system may run ahead."""
EARLIEST_RECEIPT_YEAR = 1949
EARLIEST_EVENT_YEAR = 1900
"""Petitions reach back to houses and land of long ago, and not farther."""
DIGEST_BYTES = 32
_NUL_PROBLEM = "must not contain the character U+0000"
_FUTURE_PROBLEM = "must not lie in the future"
# RFC 6838, with parameters; the digits and dots of a telephone number are no media type.
_MEDIA_TYPE = re.compile(r"[A-Za-z][\w!#$&^.+-]*/[A-Za-z0-9][\w!#$&^.+-]*( *;[ -~]*)?", re.ASCII)
# A path would tell of the computer and often the name of whoever sent the file.
_NO_FILE_NAME = re.compile(r"[/\\\x01-\x1f\x7f]")
_LARGEST_SMALL_GROUP = 4


def violations(submission: Submission, now: datetime) -> list[FieldViolation]:
    """Return every wrong field, by its path in the registration request."""
    found = [*nul_violations(_texts(submission)), *_time_violations(submission, now)]
    record = submission.details.oral_record
    if record is not None and not record.recorder.strip():
        found.append(FieldViolation("oral_record.recorder", "must name who wrote it down"))
    if len(submission.agent.authority_sha256) not in (0, DIGEST_BYTES):
        text = f"must have {DIGEST_BYTES} bytes"
        found.append(FieldViolation("agent.authority_sha256", text))
    small = submission.people_bucket is PeopleBucket.FROM_2_TO_4
    if small and len(submission.representatives) > _LARGEST_SMALL_GROUP:
        text = "must not be more than the people it speaks for"
        found.append(FieldViolation("representatives", text))
    found += evidence_violations(submission.evidence)
    return [FieldViolation(f"submission.{item.field}", item.description) for item in found]


def nul_violations(texts: Iterator[tuple[str, str]]) -> list[FieldViolation]:
    """Return the fields whose text no database keeps."""
    return [FieldViolation(path, _NUL_PROBLEM) for path, text in texts if "\0" in text]


def evidence_violations(evidence: Sequence[Evidence]) -> list[FieldViolation]:
    """Return what is wrong with evidence, which is known by its digest and metadata alone."""
    found = []
    for index, item in enumerate(evidence):
        if _NO_FILE_NAME.search(item.file_name) or not item.file_name.strip():
            text = "must be the name of a file, without a path"
            found.append(FieldViolation(f"evidence[{index}].file_name", text))
        if not _MEDIA_TYPE.fullmatch(item.media_type):
            text = "must be a media type such as image/jpeg"
            found.append(FieldViolation(f"evidence[{index}].media_type", text))
        if not any(item.sha256):
            text = "must be the digest of the file"
            found.append(FieldViolation(f"evidence[{index}].sha256", text))
    return found


def evidence_texts(evidence: Sequence[Evidence]) -> Iterator[tuple[str, str]]:
    """Yield the texts of evidence with their paths."""
    for index, item in enumerate(evidence):
        yield f"evidence[{index}].file_name", item.file_name
        yield f"evidence[{index}].media_type", item.media_type


def _time_violations(submission: Submission, now: datetime) -> Iterator[FieldViolation]:
    times = (
        ("received_at", submission.received_at, EARLIEST_RECEIPT_YEAR),
        ("event_time", submission.details.event_time, EARLIEST_EVENT_YEAR),
    )
    for path, moment, earliest in times:
        if moment is not None and moment > now + CLOCK_TOLERANCE:
            yield FieldViolation(path, _FUTURE_PROBLEM)
        if moment is not None and moment.year < earliest:
            yield FieldViolation(path, f"must not lie before {earliest}")


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
    yield from evidence_texts(submission.evidence)
    for index, accused in enumerate(submission.accused_persons):
        yield f"accused_persons[{index}]", accused
    # Most come without, and every registration passes here.
    if submission.agent is not NO_AGENT:
        yield from _person_texts("agent.contact", submission.agent.contact)
        yield "agent.relation", submission.agent.relation
    if submission.details is not NO_DETAILS:
        yield from _detail_texts(submission.details)


def _detail_texts(details: Details) -> Iterator[tuple[str, str]]:
    if details.oral_record is not None:
        yield "oral_record.recorder", details.oral_record.recorder
    for index, unit in enumerate(details.target_units):
        yield f"target_units[{index}]", unit
    yield "language", details.language
    yield "accommodation_needs", details.accommodation_needs


def _person_texts(path: str, person: Person) -> Iterator[tuple[str, str]]:
    yield f"{path}.display_name", person.display_name
    yield f"{path}.address", person.address
    yield f"{path}.contact", person.contact
    yield f"{path}.safe_contact_note", person.safe_contact_note
