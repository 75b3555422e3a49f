# ruff: noqa: N802 - methods are named as in the contract
"""Supplements and withdrawals (补充、撤回), over gRPC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from heed.common.v1.access_pb2 import ROLE_INTAKE_CLERK
from heed.intake.v1 import intake_service_pb2 as pb
from heed.intake.v1 import resources_pb2 as resources

from heed_intake.api.convert import evidence_of, stamp_of, supplement_message
from heed_intake.application.petition_changes import Asking, ChangedPetition
from heed_intake.application.ports import Claim, RequestKey
from heed_intake.application.supplement import supplement_petition
from heed_intake.application.withdraw import withdraw_petition
from heed_shared import telemetry
from heed_shared.identity import current_caller
from heed_shared.ids import etag_of, parse_resource_name, petition_name
from heed_shared.request_records import payload_digest

if TYPE_CHECKING:
    from heed_intake.api.servicer import Intake

Context = grpc.aio.ServicerContext[Any, Any]


class SupplementRpcs:
    """SupplementPetition and WithdrawPetition."""

    _intake: Intake

    async def SupplementPetition(
        self, request: pb.SupplementPetitionRequest, _context: Context
    ) -> pb.SupplementPetitionResponse:
        """Add to a petition."""
        changed = await supplement_petition(
            _asking("SupplementPetition", request),
            request.text,
            evidence_of(request.evidence),
            self._intake.changing,
        )
        return pb.SupplementPetitionResponse(petition=_message(changed))

    async def WithdrawPetition(
        self, request: pb.WithdrawPetitionRequest, _context: Context
    ) -> pb.WithdrawPetitionResponse:
        """Take a petition back."""
        asking = _asking("WithdrawPetition", request)
        changed = await withdraw_petition(asking, request.reason, self._intake.changing)
        return pb.WithdrawPetitionResponse(petition=_message(changed))


def _asking(
    method: str, request: pb.SupplementPetitionRequest | pb.WithdrawPetitionRequest
) -> Asking:
    caller = current_caller()
    region_code, uid = parse_resource_name(request.name, "petitions")
    key = RequestKey(caller.identity, request.request_id.lower())
    return Asking(
        caller=caller,
        region_code=region_code,
        uid=uid,
        query_code=request.query_code,
        claim=Claim(key, method, payload_digest(request)),
        code_required=ROLE_INTAKE_CLERK not in caller.roles,
        traceparent=telemetry.current_traceparent(),
    )


def _message(changed: ChangedPetition) -> resources.Petition:
    added = [changed.supplement] if changed.supplement is not None else []
    return resources.Petition(
        name=petition_name(changed.region_code, changed.uid),
        receipt_number=changed.receipt_number,
        region_code=changed.region_code,
        received_at=stamp_of(changed.received_at),
        registered_at=stamp_of(changed.registered_at),
        state=int(changed.state),  # type: ignore[arg-type]
        etag=etag_of(changed.version),
        supplements=[supplement_message(item) for item in added],
    )
