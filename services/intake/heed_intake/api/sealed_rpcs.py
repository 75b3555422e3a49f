# ruff: noqa: N802 - methods are named as in the contract
"""heed.intake.v1.SealedService: messages in, use case, messages out."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import grpc
from google.protobuf.message import Message
from heed.intake.v1 import sealed_service_pb2 as pb
from heed.intake.v1.sealed_service_pb2_grpc import SealedServiceServicer

from heed_intake.api.convert import moment_of, petition_message
from heed_intake.api.sealed_convert import case_message, hand_over_message, look_message
from heed_intake.application import sealed
from heed_intake.application.sealed import SealedLane, Subject
from heed_intake.application.sealed_ports import (
    HandOver,
    SealedCall,
    SealedFilter,
    SealedPosition,
)
from heed_intake.domain.sealed_case import Accused, SealedCase, SealedState
from heed_shared import telemetry
from heed_shared.errors import BadPageToken
from heed_shared.identity import current_caller
from heed_shared.ids import parse_resource_name
from heed_shared.paging import PageTokens, filter_digest, page_size
from heed_shared.request_records import payload_digest

_LIST = "ListSealedPetitions"
Context = grpc.aio.ServicerContext[Any, Any]


class SealedRpcs(SealedServiceServicer):
    """One short method for each RPC."""

    def __init__(self, lane: SealedLane, page_tokens: PageTokens) -> None:
        self._lane = lane
        self._page_tokens = page_tokens

    async def ListSealedPetitions(
        self, request: pb.ListSealedPetitionsRequest, _context: Context
    ) -> pb.ListSealedPetitionsResponse:
        """Return one page of petitions, what burns first."""
        digest = filter_digest(request)
        after = (
            _position(self._page_tokens.decode(_LIST, digest, request.page_token))
            if request.page_token
            else None
        )
        which = SealedFilter(
            request.region_prefix, SealedState(request.state) if request.state else None
        )
        size = page_size(request.page_size)
        cases, end = await sealed.list_sealed(which, after, size, current_caller(), self._lane)
        now = self._lane.clock.now()
        token = ""
        if end is not None:
            position = [end.due_at.isoformat(), str(end.uid)]
            token = self._page_tokens.encode(_LIST, digest, position)
        return pb.ListSealedPetitionsResponse(
            petitions=[case_message(case, now) for case in cases], next_page_token=token
        )

    async def GetSealedPetition(
        self, request: pb.GetSealedPetitionRequest, _context: Context
    ) -> pb.GetSealedPetitionResponse:
        """Return one with its content; the purpose goes into the audit."""
        caller = current_caller()
        region_code, uid = parse_resource_name(request.name, "petitions")
        return look_message(await sealed.look(region_code, uid, caller, self._lane), caller)

    async def AcceptSealedPetition(
        self, request: pb.AcceptSealedPetitionRequest, _context: Context
    ) -> pb.AcceptSealedPetitionResponse:
        """Take one up."""
        answered = await sealed.accept(
            _subject(request),
            request.notice_method,
            _call(request),
            self._lane,
            self._answer(pb.AcceptSealedPetitionResponse),
        )
        return pb.AcceptSealedPetitionResponse.FromString(answered)

    async def ForwardSealedPetition(
        self, request: pb.ForwardSealedPetitionRequest, _context: Context
    ) -> pb.ForwardSealedPetitionResponse:
        """Send one to the competent unit."""
        answered = await sealed.forward(
            _subject(request),
            request.destination_unit,
            _call(request),
            self._lane,
            self._answer(pb.ForwardSealedPetitionResponse),
        )
        return pb.ForwardSealedPetitionResponse.FromString(answered)

    async def CloseSealedPetition(
        self, request: pb.CloseSealedPetitionRequest, _context: Context
    ) -> pb.CloseSealedPetitionResponse:
        """Record that one was examined."""
        answered = await sealed.close(
            _subject(request),
            _call(request),
            self._lane,
            self._answer(pb.CloseSealedPetitionResponse),
        )
        return pb.CloseSealedPetitionResponse.FromString(answered)

    async def TellSealedResult(
        self, request: pb.TellSealedResultRequest, _context: Context
    ) -> pb.TellSealedResultResponse:
        """Record that the accuser was told the result."""
        answered = await sealed.tell(
            _subject(request),
            request.notice_method,
            _call(request),
            self._lane,
            self._answer(pb.TellSealedResultResponse),
        )
        return pb.TellSealedResultResponse.FromString(answered)

    async def AddAccused(
        self, request: pb.AddAccusedRequest, _context: Context
    ) -> pb.AddAccusedResponse:
        """Add units and persons that the text accuses."""
        accused = Accused(tuple(request.target_units), tuple(request.accused_persons))
        answered = await sealed.add_accused(
            _subject(request),
            accused,
            _call(request),
            self._lane,
            self._answer(pb.AddAccusedResponse),
        )
        return pb.AddAccusedResponse.FromString(answered)

    async def UnsealPetition(
        self, request: pb.UnsealPetitionRequest, _context: Context
    ) -> pb.UnsealPetitionResponse:
        """Move one that accuses nobody into the ordinary lane."""
        traceparent = telemetry.current_traceparent()
        petition = await sealed.unseal(
            _subject(request), request.reason, _call(request), self._lane, traceparent
        )
        return pb.UnsealPetitionResponse(petition=petition_message(petition))

    async def RecordSealedHandOver(
        self, request: pb.RecordSealedHandOverRequest, _context: Context
    ) -> pb.RecordSealedHandOverResponse:
        """Record a letter that must not enter."""
        now = self._lane.clock.now()
        hand_over = HandOver(
            region_code=request.region_code,
            office=request.office,
            received_at=moment_of(request.received_at, "received_at")
            if request.HasField("received_at")
            else now,
            recorded_at=now,
            destination_unit=request.destination_unit,
            recorder=current_caller(),
        )
        answered = await sealed.record_hand_over(
            hand_over,
            _call(request),
            self._lane,
            lambda number: hand_over_message(hand_over, number).SerializeToString(),
        )
        return pb.RecordSealedHandOverResponse.FromString(answered)

    def _answer(self, response: Any) -> sealed.Answer:
        """Return how a changed petition becomes the answer that is kept and sent."""
        now = self._lane.clock.now()

        def answer(case: SealedCase) -> bytes:
            message: Message = response(petition=case_message(case, now))
            return message.SerializeToString()

        return answer


def _subject(request: Any) -> Subject:
    region_code, uid = parse_resource_name(request.name, "petitions")
    return Subject(region_code, uid, request.etag)


def _call(request: Any) -> SealedCall:
    method = type(request).DESCRIPTOR.name.removesuffix("Request")
    return SealedCall(current_caller(), method, request.request_id, payload_digest(request))


def _position(position: Sequence[str | int]) -> SealedPosition:
    try:
        due_at, uid = position
        return SealedPosition(datetime.fromisoformat(str(due_at)).astimezone(UTC), UUID(str(uid)))
    except (ValueError, OverflowError) as error:
        raise BadPageToken from error
