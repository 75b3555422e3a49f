"""Good requests that change a petition, for the hostile values of their fields."""

from google.protobuf.message import Message
from heed.intake.v1 import intake_service_pb2 as pb

from tests.contracts.hostile import Call
from tests.intake.changes import addition, taking_back
from tests.intake.conftest import Office

INTAKE = pb.DESCRIPTOR.services_by_name["IntakeService"]
EVIDENCE = {"file_name": "照片.jpg", "media_type": "image/jpeg", "sha256": b"\1" * 32}


def change_calls(office: Office) -> list[Call]:
    """The calls; by the clerk, whom a wrong code throttles and a missing one does not stop."""

    async def adding() -> Message:
        answer = await office.register()
        return addition(answer, evidence=[EVIDENCE])

    async def withdrawing() -> Message:
        answer = await office.register()
        return taking_back(answer, reason="已经解决。")

    made = (("SupplementPetition", adding), ("WithdrawPetition", withdrawing))
    channel = office.channel("clerk")
    return [Call(INTAKE.methods_by_name[name], channel, good) for name, good in made]
