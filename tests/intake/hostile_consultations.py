"""Good requests of consultations and suggestions, for the test that spoils every field of them."""

from google.protobuf.message import Message
from heed.common.v1.matter_pb2 import CHANNEL_VISIT
from heed.intake.v1 import intake_service_pb2 as pb

from tests.contracts.hostile import Call, always
from tests.intake.conftest import COUNTY, Office
from tests.intake.consultations import CLERK, PETITIONER, WATER, begun_by, new_id, started

METHODS = pb.DESCRIPTOR.services_by_name["IntakeService"].methods_by_name


async def consultation_calls(office: Office) -> list[Call]:
    """A call of each method; those that change a talk get another one for each that succeeds."""

    async def start() -> Message:
        return pb.StartConsultationRequest(
            request_id=new_id(), region_code=COUNTY, channel=CHANNEL_VISIT
        )

    async def add() -> Message:
        talk = await begun_by(office.stub())
        return pb.AddConsultationTurnRequest(
            request_id=new_id(), name=talk.name, speaker=PETITIONER, text=WATER
        )

    async def compose() -> Message:
        talk = await started(office, "clerk", WATER)
        return pb.ComposePetitionDraftRequest(request_id=new_id(), name=talk.name)

    talk = await started(office, "clerk", WATER)
    await talk.say("请问还有吗?", CLERK)
    await talk.compose()
    await talk.confirm()
    again = talk.confirmation(reasons="依据供水合同。", external_id="12345-1")
    asked = pb.SuggestSimilarPetitionsRequest(region_code=COUNTY, request="停水", facts=WATER)
    channel = office.channel("clerk")
    return [
        Call(METHODS["StartConsultation"], channel, start),
        Call(METHODS["AddConsultationTurn"], channel, add),
        Call(METHODS["ComposePetitionDraft"], channel, compose),
        # RegisterPetition tries the same submission; a talk for each of its values takes long.
        Call(METHODS["ConfirmPetitionDraft"], channel, always(again), "WRONG_STATE"),
        Call(
            METHODS["GetConsultation"], channel, always(pb.GetConsultationRequest(name=talk.name))
        ),
        # No classifier answers beside this intake.
        Call(METHODS["SuggestSimilarPetitions"], channel, always(asked), "DEPENDENCY_DOWN"),
    ]
