# ruff: noqa: N802 - methods are named as in the contract
"""heed.intake.v1.IntakeService: messages in, use case, messages out."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import grpc
from heed.intake.v1 import intake_service_pb2 as pb
from heed.intake.v1.intake_service_pb2_grpc import IntakeServiceServicer

from heed_intake.api import convert
from heed_intake.api.consultation_rpcs import ConsultationRpcs
from heed_intake.api.personal_rpcs import PersonalRpcs
from heed_intake.api.protection_rpcs import ProtectionRpcs
from heed_intake.api.registering import import_rows, register_each
from heed_intake.api.suggestion_rpcs import SuggestionRpcs
from heed_intake.api.supplement_rpcs import SupplementRpcs
from heed_intake.application.check_progress import WrongCodes, check_progress
from heed_intake.application.consultation import Consulting
from heed_intake.application.personal import Personal
from heed_intake.application.petition_changes import Changing
from heed_intake.application.ports import (
    PetitionFilter,
    PetitionReader,
    ProgressReader,
    TextReader,
)
from heed_intake.application.read import get_petition, list_petitions, masked_texts
from heed_intake.application.register import Registering
from heed_intake.application.report_retaliation import ReportedPetitions
from heed_intake.application.seal import Sealer
from heed_intake.application.suggest import Suggesting
from heed_intake.application.waves import RegistrationWaves
from heed_shared import audit, telemetry
from heed_shared.errors import BadPageToken, HeedError, InvalidField
from heed_shared.identity import current_caller
from heed_shared.ids import parse_resource_name, petition_name
from heed_shared.paging import PageTokens, filter_digest, page_size
from heed_shared.rpc.options import MAX_MESSAGE_BYTES
from heed_shared.rpc.stopping import current_stopping

_LIST = "ListPetitions"
Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True)
class Intake:
    """What the servicer works with."""

    registering: Registering
    waves: RegistrationWaves
    petitions: PetitionReader
    texts: TextReader
    progress: ProgressReader
    wrong_codes: WrongCodes
    page_tokens: PageTokens
    consulting: Consulting
    suggesting: Suggesting
    changing: Changing
    personal: Personal
    sealer: Sealer
    reported: ReportedPetitions


class IntakeServicer(
    ConsultationRpcs,
    PersonalRpcs,
    ProtectionRpcs,
    SuggestionRpcs,
    SupplementRpcs,
    IntakeServiceServicer,
):
    """One short method for each RPC."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    async def RegisterPetition(
        self, request: pb.RegisterPetitionRequest, _context: Context
    ) -> pb.RegisterPetitionResponse:
        """Register one petition, in a wave with others that come at the same time."""
        traceparent = telemetry.current_traceparent()
        command = convert.register_command(request, current_caller(), traceparent, audit.current())
        outcome = await self._intake.waves.register(command)
        if isinstance(outcome, HeedError):
            raise outcome
        petition = outcome.petition
        audit.note(resource=petition_name(petition.region_code, petition.uid))
        return convert.registration_message(outcome)

    async def BatchRegisterPetitions(
        self, request: pb.BatchRegisterPetitionsRequest, _context: Context
    ) -> pb.BatchRegisterPetitionsResponse:
        """Register up to 500 petitions."""
        caller, registering = current_caller(), self._intake.registering
        audit.note(result_count=len(request.requests))
        results = await register_each(request.requests, caller, registering)
        return pb.BatchRegisterPetitionsResponse(results=results)

    async def ImportPetitions(
        self, request_iterator: AsyncIterator[pb.ImportPetitionsRequest], _context: Context
    ) -> AsyncIterator[pb.ImportPetitionsResponse]:
        """Register a stream of petitions."""
        stopping: asyncio.Event = current_stopping()
        async for response in import_rows(
            request_iterator, current_caller(), self._intake.registering, stopping
        ):
            yield response

    async def GetPetition(
        self, request: pb.GetPetitionRequest, _context: Context
    ) -> pb.GetPetitionResponse:
        """Return one petition."""
        region_code, uid = parse_resource_name(request.name, "petitions")
        petition = await get_petition(region_code, uid, current_caller(), self._intake.petitions)
        return pb.GetPetitionResponse(petition=convert.petition_message(petition))

    async def ListPetitions(
        self, request: pb.ListPetitionsRequest, _context: Context
    ) -> pb.ListPetitionsResponse:
        """Return one page of petitions."""
        tokens, digest = self._intake.page_tokens, filter_digest(request)
        page = await list_petitions(
            _filter(request),
            _position(tokens.decode(_LIST, digest, request.page_token))
            if request.page_token
            else None,
            page_size(request.page_size),
            current_caller(),
            self._intake.petitions,
            self._intake.registering.regions,
        )
        after = page.next_after
        return pb.ListPetitionsResponse(
            petitions=[convert.petition_message(petition) for petition in page.petitions],
            next_page_token=tokens.encode(_LIST, digest, [str(after)]) if after else "",
        )

    async def CheckProgress(
        self, request: pb.CheckProgressRequest, _context: Context
    ) -> pb.CheckProgressResponse:
        """Return the progress page of one petition."""
        progress = await check_progress(
            request.receipt_number,
            request.query_code,
            current_caller(),
            self._intake.progress,
            self._intake.wrong_codes,
        )
        return convert.progress_message(progress)

    async def BatchGetMaskedTexts(
        self, request: pb.BatchGetMaskedTextsRequest, _context: Context
    ) -> pb.BatchGetMaskedTextsResponse:
        """Return masked texts, in the order of the names; a name that is none is not found."""
        parsed = {name: _parsed(name) for name in request.names}
        known = [pair for pair in parsed.values() if pair is not None]
        texts = await masked_texts(known, current_caller(), self._intake.texts)
        found = dict(zip(known, texts, strict=True))
        response = pb.BatchGetMaskedTextsResponse(
            texts=[
                convert.text_message(name, found.get(pair) if (pair := parsed[name]) else None)
                for name in request.names
            ]
        )
        if response.ByteSize() > MAX_MESSAGE_BYTES:
            # The caller's library would refuse the answer as something to try again, for ever.
            raise InvalidField("names", "have texts too long for one message; ask for fewer")
        return response


def _filter(request: pb.ListPetitionsRequest) -> PetitionFilter:
    return PetitionFilter(
        region_prefix=request.region_prefix,
        received_from=convert.moment_of(request.received_from, "received_from")
        if request.HasField("received_from")
        else None,
        received_before=convert.moment_of(request.received_before, "received_before")
        if request.HasField("received_before")
        else None,
    )


def _position(position: list[str | int]) -> UUID:
    try:
        return UUID(str(position[0]))
    except (IndexError, ValueError) as error:
        raise BadPageToken from error


def _parsed(name: str) -> tuple[str, UUID] | None:
    try:
        return parse_resource_name(name, "petitions")
    except InvalidField:
        return None
