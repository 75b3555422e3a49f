"""The RPCs over TLS on a real database: who may call what, and what they answer."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

import grpc
import pytest
from heed.classifier.v1 import classifier_service_pb2 as pb
from heed.classifier.v1 import resources_pb2 as resources
from heed.classifier.v1.events_pb2 import ClassificationEvent
from heed.common.v1 import matter_pb2 as common
from heed.feed.v1 import feed_service_pb2 as feed_pb

from heed_shared.clock import local_day
from heed_shared.errors import reason_of
from tests.classifier.builders import NOON, petition
from tests.classifier.serving import NOBODY, ROLES, WAGES, Serving, get, name
from tests.classifier.test_incidents import CONCRETE
from tests.classifier.test_petition_feed import totals

REQUESTS: dict[str, tuple[Any, set[str]]] = {
    "Classify": (pb.ClassifyRequest(request="路灯坏了"), {"clerk", "officer", "steward", "peer"}),
    "GetClassification": (
        pb.GetClassificationRequest(name=f"{NOBODY}/classification"),
        {"clerk", "officer", "handler", "supervisor", "steward"},
    ),
    "BatchGetClassifications": (
        pb.BatchGetClassificationsRequest(names=[f"{NOBODY}/classification"]),
        {"service/intake", "service/disposal"},
    ),
    "ListClassifications": (
        pb.ListClassificationsRequest(),
        {"clerk", "officer", "supervisor", "steward"},
    ),
    "CorrectClassification": (
        pb.CorrectClassificationRequest(
            request_id=str(uuid.uuid4()),
            matter=f"{NOBODY}/matters/1",
            etag="x",
            category_code="01",
            reason="x",
        ),
        {"clerk", "officer", "steward"},
    ),
    "ListCategories": (pb.ListCategoriesRequest(), set(ROLES)),
    "ListCorrections": (
        pb.ListCorrectionsRequest(name=f"{NOBODY}/classification"),
        {"officer", "supervisor", "steward"},
    ),
    "GetIncident": (
        pb.GetIncidentRequest(name=NOBODY.replace("petitions", "incidents")),
        {"officer", "supervisor", "leader"},
    ),
    "TrainModel": (
        # Refused by its fields, so that nothing is trained here.
        pb.TrainModelRequest(request_id=str(uuid.uuid4()), seed=-1),
        {"steward", "operator"},
    ),
    "EvaluateModel": (
        pb.EvaluateModelRequest(request_id=str(uuid.uuid4()), name="models/nobody"),
        {"steward", "operator"},
    ),
    "ListModels": (pb.ListModelsRequest(), {"steward", "analyst", "operator"}),
    "PromoteModel": (
        pb.PromoteModelRequest(
            request_id=str(uuid.uuid4()), name="models/nobody", etag="x", reason="x"
        ),
        {"steward"},
    ),
    "ListIncidents": (pb.ListIncidentsRequest(), {"officer", "supervisor", "leader"}),
    "FindSimilarPetitions": (
        pb.FindSimilarPetitionsRequest(petition=NOBODY),
        {"clerk", "officer", "supervisor", "service/intake"},
    ),
    "LinkRepeat": (
        pb.LinkRepeatRequest(
            request_id=str(uuid.uuid4()),
            matter=f"{NOBODY}/matters/1",
            earlier_matter=f"{NOBODY}/matters/2",
            reason="x",
        ),
        {"clerk", "officer"},
    ),
    "UnlinkRepeat": (
        pb.UnlinkRepeatRequest(
            request_id=str(uuid.uuid4()),
            name=NOBODY.replace("petitions", "repeatLinks"),
            etag="x",
            reason="x",
        ),
        {"clerk", "officer"},
    ),
    "ListRepeatLinks": (
        pb.ListRepeatLinksRequest(matter=f"{NOBODY}/matters/1"),
        {"clerk", "officer", "supervisor"},
    ),
}


@pytest.mark.parametrize("method", REQUESTS)
async def test_only_the_roles_of_the_contract_may_call(served: Serving, method: str) -> None:
    request, allowed = REQUESTS[method]
    for caller in (*ROLES, "service/intake", "service/disposal", "service/warning"):
        refused = False
        try:
            await getattr(served.stub(caller), method)(request)
        except grpc.aio.AioRpcError as error:
            refused = reason_of(error) == "ROLE_REQUIRED"
        assert refused is (caller not in allowed), caller


async def test_classify_answers_and_stores_nothing(served: Serving) -> None:
    request = pb.ClassifyRequest(
        request=WAGES[0],
        facts=WAGES[1],
        region_code="110105",
        people_bucket=common.PEOPLE_BUCKET_11_20,
    )

    found = (await served.stub().Classify(request)).classification

    matter = found.matters[0]
    assert (found.name, matter.name) == ("", "")
    assert found.decision.method == resources.Decision.METHOD_RULES
    assert matter.category_code == "03"
    assert matter.candidates[0].category_title == "劳动和社会保障"
    assert matter.nature == common.NATURE_APPEAL_REQUEST
    assert matter.target.unit == "北京市朝阳区人力资源和社会保障局"
    text = f"{WAGES[0]}\n{WAGES[1]}"
    assert matter.evidence
    assert all(text[e.start : e.end] == e.phrase for e in matter.evidence)
    listed = await served.stub().ListClassifications(pb.ListClassificationsRequest())
    assert not listed.classifications


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (pb.ClassifyRequest(request=" ", facts="\n"), "INVALID_FIELD"),
        (pb.ClassifyRequest(request="x" * 20_001), "INVALID_FIELD"),
        (pb.ClassifyRequest(request="路灯", region_code="119999"), "UNKNOWN_REGION"),
    ],
)
async def test_bad_texts_are_refused_with_a_reason(
    served: Serving, request_: pb.ClassifyRequest, reason: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await served.stub().Classify(request_)

    assert reason_of(caught.value) == reason


async def test_a_classification_outside_the_region_is_not_found(served: Serving) -> None:
    item = petition(*WAGES)
    await served.feed.register(item)

    assert (await get(served, item, region="1101")).region_code == "110105"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await get(served, item, region="1301")

    missing = pb.GetClassificationRequest(name=f"{NOBODY}/classification")
    with pytest.raises(grpc.aio.AioRpcError) as nobody:
        await served.stub("officer", "1301").GetClassification(missing)
    assert reason_of(caught.value) == reason_of(nobody.value) == "NOT_FOUND"
    assert caught.value.code() == nobody.value.code()


async def test_a_batch_leaves_out_what_does_not_exist_and_keeps_the_order(served: Serving) -> None:
    items = [petition(*WAGES), petition("小区停水三天")]
    await served.feed.register(*items)
    names = [name(items[1]), NOBODY, name(items[0])]

    response = await served.stub("service/disposal").BatchGetClassifications(
        pb.BatchGetClassificationsRequest(names=[f"{n}/classification" for n in names])
    )

    assert [c.petition for c in response.classifications] == [names[0], names[2]]


async def test_pages_are_newest_first_and_bound_to_their_filter(served: Serving) -> None:
    items = [petition(*WAGES, at=NOON + timedelta(minutes=n)) for n in range(5)]
    other = petition("夜间工厂偷排废水，臭气熏天", "河水污染", at=NOON)
    await served.feed.register(*items, other)
    stub = served.stub("officer", "1101")
    seen: list[str] = []
    token = ""
    while True:
        page = await stub.ListClassifications(
            pb.ListClassificationsRequest(category_code="03", page_size=2, page_token=token)
        )
        seen += [c.petition for c in page.classifications]
        token = page.next_page_token
        if not token:
            break

    assert seen == [name(item) for item in reversed(items)]
    first = await stub.ListClassifications(pb.ListClassificationsRequest(page_size=2))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.ListClassifications(
            pb.ListClassificationsRequest(category_code="05", page_token=first.next_page_token)
        )
    assert reason_of(caught.value) == "BAD_PAGE_TOKEN"


async def test_a_list_stays_inside_the_callers_region(served: Serving) -> None:
    await served.feed.register(petition(*WAGES), petition(*WAGES, region="130102"))

    mine = await served.stub("clerk", "13").ListClassifications(pb.ListClassificationsRequest())
    assert [c.region_code for c in mine.classifications] == ["130102"]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await served.stub("clerk", "13").ListClassifications(
            pb.ListClassificationsRequest(region_prefix="110000")
        )
    assert reason_of(caught.value) == "REGION_NOT_ALLOWED"


async def test_the_band_filter_is_the_review_queue(served: Serving) -> None:
    await served.feed.register(petition(*WAGES), petition("啊"))

    request = pb.ListClassificationsRequest(band=resources.BAND_UNCERTAIN)
    found = await served.stub().ListClassifications(request)

    assert {c.matters[0].band for c in found.classifications} == {resources.BAND_UNCERTAIN}


async def test_categories_come_first_level_first(served: Serving) -> None:
    response = await served.stub("portal").ListCategories(pb.ListCategoriesRequest())

    codes = [category.code for category in response.categories]
    assert codes[:17] == [f"{n:02}" for n in range(1, 18)]
    assert [c.code for c in response.categories if c.sealed and len(c.code) == 2] == ["14"]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await served.stub("portal").ListCategories(pb.ListCategoriesRequest(valid_on="2026-02-30"))
    assert reason_of(caught.value) == "INVALID_FIELD"


async def test_incidents_are_listed_by_size_and_shown_in_region(served: Serving) -> None:
    items = [
        petition(*text, at=NOON + timedelta(hours=n), place="桃源丽都")
        for n, text in enumerate(CONCRETE)
    ]
    items[2] = replace(items[2], region_code="110108")
    padding = [petition(f"第{n}号路口没有红绿灯", at=NOON) for n in range(40)]
    await served.feed.register(*padding, *items)

    listed = (await served.stub("leader").ListIncidents(pb.ListIncidentsRequest())).incidents
    incident = next(i for i in listed if "搅拌站" in i.keywords)
    assert incident.matter_count == 3
    assert not incident.matters
    assert list(incident.places) == ["桃源丽都"]
    request = pb.GetIncidentRequest(name=incident.name)
    whole = (await served.stub("leader", "1101").GetIncident(request)).incident
    part = (await served.stub("leader", "110108").GetIncident(request)).incident
    assert list(whole.matters) == [f"{name(item)}/matters/1" for item in items]
    assert list(part.matters) == [f"{name(items[2])}/matters/1"]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await served.stub("leader", "13").GetIncident(request)
    assert reason_of(caught.value) == "NOT_FOUND"
    assert (await get(served, items[0])).matters[0].incident == incident.name


async def test_observations_are_read_by_warning_alone(served: Serving) -> None:
    await served.feed.register(petition(*WAGES))
    request = feed_pb.ListEventsRequest(feed="classifier.observations")

    answer = await served.feeds("service/warning").ListEvents(request)

    assert len(answer.events) == 1
    assert answer.events[0].subject == ""
    for caller in ("operator", "service/disposal"):
        with pytest.raises(grpc.aio.AioRpcError):
            await served.feeds(caller).ListEvents(request)


async def test_snapshots_give_the_state_as_events(served: Serving) -> None:
    items = [petition(*WAGES, people_bucket=3), petition(*WAGES), petition("建议增设公厕")]
    accusing = petition("举报村支书贪污征地款", "村支书套取国家补贴，账目造假")
    await served.feed.register(*items, accusing)
    expected = await totals(served.feed)

    seen: dict[Any, int] = {}
    request = feed_pb.GetFeedSnapshotRequest(feed="classifier.observations")
    async for part in served.feeds("service/warning").GetFeedSnapshot(request):
        for event in part.events:
            day = event.observation.received_day
            recorded_at = event.observation.recorded_at.ToDatetime(UTC)
            assert recorded_at == event.recorded_at.ToDatetime(UTC)
            assert local_day(recorded_at).isoformat() == day, "known when its day ends in Shanghai"
            assert local_day(recorded_at + timedelta(microseconds=1)).isoformat() > day
            for d in event.observation.deltas:
                seen[day, d.region_code, d.category_code, d.measure, d.bucket] = d.delta
    assert seen == expected

    request = feed_pb.GetFeedSnapshotRequest(feed="classifier.classifications")
    kinds = {}
    async for part in served.feeds("service/disposal").GetFeedSnapshot(request):
        for event in part.events:
            kinds[event.classification.petition] = event.classification.kind
    assert kinds == {
        **{name(item): ClassificationEvent.KIND_CLASSIFIED for item in items},
        name(accusing): ClassificationEvent.KIND_ACCUSATION_SUSPECTED,
    }
