"""Good requests of the sealed lane, for the tests that spoil every field of them."""

import uuid
from collections.abc import Awaitable, Callable

from google.protobuf.message import Message
from heed.intake.v1 import intake_service_pb2 as intake
from heed.intake.v1 import sealed_service_pb2 as pb

from tests.contracts.hostile import Call, always
from tests.intake.conftest import COUNTY, Office
from tests.intake.sealed_desk import PURPOSE, STEPS, desk_of, request_of

INTAKE = intake.DESCRIPTOR.services_by_name["IntakeService"].methods_by_name
SEALED = pb.DESCRIPTOR.services_by_name["SealedService"].methods_by_name
BEFORE = {
    "CloseSealedPetition": ("AcceptSealedPetition",),
    "TellSealedResult": ("AcceptSealedPetition", "CloseSealedPetition"),
}
"""Steps that a petition must have taken before."""


async def protection_calls(office: Office) -> list[Call]:
    """SealPetition and ReportRetaliation."""
    about = await office.register()

    async def seal() -> Message:
        name = (await office.register()).petition.name
        request_id = str(uuid.uuid4())
        return intake.SealPetitionRequest(request_id=request_id, name=name, reason="指名反映")

    async def report() -> Message:
        return intake.ReportRetaliationRequest(
            request_id=str(uuid.uuid4()),
            receipt_number=about.petition.receipt_number,
            query_code=about.query_code,
            text="因信访被调岗。",
        )

    channel = office.channel("clerk")
    return [
        Call(INTAKE["SealPetition"], channel, seal),
        Call(INTAKE["ReportRetaliation"], channel, report),
    ]


async def sealed_calls(office: Office) -> list[Call]:
    """Every method of SealedService; a step that succeeds gets another petition."""
    desk = desk_of(office)
    name = (await desk.sealed()).petition.name
    listing = pb.ListSealedPetitionsRequest(
        region_prefix=COUNTY, state=pb.SealedPetition.STATE_SEALED, page_size=1
    )
    made: dict[str, Callable[[], Awaitable[Message]]] = {
        "ListSealedPetitions": always(listing),
        "GetSealedPetition": always(pb.GetSealedPetitionRequest(name=name, purpose=PURPOSE)),
    }
    for method in STEPS:
        made[method] = _step(office, method)

    async def hand_over() -> Message:
        request = pb.RecordSealedHandOverRequest(
            request_id=str(uuid.uuid4()),
            region_code=COUNTY,
            office=COUNTY,
            destination_unit="北京市纪委监委",
        )
        request.received_at.FromJsonString("2026-03-01T00:00:00Z")
        return request

    made["RecordSealedHandOver"] = hand_over
    channel = office.channel("accusation")
    return [Call(SEALED[method], channel, good) for method, good in made.items()]


def _step(office: Office, method: str) -> Callable[[], Awaitable[Message]]:
    async def good() -> Message:
        desk = desk_of(office)
        name = (await desk.sealed(petitioner=None)).petition.name
        etag = (await desk.look(name)).petition.etag
        for before in BEFORE.get(method, ()):
            etag = (await desk.do(before, name, **STEPS[before])).etag
        return request_of(method, name=name, etag=etag, **STEPS[method])

    return good
