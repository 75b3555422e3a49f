# ruff: noqa: N802 - methods are named as in the contract
"""Who wrote, who looked, and erasing both for good, over gRPC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from heed.intake.v1 import intake_service_pb2 as pb
from heed.intake.v1 import resources_pb2 as resources

from heed_intake.api.convert import stamp_of
from heed_intake.api.sealed_convert import watermark
from heed_intake.application.personal import (
    Erasure,
    Look,
    PersonalData,
    erase_petitioner,
    list_accesses,
    reveal_petitioner,
)
from heed_intake.application.ports import Claim, RequestKey
from heed_intake.domain.petition import Person
from heed_intake.domain.submission_rules import nul_violations
from heed_shared.errors import InvalidFields
from heed_shared.identity import Caller, current_caller
from heed_shared.ids import parse_resource_name
from heed_shared.request_records import payload_digest

if TYPE_CHECKING:
    from heed_intake.api.servicer import Intake

Context = grpc.aio.ServicerContext[Any, Any]
_MOST_ACCESSES = 500
_ROLES = {
    "ROLE_INTAKE_CLERK": "登记员",
    "ROLE_CASE_OFFICER": "信访工作人员",
    "ROLE_UNIT_HANDLER": "责任单位经办人",
    "ROLE_LEADER": "负责人",
    "ROLE_SUPERVISOR": "督查人员",
    "ROLE_PORTAL": "网上大厅",
    "ROLE_PEER_SYSTEM": "其他政务系统",
    "ROLE_ACCUSATION_OFFICER": "检举控告受理人员",
}
_WHAT = {
    "GetPetition": "查看信访内容",
    "GetSealedPetition": "查看信访内容",
    "RevealPetitioner": "查看联系方式",
}
_PURPOSES = {
    "REVEAL_PURPOSE_NOTICE": "告知、送达",
    "REVEAL_PURPOSE_VERIFY_FACTS": "核实情况",
    "REVEAL_PURPOSE_MEETING": "邀请参加沟通、调解、听证",
    "REVEAL_PURPOSE_FOLLOW_UP": "回访",
    "REVEAL_PURPOSE_EMERGENCY": "危及人身安全的紧急救助",
    "REVEAL_PURPOSE_OWN_REQUEST": "本人查询、更正",
}


class PersonalRpcs:
    """RevealPetitioner, ListAccesses and ErasePetitioner."""

    _intake: Intake

    async def RevealPetitioner(
        self, request: pb.RevealPetitionerRequest, _context: Context
    ) -> pb.RevealPetitionerResponse:
        """Return who wrote; the caller's roles decide how much of it leaves."""
        region_code, uid = parse_resource_name(request.name, "petitions")
        caller, personal = current_caller(), self._intake.personal
        found = await reveal_petitioner(region_code, uid, caller, personal)
        return _revealed(found, watermark(caller, personal.clock.now()))

    async def ListAccesses(
        self, request: pb.ListAccessesRequest, _context: Context
    ) -> pb.ListAccessesResponse:
        """Return who looked."""
        looks = await list_accesses(
            request.receipt_number,
            request.query_code,
            current_caller(),
            self._intake.personal,
            _MOST_ACCESSES,
        )
        return pb.ListAccessesResponse(accesses=[_access(look) for look in looks])

    async def ErasePetitioner(
        self, request: pb.ErasePetitionerRequest, _context: Context
    ) -> pb.ErasePetitionerResponse:
        """Erase for good."""
        words = {"reason": request.reason, "legal_basis": request.legal_basis}
        if problems := nul_violations(iter(words.items())):
            raise InvalidFields(problems)
        caller, personal = current_caller(), self._intake.personal
        region_code, uid = parse_resource_name(request.name, "petitions")
        erasure = Erasure(caller, **words, erased_at=personal.clock.now())
        claim = _claim(caller, request)
        erased_at = await erase_petitioner(region_code, uid, erasure, claim, personal)
        return pb.ErasePetitionerResponse(erased_at=stamp_of(erased_at))


def _claim(caller: Caller, request: pb.ErasePetitionerRequest) -> Claim:
    key = RequestKey(caller.identity, request.request_id.lower())
    return Claim(key, "ErasePetitioner", payload_digest(request))


def _revealed(found: PersonalData, mark: str) -> pb.RevealPetitionerResponse:
    contacts = found.contacts
    response = pb.RevealPetitionerResponse(
        watermark=mark,
        accommodation_needs=found.details.accommodation_needs,
        language=found.details.language,
    )
    if contacts is None:
        return response
    if not contacts.petitioner.is_empty():
        response.petitioner.CopyFrom(_person(contacts.petitioner))
    if not contacts.agent.is_empty():
        response.agent.CopyFrom(_person(contacts.agent))
    response.representatives.extend(_person(person) for person in contacts.representatives)
    return response


def _person(person: Person) -> resources.Petitioner:
    return resources.Petitioner(
        display_name=person.display_name,
        address=person.address,
        contact=person.contact,
        safe_contact_note=person.safe_contact_note,
        safe_to_call=person.safe_to_call,
    )


def _access(look: Look) -> pb.Access:
    """Return a look in the petitioner's words; roles that have no business here stand as others."""
    return pb.Access(
        accessed_at=stamp_of(look.looked_at),
        role="、".join(_ROLES.get(role, "其他人员") for role in look.roles),
        unit=look.unit,
        what=_WHAT.get(look.method.rpartition("/")[2], "查看"),
        purpose=_PURPOSES.get(look.purpose, look.purpose),
    )
