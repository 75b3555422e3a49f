"""Good requests about personal data, for the tests that spoil each of their fields."""

import uuid

from google.protobuf.message import Message
from heed.intake.v1 import intake_service_pb2 as pb

from tests.contracts.hostile import Call, always
from tests.intake.conftest import NOW, Office

INTAKE = pb.DESCRIPTOR.services_by_name["IntakeService"]


async def personal_calls(office: Office) -> list[Call]:
    """Reveal, list accesses, and erase, each on a petition that may be asked for."""
    registered = await office.register(petitioner={"display_name": "测试甲"})
    name = registered.petition.name
    revealing = pb.RevealPetitionerRequest(
        name=name, purpose=pb.REVEAL_PURPOSE_NOTICE, legal_basis="信访工作条例第二十三条"
    )
    listing = pb.ListAccessesRequest(
        receipt_number=registered.petition.receipt_number, query_code=registered.query_code
    )

    async def erasing() -> Message:
        ended = (await office.register()).petition.name
        await office.rows(
            "INSERT INTO intake.progress_step (uid, stage, reached_at, unit)"
            " VALUES ($1, 9, $2, '')",
            uuid.UUID(ended.partition("-")[2]),
            NOW,
        )
        return pb.ErasePetitionerRequest(
            request_id=str(uuid.uuid4()),
            name=ended,
            reason="本人申请删除",
            legal_basis="个人信息保护法第四十七条",
        )

    methods = INTAKE.methods_by_name
    return [
        Call(methods["RevealPetitioner"], office.channel("clerk"), always(revealing)),
        Call(methods["ListAccesses"], office.channel("portal"), always(listing)),
        Call(methods["ErasePetitioner"], office.channel("leader"), erasing),
    ]
