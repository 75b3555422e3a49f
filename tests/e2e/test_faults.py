"""Services die and come back; nothing acknowledged is lost and nothing counts twice."""

import asyncio

import pytest
from heed.classifier.v1 import classifier_service_pb2
from heed.disposal.v1 import disposal_service_pb2
from heed.intake.v1 import intake_service_pb2

from tests.e2e.conftest import Office

pytestmark = [pytest.mark.e2e, pytest.mark.faults, pytest.mark.asyncio(loop_scope="package")]


async def register(office: Office, number: int, county: str) -> list[str]:
    requests = []
    for index in range(number):
        registration = office.registration(f"小区{index}号楼电梯坏了三天无人维修,老人上下楼困难。")
        registration.submission.region_code = county
        requests.append(registration)
    answer = await office.intake.BatchRegisterPetitions(
        intake_service_pb2.BatchRegisterPetitionsRequest(requests=requests)
    )
    return [result.registered.petition.name for result in answer.results]


async def cases_in(office: Office, county: str) -> list[str]:
    matters: list[str] = []
    request = disposal_service_pb2.ListCasesRequest(region_prefix=county, page_size=500)
    while True:
        page = await office.cases.ListCases(request)
        matters += [case.matter for case in page.cases if case.matter]
        if not page.next_page_token:
            return matters
        request.page_token = page.next_page_token


@pytest.mark.parametrize("victim", ["classifier", "disposal", "warning"])
async def test_intake_accepts_while_another_service_is_down_and_that_one_catches_up(
    office: Office, victim: str
) -> None:
    county = {"classifier": "9H0104", "disposal": "9H0105", "warning": "9H0106"}[victim]
    before = await cases_in(office, county)
    await office.suite.stop_service(victim)
    names = await register(office, 20, county)
    await office.suite.start_service(victim)
    await office.feeds.drain()
    opened = [m for m in await cases_in(office, county) if m not in before]
    assert sorted(opened) == sorted(f"{name}/matters/1" for name in names)


async def test_services_killed_in_the_middle_of_work_repeat_and_lose_nothing(
    office: Office,
) -> None:
    county = "9H0104"
    before = set(await cases_in(office, county))
    names = await register(office, 200, county)
    for victim in ("classifier", "disposal"):
        await asyncio.sleep(0.1)
        await office.suite.stop_service(victim, kill=True)
        await office.suite.start_service(victim)
    names += await register(office, 50, county)
    await office.feeds.drain()

    opened = [m for m in await cases_in(office, county) if m not in before]
    assert len(opened) == len(set(opened))
    assert set(opened) == {f"{name}/matters/1" for name in names}
    for count in await office.feeds.counts():
        assert (count.lost, count.parked) == (0, 0), count


async def test_a_killed_intake_keeps_every_registration_it_acknowledged(office: Office) -> None:
    county = "9H0105"
    before = set(await cases_in(office, county))
    acknowledged: list[str] = []

    async def keep_registering() -> None:
        while True:
            acknowledged.extend(await register(office, 10, county))

    clerk = asyncio.create_task(keep_registering())
    await asyncio.sleep(0.6)
    await office.suite.stop_service("intake", kill=True)
    clerk.cancel()
    await asyncio.gather(clerk, return_exceptions=True)
    await office.suite.start_service("intake")
    await office.feeds.drain()

    assert len(acknowledged) >= 10
    opened = set(await cases_in(office, county)) - before
    assert {f"{name}/matters/1" for name in acknowledged} <= opened
    found = await office.sorter.GetClassification(
        classifier_service_pb2.GetClassificationRequest(name=f"{acknowledged[-1]}/classification")
    )
    assert found.classification.petition == acknowledged[-1]
