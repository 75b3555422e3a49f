"""The whole life of an accusation: taken up, sent on, closed, answered, and what is due when."""

from datetime import datetime, timedelta

from heed.intake.v1 import intake_service_pb2 as intake
from heed.intake.v1 import resources_pb2 as resources
from heed.intake.v1 import sealed_service_pb2 as pb

from tests.intake.conftest import NOW, Office
from tests.intake.sealed_desk import (
    desk_of,
)
from tests.intake.test_progress import check

Sealed = pb.SealedPetition


def advance(office: Office, to: datetime) -> None:
    """Move the business clock."""
    office.service.clock.advance(to)  # type: ignore[attr-defined]


async def stages(office: Office, answer: intake.RegisterPetitionResponse) -> list[tuple[int, str]]:
    """Stage and text of every step that the petitioner sees, none with a unit or a due date."""
    page = await office.stub("portal").CheckProgress(check(answer))
    assert not any(step.unit or step.HasField("due_at") for step in page.steps)
    return [(step.stage, step.text) for step in page.steps]


async def test_an_accusation_is_taken_up_sent_on_closed_and_answered(office: Office) -> None:
    desk = desk_of(office)
    answer = await desk.sealed(target_units=["区水务局"], accused_persons=["张三丰"])
    name = answer.petition.name
    (listed,) = (await desk.page()).petitions
    assert (listed.name, listed.receipt_number) == (name, answer.petition.receipt_number)
    assert (listed.state, listed.named) == (Sealed.STATE_SEALED, True)
    # NOW is a Monday; five working days on is the next Monday.
    assert (listed.deadline.rule, listed.deadline.overdue) == ("D15", False)
    assert listed.deadline.due_at.ToDatetime() == datetime(2026, 3, 9, 15, 59, 59)
    assert listed.deadline.what == "移送属于上级纪检监察机关受理的检举控告"

    accepted = await desk.do("AcceptSealedPetition", name, etag=listed.etag, notice_method="电话")
    assert accepted.state == Sealed.STATE_ACCEPTED
    assert not accepted.HasField("deadline")
    advance(office, NOW + timedelta(days=1))
    sent = await desk.do(
        "ForwardSealedPetition", name, etag=accepted.etag, destination_unit="北京市 纪委监委"
    )
    assert (sent.state, sent.destination_unit) == (Sealed.STATE_FORWARDED, "北京市纪委监委")
    advance(office, NOW + timedelta(days=2))
    closed = await desk.do("CloseSealedPetition", name, etag=sent.etag)
    assert (closed.state, closed.deadline.rule) == (Sealed.STATE_CLOSED, "D14R")
    advance(office, NOW + timedelta(days=60))
    (late,) = (await desk.page(state=Sealed.STATE_CLOSED)).petitions
    assert late.deadline.overdue
    told = await desk.do("TellSealedResult", name, etag=closed.etag, notice_method="当面")
    assert told.state == Sealed.STATE_TOLD
    assert not told.HasField("deadline")
    assert await stages(office, answer) == [
        (resources.ProgressStep.STAGE_REGISTERED, "您的信访事项已登记。"),
        (resources.ProgressStep.STAGE_ACCEPTED, "有权处理的机关、单位已受理。"),
        (resources.ProgressStep.STAGE_ROUTED, "已转送、交办有权处理的机关、单位处理。"),
        (resources.ProgressStep.STAGE_CLOSED, "已办结。"),
        (resources.ProgressStep.STAGE_ANSWERED, "有权处理的机关、单位已答复。"),
    ]
