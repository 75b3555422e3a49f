"""Corrections over TLS on a real database: they change everything that was derived."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

import grpc
import pytest
from heed.classifier.v1 import classifier_service_pb2 as pb
from heed.classifier.v1 import resources_pb2 as resources
from heed.common.v1 import matter_pb2 as common

from heed_classifier.application.ports import MaskedPetition
from heed_shared.errors import reason_of
from tests.classifier.builders import NOON, petition
from tests.classifier.serving import NOBODY, WAGES, Serving, correction, get, name
from tests.classifier.test_incidents import CONCRETE
from tests.classifier.test_petition_feed import events, totals


async def test_a_correction_changes_everything_derived(served: Serving) -> None:
    item = petition(*WAGES)
    await served.feed.register(item)
    before = await get(served, item)

    request = correction(before, category_code="0501", urgency=common.URGENCY_U1)
    after = (await served.stub().CorrectClassification(request)).classification

    matter = after.matters[0]
    assert (matter.category_code, matter.subcategory_code) == ("05", "0501")
    assert matter.urgency == common.URGENCY_U1
    assert matter.proposed_route == common.LEGAL_ROUTE_DUTY
    assert matter.target.unit.endswith("生态环境局")
    assert after.decision.method == resources.Decision.METHOD_PERSON
    assert after.decision.corrected_by.identity == "staff/officer"
    assert after.decision.reason == "看过原文"
    assert after.etag != before.etag
    assert {cell[2] for cell in await totals(served.feed)} == {"05"}


async def test_a_correction_of_nature_takes_the_item_out_of_the_counts(served: Serving) -> None:
    item = petition(*WAGES)
    await served.feed.register(item)
    request = correction(await get(served, item), nature=common.NATURE_ENQUIRY)

    await served.stub().CorrectClassification(request)

    assert await totals(served.feed) == {}


async def test_the_same_correction_again_gets_the_same_answer(served: Serving) -> None:
    item = petition(*WAGES)
    await served.feed.register(item)
    request = correction(await get(served, item), category_code="05")

    first = await served.stub().CorrectClassification(request)
    second = await served.stub().CorrectClassification(request)

    assert first == second
    request.category_code = "01"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await served.stub().CorrectClassification(request)
    assert reason_of(caught.value) == "REQUEST_ID_REUSED"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"etag": "old", "category_code": "01"}, "STALE_ETAG"),
        ({"category_code": "99"}, "UNKNOWN_CATEGORY"),
        ({}, "INVALID_FIELD"),
        ({"category_code": "01", "reason": ""}, "INVALID_FIELD"),
        ({"category_code": "01", "matter": f"{NOBODY}/matters/1"}, "NOT_FOUND"),
    ],
)
async def test_a_wrong_correction_is_refused(
    served: Serving, changes: dict[str, str], reason: str
) -> None:
    item = petition(*WAGES)
    await served.feed.register(item)
    request = correction(await get(served, item), **changes)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await served.stub().CorrectClassification(request)

    assert reason_of(caught.value) == reason
    assert (await get(served, item)).decision.method == resources.Decision.METHOD_RULES


async def test_a_person_may_find_an_accusation_which_is_then_reported(served: Serving) -> None:
    item = petition(*WAGES)
    await served.feed.register(item)
    request = correction(await get(served, item), nature=common.NATURE_ACCUSATION)

    answer = (await served.stub().CorrectClassification(request)).classification

    assert answer.matters[0].nature == common.NATURE_ACCUSATION
    assert await totals(served.feed) == {}
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await get(served, item)
    assert reason_of(caught.value) == "NOT_FOUND"


async def test_who_is_left_alone_by_a_found_accusation_is_told(served: Serving) -> None:
    items = [petition(*text, at=NOON + timedelta(hours=n)) for n, text in enumerate(CONCRETE[:2])]
    padding = [petition(f"第{n}号路口没有红绿灯") for n in range(40)]
    await served.feed.register(*padding, *items)
    first = await get(served, items[0])
    assert first.matters[0].incident
    request = correction(await get(served, items[1]), nature=common.NATURE_ACCUSATION)

    await served.stub().CorrectClassification(request)

    after = await get(served, items[0])
    assert after.matters[0].incident == ""
    assert after.etag != first.etag
    assert (await events(served.feed))[-2:] == ["ACCUSATION_SUSPECTED", "INCIDENT_CHANGED"]


async def corrections(
    served: Serving, item: MaskedPetition, caller: str = "steward", region: str = "", **page: Any
) -> pb.ListCorrectionsResponse:
    """A page of what people changed in a classification."""
    request = pb.ListCorrectionsRequest(name=f"{name(item)}/classification", **page)
    return await served.stub(caller, region).ListCorrections(request)


async def test_who_changed_what_and_why_is_listed_latest_first(served: Serving) -> None:
    item = petition(*WAGES)
    await served.feed.register(item)
    for code, reason in (("0501", "是环保问题"), ("0106", "还是市政的事")):
        request = correction(await get(served, item), category_code=code, reason=reason)
        await served.stub("clerk").CorrectClassification(request)

    found = (await corrections(served, item)).corrections

    assert [kept.reason for kept in found] == ["还是市政的事", "是环保问题"]
    assert [kept.after.subcategory_code for kept in found] == ["0106", "0501"]
    assert [kept.before.category_code for kept in found] == ["05", "03"]
    assert {kept.corrected_by.identity for kept in found} == {"staff/clerk"}
    assert {kept.matter for kept in found} == {f"{name(item)}/matters/1"}
    assert found[0].corrected_at.ToDatetime(UTC) == NOON
    first = await corrections(served, item, page_size=1)
    rest = await corrections(served, item, page_size=1, page_token=first.next_page_token)
    assert [*first.corrections, *rest.corrections] == list(found)
    assert rest.next_page_token == ""


async def test_corrections_outside_the_region_are_not_found(served: Serving) -> None:
    item = petition(*WAGES)
    await served.feed.register(item)

    assert not (await corrections(served, item, region="1101")).corrections
    for other, region in ((item, "1301"), (petition(*WAGES), "1101")):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await corrections(served, other, region=region)
        assert reason_of(caught.value) == "NOT_FOUND"


async def test_corrections_go_with_a_petition_that_is_sealed(served: Serving) -> None:
    item = petition(*WAGES)
    await served.feed.register(item)
    request = correction(await get(served, item), category_code="05")
    await served.stub().CorrectClassification(request)

    await served.feed.seal(item.key)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await corrections(served, item)
    assert reason_of(caught.value) == "NOT_FOUND"


async def test_a_new_category_is_routed_by_what_is_kept_of_the_text(served: Serving) -> None:
    item = petition("公司拖欠工资，押金不退", "辞退也不给经济补偿")
    await served.feed.register(item)
    request = correction(await get(served, item), category_code="0302")

    after = (await served.stub().CorrectClassification(request)).classification.matters[0]

    assert after.proposed_route == common.LEGAL_ROUTE_ARBITRATION
    assert "第三十一条第二项" in after.route_reason
    assert after.target.line == "人力资源社会保障"
