"""A rush at one office: two hundred petitions at once, over the wire, none refused, no gap."""

import asyncio

from heed.disposal.v1.events_pb2 import ProgressEvent
from heed.intake.v1 import intake_service_pb2 as pb

from tests.intake.changes import addition, taking_back
from tests.intake.conftest import Office, registration
from tests.intake.test_progress import check, progress, told

PETITIONS = 200
IDENTITIES = ("clerk", "portal", "peer")


async def test_two_hundred_at_once_get_numbers_without_gap_or_double(office: Office) -> None:
    # One in ten accuses somebody and goes to the other lane, with numbers of the same series.
    requests = [
        registration(declared_nature="NATURE_ACCUSATION" if index % 10 == 0 else 0)
        for index in range(PETITIONS)
    ]

    async def register(index: int) -> pb.RegisterPetitionResponse:
        stub = office.stub(IDENTITIES[index % len(IDENTITIES)])
        response: pb.RegisterPetitionResponse = await stub.RegisterPetition(requests[index])
        return response

    answers = await asyncio.gather(*map(register, range(PETITIONS)))
    numbers = sorted(answer.petition.receipt_number for answer in answers)
    assert numbers == [f"110105-2026-{serial:06d}" for serial in range(1, PETITIONS + 1)]
    assert len({answer.petition.name for answer in answers}) == PETITIONS
    assert len({answer.query_code for answer in answers}) == PETITIONS
    pages = await asyncio.gather(
        *(office.stub("portal").CheckProgress(check(answer)) for answer in answers[:30])
    )
    assert all(len(page.steps) == 1 for page in pages)


async def test_the_page_shows_every_dated_step_of_office_and_petitioner(office: Office) -> None:
    answer = await office.register()
    name, portal = answer.petition.name, office.stub("portal")
    clock = office.service.clock
    steps = (ProgressEvent.KIND_OPENED, None, ProgressEvent.KIND_ACCEPTED, None)
    for day, kind in enumerate(steps, 4):
        moment = clock.now().replace(day=day)
        clock.advance(moment)  # type: ignore[attr-defined]
        if kind is None:
            await portal.SupplementPetition(addition(answer))
        else:
            delivery = progress(name, kind)
            delivery.event.progress.stepped_at.FromDatetime(moment)
            await told(office, delivery)
    clock.advance(clock.now().replace(day=9))  # type: ignore[attr-defined]
    await portal.WithdrawPetition(taking_back(answer))
    page = await portal.CheckProgress(check(answer))
    shown = [
        (step.reached_at.ToDatetime().day, step.text.partition("。")[0]) for step in page.steps
    ]
    assert shown == [
        (2, "您的信访事项已登记"),
        (4, "已完成分类并立案"),
        (5, "已收到您补充的材料"),
        (6, "有权处理的机关、单位已受理"),
        (7, "已收到您补充的材料"),
        (9, "您已撤回信访事项"),
    ]
