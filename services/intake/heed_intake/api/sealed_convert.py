"""Between the messages of the sealed lane and its words, both ways."""

from datetime import datetime

from heed.intake.v1 import resources_pb2 as resources
from heed.intake.v1 import sealed_service_pb2 as pb

from heed_intake.api.convert import evidence_message, stamp_of
from heed_intake.application.sealed import SealedView
from heed_intake.application.sealed_ports import HandOver
from heed_intake.domain.petition import Person
from heed_intake.domain.sealed_case import SealedCase
from heed_shared.clock import SHANGHAI
from heed_shared.identity import Caller
from heed_shared.ids import etag_of


def case_message(case: SealedCase, now: datetime) -> pb.SealedPetition:
    """Return a petition of the lane without its content, with what is due as of ``now``."""
    message = pb.SealedPetition(
        name=case.name,
        receipt_number=case.receipt_number,
        region_code=case.region_code,
        received_at=stamp_of(case.received_at),
        sealed_at=stamp_of(case.sealed_at),
        sealed_because=case.sealed_because,
        state=int(case.state),  # type: ignore[arg-type]
        named=case.named,
        destination_unit=case.destination_unit,
        etag=etag_of(case.version),
        about_receipt_number=case.about_receipt,
        withdrawn_at=stamp_of(case.withdrawn_at) if case.withdrawn_at else None,
    )
    if case.due is not None:
        due = case.due
        message.deadline.CopyFrom(
            pb.SealedDeadline(
                rule=due.rule,
                what=due.what,
                due_at=stamp_of(due.due_at),
                overdue=now > due.due_at,
            )
        )
    return message


def look_message(seen: SealedView, caller: Caller) -> pb.GetSealedPetitionResponse:
    """Return a petition with its content, marked with who looks and when."""
    content = seen.content
    return pb.GetSealedPetitionResponse(
        petition=case_message(seen.case, seen.looked_at),
        content=pb.SealedContent(
            request=content.wording.request,
            facts=content.wording.facts,
            reasons=content.wording.reasons,
            target_units=content.accused.units,
            accused_persons=content.accused.persons,
            evidence=[evidence_message(item) for item in content.evidence],
            supplements=content.supplements,
            watermark=watermark(caller, seen.looked_at),
            closed_units=seen.closed_units,
            sealing_reason=content.sealing_reason,
        ),
        accuser=None if content.accuser.is_empty() else _person(content.accuser),
    )


def watermark(caller: Caller, now: datetime) -> str:
    """Return the mark of who looked and when, to be shown across the text (水印)."""
    at = now.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
    return " ".join(filter(None, (caller.unit, caller.display_name, caller.identity, at)))


def hand_over_message(hand_over: HandOver, number: str) -> pb.RecordSealedHandOverResponse:
    """Return a hand-over as recorded."""
    return pb.RecordSealedHandOverResponse(
        hand_over=pb.SealedHandOver(
            receipt_number=number,
            received_at=stamp_of(hand_over.received_at),
            recorded_at=stamp_of(hand_over.recorded_at),
            destination_unit=hand_over.destination_unit,
            recorded_by=hand_over.recorder.actor(),
        )
    )


def _person(person: Person) -> resources.Petitioner:
    return resources.Petitioner(
        display_name=person.display_name,
        address=person.address,
        contact=person.contact,
        safe_contact_note=person.safe_contact_note,
        safe_to_call=person.safe_to_call,
    )
