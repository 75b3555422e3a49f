"""A talk over the wire, as a clerk or a portal leads it."""

import uuid
from typing import Any

from heed.common.v1.matter_pb2 import CHANNEL_VISIT
from heed.intake.v1 import intake_service_pb2 as pb
from heed.intake.v1 import resources_pb2 as resources
from heed.intake.v1.intake_service_pb2_grpc import IntakeServiceStub

from tests.intake.conftest import COUNTY, Office, submission

PETITIONER = resources.ConsultationTurn.SPEAKER_PETITIONER
CLERK = resources.ConsultationTurn.SPEAKER_CLERK
WATER = "我们幸福里小区停水三天了，物业没有说明原因。请尽快恢复供水。"


def new_id() -> str:
    """A fresh request_id."""
    return str(uuid.uuid4())


class Talk:
    """One consultation and how the caller of `stub` goes on with it."""

    def __init__(self, stub: IntakeServiceStub, consultation: resources.Consultation) -> None:
        self.stub = stub
        self.last = consultation

    @property
    def name(self) -> str:
        """The resource name."""
        return self.last.name

    async def say(
        self, text: str, speaker: Any = PETITIONER, request_id: str = ""
    ) -> resources.Consultation:
        """Add a turn."""
        request = pb.AddConsultationTurnRequest(
            request_id=request_id or new_id(), name=self.name, speaker=speaker, text=text
        )
        self.last = (await self.stub.AddConsultationTurn(request)).consultation
        return self.last

    async def compose(self, request_id: str = "") -> resources.Consultation:
        """Have a draft made."""
        request = pb.ComposePetitionDraftRequest(request_id=request_id or new_id(), name=self.name)
        self.last = (await self.stub.ComposePetitionDraft(request)).consultation
        return self.last

    def confirmation(self, request_id: str = "", **fields: Any) -> pb.ConfirmPetitionDraftRequest:
        """The confirmation of the draft as it is; `fields` correct it."""
        texts = {
            "request": self.last.draft.request,
            "facts": self.last.draft.facts,
            "reasons": self.last.draft.reasons,
        }
        return pb.ConfirmPetitionDraftRequest(
            request_id=request_id or new_id(),
            name=self.name,
            submission=resources.PetitionSubmission(**submission(**(texts | fields))),
            confirmed=True,
        )

    async def confirm(self, **fields: Any) -> pb.ConfirmPetitionDraftResponse:
        """Confirm the draft."""
        answer: pb.ConfirmPetitionDraftResponse = await self.stub.ConfirmPetitionDraft(
            self.confirmation(**fields)
        )
        return answer

    async def read(self) -> resources.Consultation:
        """Read it."""
        request = pb.GetConsultationRequest(name=self.name)
        return (await self.stub.GetConsultation(request)).consultation


async def started(office: Office, identity: str = "clerk", *said: str) -> Talk:
    """A talk in which the petitioner has said this."""
    talk = await begun_by(office.stub(identity))
    for text in said:
        await talk.say(text)
    return talk


async def begun_by(stub: IntakeServiceStub) -> Talk:
    """A talk that was just begun."""
    request = pb.StartConsultationRequest(
        request_id=new_id(), region_code=COUNTY, channel=CHANNEL_VISIT
    )
    return Talk(stub, (await stub.StartConsultation(request)).consultation)
