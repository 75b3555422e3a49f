"""The desk of who is charged with accusations: calls of SealedService, and what they need."""

import uuid
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message
from heed.intake.v1 import intake_service_pb2 as intake
from heed.intake.v1 import sealed_service_pb2 as pb
from heed.intake.v1.sealed_service_pb2_grpc import SealedServiceStub

from tests.intake.conftest import Office

WORDS = "实名举报朝阳区水务局局长张三丰收受贿赂二十万元。"
ACCUSER = {"display_name": "欧阳明月", "contact": "13912345678", "safe_contact_note": "晚上"}
PURPOSE = "核实检举内容"


@dataclass
class SealedDesk:
    """One person's calls."""

    office: Office
    stub: Any

    async def sealed(self, **fields: Any) -> intake.RegisterPetitionResponse:
        """Register an accusation as the clerk; named unless said otherwise."""
        given = {"facts": WORDS, "petitioner": ACCUSER, "declared_nature": "NATURE_ACCUSATION"}
        return await self.office.register(**(given | fields))

    async def page(self, **fields: Any) -> pb.ListSealedPetitionsResponse:
        """One page of the list."""
        response: pb.ListSealedPetitionsResponse = await self.stub.ListSealedPetitions(
            pb.ListSealedPetitionsRequest(**fields)
        )
        return response

    async def look(self, name: str) -> pb.GetSealedPetitionResponse:
        """One with its content."""
        response: pb.GetSealedPetitionResponse = await self.stub.GetSealedPetition(
            pb.GetSealedPetitionRequest(name=name, purpose=PURPOSE)
        )
        return response

    async def do(self, method: str, name: str, **fields: Any) -> Any:
        """Take a step; returns the petition after it."""
        request = request_of(method, name=name, **fields)
        return (await getattr(self.stub, method)(request)).petition


def request_of(method: str, **fields: Any) -> Message:
    """The request of a writing method, with a request_id of its own unless one is given."""
    given = {"request_id": str(uuid.uuid4()), **fields}
    message: Message = getattr(pb, f"{method}Request")(**given)
    return message


STEPS: dict[str, dict[str, Any]] = {
    "AcceptSealedPetition": {"notice_method": "电话"},
    "ForwardSealedPetition": {"destination_unit": "北京市纪委监委"},
    "CloseSealedPetition": {},
    "TellSealedResult": {"notice_method": "当面"},
    "AddAccused": {"target_units": ["朝阳区水务局"]},
    "UnsealPetition": {"reason": "只反映停水,不涉及任何人"},
}
"""The writing methods on a petition, with what they need besides its name."""


def desk_of(office: Office, identity: str = "accusation") -> SealedDesk:
    """The desk of a demo identity."""
    return SealedDesk(office, SealedServiceStub(office.channel(identity)))


def desk_of_region(office: Office, region: str, sub: str = "staff/other") -> SealedDesk:
    """The desk of another officer, charged with one region."""
    token = office.authority.token(sub, "测试", "测试单位", ["ROLE_ACCUSATION_OFFICER"], region)
    return SealedDesk(office, SealedServiceStub(office.open("client", token)))
