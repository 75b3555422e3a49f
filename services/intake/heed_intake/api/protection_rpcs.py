# ruff: noqa: N802 - methods are named as in the contract
"""What protects petitioners, over gRPC: sealing by hand (人工封存) and reports of retaliation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from heed.common.v1.access_pb2 import ROLE_PORTAL
from heed.intake.v1 import intake_service_pb2 as pb

from heed_intake.application.report_retaliation import Report, report_retaliation
from heed_intake.application.seal import seal_petition
from heed_intake.application.sealed_ports import SealedCall
from heed_intake.domain.petition import Channel
from heed_shared import telemetry
from heed_shared.identity import current_caller
from heed_shared.ids import parse_resource_name
from heed_shared.request_records import payload_digest

if TYPE_CHECKING:
    from heed_intake.api.servicer import Intake

Context = grpc.aio.ServicerContext[Any, Any]


class ProtectionRpcs:
    """SealPetition and ReportRetaliation."""

    _intake: Intake

    async def SealPetition(
        self, request: pb.SealPetitionRequest, _context: Context
    ) -> pb.SealPetitionResponse:
        """Move a petition into the sealed lane at once."""
        region_code, uid = parse_resource_name(request.name, "petitions")
        digest = payload_digest(request)
        await seal_petition(
            region_code,
            uid,
            request.reason,
            SealedCall(current_caller(), "SealPetition", request.request_id, digest),
            self._intake.petitions,
            self._intake.sealer,
            self._intake.registering.clock.now(),
            telemetry.current_traceparent(),
        )
        return pb.SealPetitionResponse()

    async def ReportRetaliation(
        self, request: pb.ReportRetaliationRequest, _context: Context
    ) -> pb.ReportRetaliationResponse:
        """Register a report of retaliation in the sealed lane."""
        caller = current_caller()
        report = Report(
            receipt_number=request.receipt_number,
            query_code=request.query_code,
            text=request.text,
            request_id=request.request_id.lower(),
            digest=payload_digest(request),
            channel=Channel.WEB if ROLE_PORTAL in caller.roles else Channel.VISIT,
        )
        registration = await report_retaliation(
            report,
            caller,
            self._intake.progress,
            self._intake.wrong_codes,
            self._intake.reported,
            self._intake.registering,
        )
        return pb.ReportRetaliationResponse(
            receipt_number=registration.petition.receipt_number,
            query_code=registration.query_code,
        )
