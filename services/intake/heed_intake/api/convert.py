"""Between the messages of the contract and the words of the domain, both ways."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from heed.intake.v1 import intake_service_pb2 as pb
from heed.intake.v1 import resources_pb2 as resources

from heed_intake.application.check_progress import Progress
from heed_intake.application.ports import ReadText
from heed_intake.application.register import RegisterCommand
from heed_intake.domain.petition import (
    NO_AGENT,
    NO_DETAILS,
    Agent,
    Channel,
    Details,
    Evidence,
    Nature,
    OralRecord,
    PeopleBucket,
    Person,
    Petition,
    Registration,
    State,
    Submission,
    Supplement,
    Wording,
)
from heed_intake.domain.progress import ShownStep
from heed_shared import audit
from heed_shared.errors import InvalidField
from heed_shared.identity import Caller
from heed_shared.ids import etag_of, petition_name


def register_command(
    request: pb.RegisterPetitionRequest,
    caller: Caller,
    traceparent: str,
    entry: audit.Pending | None,
) -> RegisterCommand:
    """Return the command of a request that satisfies the contract's rules."""
    payload = request.submission.SerializeToString(deterministic=True)
    return RegisterCommand(
        caller=caller,
        request_id=request.request_id,
        digest=hashlib.sha256(payload).digest(),
        submission=submission_of(request.submission),
        traceparent=traceparent,
        entry=entry,
    )


def submission_of(message: resources.PetitionSubmission) -> Submission:
    """Return what was submitted."""
    return Submission(
        region_code=message.region_code,
        channel=Channel(message.channel),
        wording=Wording(message.request, message.facts, message.reasons, message.place),
        office=message.office,
        received_at=(
            moment_of(message.received_at, "submission.received_at")
            if message.HasField("received_at")
            else None
        ),
        petitioner=_person(message.petitioner),
        representatives=tuple(_person(person) for person in message.representatives),
        people_bucket=PeopleBucket(message.people_bucket),
        declared_nature=Nature(message.declared_nature),
        evidence=evidence_of(message.evidence),
        external_id=message.external_id,
        privacy_notice_version=message.privacy_notice_version,
        confidentiality_requested=message.confidentiality_requested,
        agent=_agent(message.agent) if message.HasField("agent") else NO_AGENT,
        details=_details(message),
        accused_persons=tuple(message.accused_persons),
    )


def evidence_of(messages: Iterable[resources.Evidence]) -> tuple[Evidence, ...]:
    """Return evidence."""
    return tuple(
        Evidence(item.file_name, item.media_type, item.size_bytes, item.sha256) for item in messages
    )


def moment_of(stamp: Timestamp, field: str) -> datetime:
    """Return a time.

    Raises:
        InvalidField: it lies outside the years 1 to 9999.
    """
    try:
        return stamp.ToDatetime(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidField(field, "must lie in the years 1 to 9999") from error


def stamp_of(moment: datetime) -> Timestamp:
    """Return a time as a message."""
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def registration_message(registration: Registration) -> pb.RegisterPetitionResponse:
    """Return the answer to a registration."""
    return pb.RegisterPetitionResponse(
        petition=petition_message(registration.petition), query_code=registration.query_code
    )


def petition_message(petition: Petition) -> resources.Petition:
    """Return a petition as others see it."""
    return resources.Petition(
        name=petition_name(petition.region_code, petition.uid),
        receipt_number=petition.receipt_number,
        region_code=petition.region_code,
        handling_region_code=petition.handling_region_code,
        office=petition.office,
        channel=int(petition.channel),  # type: ignore[arg-type]
        received_at=stamp_of(petition.received_at),
        registered_at=stamp_of(petition.registered_at),
        state=int(petition.state),  # type: ignore[arg-type]
        masked_request=petition.masked.request,
        masked_facts=petition.masked.facts,
        masked_reasons=petition.masked.reasons,
        declared_nature=int(petition.declared_nature),  # type: ignore[arg-type]
        people_bucket=int(petition.people_bucket),  # type: ignore[arg-type]
        anonymous=petition.anonymous,
        external_id=petition.external_id,
        evidence=[evidence_message(item) for item in petition.evidence],
        etag=etag_of(petition.version),
        supplements=[supplement_message(item) for item in petition.supplements],
        consultation=petition.consultation,
        **_detail_fields(petition.details),
    )


def supplement_message(supplement: Supplement) -> resources.Supplement:
    """Return what was added later."""
    return resources.Supplement(
        masked_text=supplement.masked_text,
        evidence=[evidence_message(item) for item in supplement.evidence],
        added_at=stamp_of(supplement.added_at),
    )


def _detail_fields(details: Details) -> dict[str, Any]:
    record, event_time = details.oral_record, details.event_time
    return {
        "oral_record": record
        and resources.OralRecord(
            recorder=record.recorder,
            read_back=record.read_back,
            confirmed=record.confirmed,
            written_form_offered=record.written_form_offered,
        ),
        "event_time": event_time and stamp_of(event_time),
        "target_units": details.target_units,
        "language": details.language,
        "accommodation_needs": details.accommodation_needs,
    }


def text_message(name: str, text: ReadText | None) -> pb.MaskedText:
    """Return the masked text of one petition, or why there is none."""
    if text is None:
        return pb.MaskedText(petition=name, availability=pb.MaskedText.AVAILABILITY_NOT_FOUND)
    if text.petition is None or text.state is State.SEALED:
        return pb.MaskedText(petition=name, availability=pb.MaskedText.AVAILABILITY_SEALED)
    if text.state is State.ERASED:
        return pb.MaskedText(petition=name, availability=pb.MaskedText.AVAILABILITY_ERASED)
    petition = text.petition
    return pb.MaskedText(
        petition=name,
        availability=pb.MaskedText.AVAILABILITY_READABLE,
        request=petition.masked.request,
        facts=petition.masked.facts,
        reasons=petition.masked.reasons,
        place=petition.masked.place,
        region_code=petition.region_code,
        channel=int(petition.channel),  # type: ignore[arg-type]
        received_at=stamp_of(petition.received_at),
        declared_nature=int(petition.declared_nature),  # type: ignore[arg-type]
        people_bucket=int(petition.people_bucket),  # type: ignore[arg-type]
        etag=etag_of(petition.version),
        receipt_number=petition.receipt_number,
        supplements=[item.masked_text for item in petition.supplements],
        accusation_cleared=petition.accusation_cleared,
    )


def progress_message(progress: Progress) -> pb.CheckProgressResponse:
    """Return the progress page."""
    return pb.CheckProgressResponse(
        receipt_number=progress.receipt_number,
        received_at=stamp_of(progress.received_at),
        steps=_step_messages(progress.steps),
    )


def _step_messages(steps: Sequence[ShownStep]) -> list[resources.ProgressStep]:
    return [
        resources.ProgressStep(
            stage=int(step.stage),  # type: ignore[arg-type]
            reached_at=stamp_of(step.reached_at),
            due_at=stamp_of(step.due_at) if step.due_at else None,
            text=step.text,
            unit=step.unit,
        )
        for step in steps
    ]


def _person(message: resources.Petitioner) -> Person:
    return Person(
        message.display_name,
        message.address,
        message.contact,
        message.safe_contact_note,
        message.safe_to_call,
    )


def _agent(message: resources.Agent) -> Agent:
    return Agent(_person(message.contact), message.authority_sha256, message.relation)


def _details(message: resources.PetitionSubmission) -> Details:
    if not any(message.HasField(name) for name in ("oral_record", "event_time")) and not (
        message.target_units or message.language or message.accommodation_needs
    ):
        return NO_DETAILS
    record = message.oral_record
    return Details(
        oral_record=OralRecord(
            record.recorder, record.read_back, record.confirmed, record.written_form_offered
        )
        if message.HasField("oral_record")
        else None,
        event_time=moment_of(message.event_time, "submission.event_time")
        if message.HasField("event_time")
        else None,
        target_units=tuple(message.target_units),
        language=message.language,
        accommodation_needs=message.accommodation_needs,
    )


def evidence_message(item: Evidence) -> resources.Evidence:
    """Return evidence as a message."""
    return resources.Evidence(
        file_name=item.file_name,
        media_type=item.media_type,
        size_bytes=item.size_bytes,
        sha256=item.sha256,
    )
