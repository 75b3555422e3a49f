"""Petitions of several matters on a real database: each matter stands for itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from heed.classifier.v1 import classifier_service_pb2 as pb
from heed.common.v1 import matter_pb2 as common
from heed.common.v1.observation_pb2 import Observation

from heed_classifier.application.sorting import ToSort
from heed_classifier.domain.nature import Method, Urgency
from heed_classifier.domain.text import PetitionText
from heed_shared.database import raw
from tests.classifier.builders import REGION, Feed, petition
from tests.classifier.serving import Serving, correction, get
from tests.classifier.test_petition_feed import (
    TABLES,
    classification,
    events,
    row_counts,
    supplement,
    totals,
)
from tests.classifier.test_splitting import ACCUSING, LIGHT_AND_SCHOOL

TWO = (LIGHT_AND_SCHOOL.request, LIGHT_AND_SCHOOL.facts)
ITEMS = 1


async def counted(feed: Feed) -> dict[str, int]:
    """Items by category."""
    return {cell[2]: count for cell, count in (await totals(feed)).items() if cell[3] == ITEMS}


async def test_every_matter_is_stored_and_counted_in_one_event(feed: Feed) -> None:
    item = petition(*TWO)

    await feed.register(item)

    record = await classification(feed, item.key)
    assert record is not None
    assert [matter.key.k for matter in record.matters] == [1, 2]
    assert [matter.answer.category_code for matter in record.matters] == ["01", "07"]
    assert all(matter.answer.spans for matter in record.matters)
    assert await counted(feed) == {"01": 1, "07": 1}
    assert await events(feed) == ["CLASSIFIED"]
    assert len(await observations(feed)) == 1


async def test_what_is_stored_of_a_matter_is_what_sorting_said(feed: Feed) -> None:
    item = petition(*TWO)
    await feed.register(item)

    record = await classification(feed, item.key)

    assert record is not None
    again = (await feed.sorting.sort([ToSort(item.text, REGION)]))[0]
    assert [matter.answer for matter in record.matters] == list(again.matters)


async def test_two_matters_of_one_petition_are_no_incident(feed: Feed) -> None:
    await feed.register(*(petition(f"第{n}号路口没有红绿灯") for n in range(40)))
    item = petition(
        "桃源丽都的两件事",
        "一、桃源丽都旁边的搅拌站粉尘漫天，噪音不断，废水直排。"
        "二、桃源丽都旁边的搅拌站让货车超载，公路坑洼，交警不管，交通堵塞。",
        place="桃源丽都",
    )

    await feed.register(item)

    record = await classification(feed, item.key)
    assert record is not None
    assert len(record.matters) == 2
    assert {matter.incident for matter in record.matters} == {None}


async def test_removal_takes_back_what_every_matter_counted(feed: Feed) -> None:
    item = petition(*TWO, people_bucket=6)
    await feed.register(item)

    await feed.seal(item.key)

    assert await totals(feed) == {}
    assert await row_counts(feed) == dict.fromkeys(TABLES, 0)
    assert await events(feed) == ["CLASSIFIED", "REMOVED"]


async def test_a_petition_with_a_part_that_accuses_is_reported_whole(feed: Feed) -> None:
    await feed.register(petition(ACCUSING.request, ACCUSING.facts))

    assert await events(feed) == ["ACCUSATION_SUSPECTED"]
    assert await totals(feed) == {}
    assert await row_counts(feed) == dict.fromkeys(TABLES, 0)


async def test_a_supplement_with_another_thing_is_a_matter_more(feed: Feed) -> None:
    item = petition("反映两个问题", TWO[1].split("二、")[0])
    await feed.register(item)
    first = await classification(feed, item.key)

    await supplement(feed, replace(item, text=LIGHT_AND_SCHOOL))

    record = await classification(feed, item.key)
    assert first is not None
    assert record is not None
    assert [matter.key.k for matter in first.matters] == [1]
    assert [matter.key.k for matter in record.matters] == [1, 2]
    assert [matter.answer.category_code for matter in record.matters] == ["01", "07"]
    assert await counted(feed) == {"01": 1, "07": 1}
    assert await events(feed) == ["CLASSIFIED", "CORRECTED"]


async def test_a_matter_that_the_text_no_longer_tells_apart_is_kept(feed: Feed) -> None:
    item = petition(*TWO)
    await feed.register(item)

    await supplement(feed, replace(item, text=PetitionText("路灯还是没有人修", "路灯坏了半年")))

    record = await classification(feed, item.key)
    assert record is not None
    assert [matter.key.k for matter in record.matters] == [1, 2]
    assert record.matters[0].answer.spans == ()
    assert await counted(feed) == {"01": 1, "07": 1}


async def test_a_correction_touches_its_own_matter_only(served: Serving) -> None:
    item = petition(*TWO)
    await served.feed.register(item)
    before = await get(served, item)
    request = correction(before, category_code="0501", urgency=common.URGENCY_U1)
    request.matter = f"{before.petition}/matters/2"

    after = (await served.stub().CorrectClassification(request)).classification

    assert after.matters[0] == before.matters[0]
    assert (after.matters[1].category_code, after.matters[1].urgency) == ("05", common.URGENCY_U1)
    assert after.matters[1].title == before.matters[1].title
    assert after.matters[1].evidence == before.matters[1].evidence
    assert after.matters[1].spans == before.matters[1].spans
    assert await counted(served.feed) == {"01": 1, "05": 1}


async def test_a_matter_found_to_accuse_takes_the_whole_petition_along(served: Serving) -> None:
    item = petition(*TWO)
    await served.feed.register(item)
    request = correction(await get(served, item), nature=common.NATURE_ACCUSATION)

    await served.stub().CorrectClassification(request)

    assert await totals(served.feed) == {}
    assert (await events(served.feed))[-1] == "ACCUSATION_SUSPECTED"


async def test_what_a_person_decided_stays_when_a_supplement_adds_danger(feed: Feed) -> None:
    item = petition(*TWO)
    await feed.register(item)
    async with feed.database.transaction() as tx:
        await (await raw(tx.connection)).execute(
            "UPDATE classification SET method = $1", int(Method.PERSON)
        )
        await tx.commit()
    text = PetitionText(item.text.request, item.text.facts + "再不解决我就跳楼")

    await supplement(feed, replace(item, text=text))

    record = await classification(feed, item.key)
    assert record is not None
    assert record.method is Method.PERSON
    assert {matter.answer.urgency for matter in record.matters} == {Urgency.U0}


async def test_classify_shows_the_parts_and_on_what_each_grade_rests(served: Serving) -> None:
    request = pb.ClassifyRequest(
        request=ACCUSING.request, facts=ACCUSING.facts, region_code="110105"
    )

    found = (await served.stub().Classify(request)).classification

    assert [matter.sealed_lane for matter in found.matters] == [True, False]
    assert "第三十条" in found.matters[0].route_reason
    assert "第三十一条" in found.matters[1].route_reason
    joined = ACCUSING.joined
    assert found.matters[0].nature_evidence
    for matter in found.matters:
        assert joined[matter.spans[0].start : matter.spans[0].end].strip().startswith(matter.title)
        assert matter.importance_reason
        assert matter.subcategory_candidates
        for e in (*matter.evidence, *matter.nature_evidence, *matter.urgency_evidence):
            assert joined[e.start : e.end] == e.phrase


@pytest.mark.parametrize("name", ["received_at", "classified_at"])
async def test_a_classification_says_when(served: Serving, name: str) -> None:
    item = petition(*TWO)
    await served.feed.register(item)

    assert (await get(served, item)).HasField(name)  # type: ignore[arg-type]


async def observations(feed: Feed) -> list[Observation]:
    async with feed.database.read() as connection:
        rows = await (await raw(connection)).fetch(
            "SELECT payload FROM feed_event WHERE feed = 'classifier.observations' ORDER BY id"
        )
    return [Observation.FromString(row["payload"]) for row in rows]
