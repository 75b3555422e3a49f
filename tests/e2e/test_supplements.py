"""What a petitioner adds or takes back reaches sorting, case and page, and no figure falls."""

import uuid
from datetime import timedelta

import pytest
from heed.classifier.v1 import classifier_service_pb2
from heed.common.v1 import matter_pb2
from heed.disposal.v1 import resources_pb2
from heed.intake.v1 import intake_service_pb2
from heed.warning.v1 import resources_pb2 as warning
from heed.warning.v1 import warning_service_pb2

from tests.e2e.conftest import Office
from tests.e2e.test_pipeline import WAGES, cases_of

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="package")]

COUNTY = "9H0103"


async def count(office: Office, category: str) -> int:
    """How many matters warning knows of this day."""
    day = office.now.date().isoformat()
    cell = warning.Cell(region_code=COUNTY, category_code=category)
    request = warning_service_pb2.QuerySeriesRequest(cell=cell, from_day=day, to_day=day)
    [entry] = (await office.warnings.QuerySeries(request)).days
    return int(entry.count)


async def correct(office: Office, petition: str) -> None:
    """A person finds another category."""
    name = f"{petition}/classification"
    request = classifier_service_pb2.GetClassificationRequest(name=name)
    found = (await office.sorter.GetClassification(request)).classification
    await office.sorter.CorrectClassification(
        classifier_service_pb2.CorrectClassificationRequest(
            request_id=str(uuid.uuid4()),
            matter=found.matters[0].name,
            etag=found.etag,
            category_code="11",
            reason="实为企业破产清算问题",
        )
    )


async def test_a_supplement_is_sorted_and_noted_and_a_withdrawal_concludes_but_uncounts_nothing(
    office: Office,
) -> None:
    # A day of its own: a small count of another county would hide this one from analysts.
    await office.next_day()
    answers = []
    for number in range(7):  # as many as an analyst may see a count of
        registration = office.registration(f"{WAGES}第{number}个工地。")
        registration.submission.region_code = COUNTY
        answers.append(await office.intake.RegisterPetition(registration))
    answer = answers[0]
    name = answer.petition.name
    await office.feeds.drain()
    await correct(office, name)
    await office.feeds.drain()

    await office.advance(office.now + timedelta(minutes=1))
    danger = intake_service_pb2.SupplementPetitionRequest(
        request_id=str(uuid.uuid4()),
        name=name,
        query_code=answer.query_code,
        text="再不解决我就跳楼。",
    )
    await office.portal.SupplementPetition(danger)
    await office.feeds.drain()
    [case] = await cases_of(office, name)
    # What a person decided stays; the danger that the supplement tells of is seen all the same.
    assert (case.category_code, case.urgency) == ("11", matter_pb2.URGENCY_U0)
    assert await count(office, "03") == 6

    await office.advance(office.now + timedelta(minutes=1))
    for taken in answers[:2]:
        await office.portal.WithdrawPetition(
            intake_service_pb2.WithdrawPetitionRequest(
                request_id=str(uuid.uuid4()),
                name=taken.petition.name,
                query_code=taken.query_code,
            )
        )
    await office.feeds.drain()
    [case] = await cases_of(office, name)
    assert (case.state, case.solved) == (resources_pb2.Case.STATE_CONCLUDED, False)
    assert await count(office, "03") == 6
    page = await office.portal.CheckProgress(
        intake_service_pb2.CheckProgressRequest(
            receipt_number=answer.petition.receipt_number, query_code=answer.query_code
        )
    )
    assert [step.text.partition("。")[0] for step in page.steps] == [
        "您的信访事项已登记",
        "已完成分类并立案",
        "已收到您补充的材料",
        "您已撤回信访事项",
    ]
