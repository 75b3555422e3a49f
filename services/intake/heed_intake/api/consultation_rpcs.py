# ruff: noqa: N802 - methods are named as in the contract
"""The consultation that becomes a written petition (咨询成文), over gRPC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from heed.common.v1.access_pb2 import Role
from heed.intake.v1 import intake_service_pb2 as pb
from heed.intake.v1 import resources_pb2 as resources

from heed_intake.api import convert
from heed_intake.application.consultation import (
    Asking,
    Confirmation,
    add_turn,
    compose_draft,
    confirm_draft,
    get_consultation,
    start_consultation,
)
from heed_intake.application.ports import Claim, RequestKey
from heed_intake.domain.consultation import Consultation, PetitionDraft, Speaker
from heed_intake.domain.petition import Channel
from heed_shared import telemetry
from heed_shared.identity import current_caller
from heed_shared.ids import parse_resource_name, petition_name
from heed_shared.request_records import payload_digest

if TYPE_CHECKING:
    from heed_intake.api.servicer import Intake

Context = grpc.aio.ServicerContext[Any, Any]


class ConsultationRpcs:
    """StartConsultation to ConfirmPetitionDraft, and GetConsultation."""

    _intake: Intake

    async def StartConsultation(
        self, request: pb.StartConsultationRequest, _context: Context
    ) -> pb.StartConsultationResponse:
        """Begin a talk."""
        claim = _claim("StartConsultation", request)
        channel, caller = Channel(request.channel), current_caller()
        begun = await start_consultation(
            request.region_code, channel, caller, claim, self._intake.consulting
        )
        return pb.StartConsultationResponse(consultation=_message(begun))

    async def AddConsultationTurn(
        self, request: pb.AddConsultationTurnRequest, _context: Context
    ) -> pb.AddConsultationTurnResponse:
        """Add what was said."""
        claim = _claim("AddConsultationTurn", request)
        speaker = Speaker(request.speaker)
        changed = await add_turn(
            _asking(request.name), speaker, request.text, claim, self._intake.consulting
        )
        return pb.AddConsultationTurnResponse(consultation=_message(changed))

    async def ComposePetitionDraft(
        self, request: pb.ComposePetitionDraftRequest, _context: Context
    ) -> pb.ComposePetitionDraftResponse:
        """Make the draft of all that was said so far."""
        claim = _claim("ComposePetitionDraft", request)
        drafted = await compose_draft(_asking(request.name), claim, self._intake.consulting)
        return pb.ComposePetitionDraftResponse(consultation=_message(drafted))

    async def ConfirmPetitionDraft(
        self, request: pb.ConfirmPetitionDraftRequest, _context: Context
    ) -> pb.ConfirmPetitionDraftResponse:
        """Register the petition as the petitioner confirmed or corrected it."""
        confirmation = Confirmation(
            asking=_asking(request.name),
            submission=convert.submission_of(request.submission),
            confirmed=request.confirmed,
            claim=_claim("ConfirmPetitionDraft", request),
            traceparent=telemetry.current_traceparent(),
        )
        registration = await confirm_draft(confirmation, self._intake.consulting)
        return pb.ConfirmPetitionDraftResponse(
            petition=convert.petition_message(registration.petition),
            query_code=registration.query_code,
        )

    async def GetConsultation(
        self, request: pb.GetConsultationRequest, _context: Context
    ) -> pb.GetConsultationResponse:
        """Return a talk that is not sealed."""
        found = await get_consultation(_asking(request.name), self._intake.consulting)
        return pb.GetConsultationResponse(consultation=_message(found))


def _asking(name: str) -> Asking:
    caller = current_caller()
    region_code, uid = parse_resource_name(name, "consultations")
    return Asking(caller, region_code, uid, Role.ROLE_INTAKE_CLERK in caller.roles)


def _claim(method: str, request: Any) -> Claim:
    key = RequestKey(current_caller().identity, request.request_id.lower())
    return Claim(key, method, payload_digest(request))


def _message(consultation: Consultation) -> resources.Consultation:
    return resources.Consultation(
        name=consultation.name,
        state=int(consultation.state),  # type: ignore[arg-type]
        region_code=consultation.region_code,
        channel=int(consultation.channel),  # type: ignore[arg-type]
        turns=[
            resources.ConsultationTurn(speaker=int(turn.speaker), text=turn.text)  # type: ignore[arg-type]
            for turn in consultation.turns
        ],
        draft=_draft_message(consultation.draft) if consultation.draft else None,
        petition=petition_name(*consultation.petition) if consultation.petition else "",
        started_at=convert.stamp_of(consultation.started_at),
    )


def _draft_message(draft: PetitionDraft) -> resources.PetitionDraft:
    return resources.PetitionDraft(
        request=draft.request,
        facts=draft.facts,
        reasons=draft.reasons,
        questions=draft.questions,
    )
