"""Similar petitions: by names and problem, in the city and the caller's region, showing no one."""

from __future__ import annotations

from datetime import timedelta

import grpc
import pytest
from heed.classifier.v1 import classifier_service_pb2 as pb
from heed.classifier.v1 import resources_pb2 as resources

from heed_classifier.application.ports import MaskedPetition
from heed_classifier.domain.incident_terms import Profile
from heed_classifier.domain.similarity import BUDGET, lookups, stored_numbers, term_number
from heed_shared.errors import reason_of
from tests.classifier.builders import NOON, petition
from tests.classifier.serving import NOBODY, Serving, name
from tests.classifier.test_incident_store import stream
from tests.classifier.test_incidents import CONCRETE, ELSEWHERE, PROPERTY


async def find(
    served: Serving, caller: str = "clerk", region: str = "", **asked: object
) -> list[resources.SimilarPetition]:
    request = pb.FindSimilarPetitionsRequest(**asked)  # type: ignore[arg-type]
    return list((await served.stub(caller, region).FindSimilarPetitions(request)).petitions)


def named(items: list[MaskedPetition], text: tuple[str, str]) -> MaskedPetition:
    return next(item for item in items if item.text.request == text[0])


async def test_petitions_on_the_same_matter_come_before_others_of_the_place(
    served: Serving,
) -> None:
    items = stream()
    await served.feed.register(*items)

    found = await find(
        served, request="桃源丽都门口搅拌站粉尘大", facts="搅拌站噪音粉尘", region_code="110105"
    )

    same = {name(named(items, text)) for text in CONCRETE}
    assert {item.petition for item in found[:3]} == same
    assert name(named(items, PROPERTY[0])) in {item.petition for item in found[3:]}
    assert found[0].similarity > found[3].similarity > 0
    assert "搅拌站" in found[0].shared_terms
    assert any("桃源丽都" in term for term in found[0].shared_terms)
    first = next(item for item in items if name(item) == found[0].petition)
    assert found[0].title == first.text.request
    assert found[0].matter == f"{found[0].petition}/matters/1"
    assert found[0].incident.startswith("incidents/110100-")
    assert found[0].received_at.ToDatetime(NOON.tzinfo) == first.received_at


async def test_a_stored_petition_finds_the_others_and_not_itself(served: Serving) -> None:
    items = stream()
    await served.feed.register(*items)
    asking = named(items, CONCRETE[1])

    found = await find(served, petition=name(asking), limit=2)

    others = {name(named(items, CONCRETE[n])) for n in (0, 2)}
    assert {item.petition for item in found} == others


async def test_the_same_words_are_as_similar_as_can_be(served: Serving) -> None:
    items = stream()
    await served.feed.register(*items)

    found = await find(
        served, request=CONCRETE[0][0], facts=CONCRETE[0][1], region_code="110105", limit=1
    )

    assert found[0].petition == name(named(items, CONCRETE[0]))
    assert found[0].similarity >= 0.95


async def test_only_petitions_of_the_city_and_the_callers_region_are_found(
    served: Serving,
) -> None:
    padding = [item for item in stream() if "桃源" not in item.text.joined]
    near, county, abroad = (
        petition(*CONCRETE[0], region=region) for region in ("110105", "110101", "130102")
    )
    await served.feed.register(*padding, near, county, abroad)
    text = {"request": CONCRETE[1][0], "facts": CONCRETE[1][1], "region_code": "110105"}

    everywhere = await find(served, **text)
    inside = await find(served, region="110105", **text)
    asked_by_name = await find(served, region="110105", petition=name(near))

    assert {item.petition for item in everywhere} >= {name(near), name(county)}
    assert name(abroad) not in {item.petition for item in everywhere}
    assert name(near) in {item.petition for item in inside}
    assert {item.region_code for item in (*inside, *asked_by_name)} <= {"110105"}


async def test_a_sealed_petition_is_not_found(served: Serving) -> None:
    items = stream()
    await served.feed.register(*items)
    gone = named(items, CONCRETE[0])

    await served.feed.seal(gone.key)

    found = await find(served, petition=name(named(items, CONCRETE[1])), limit=50)
    assert found
    assert name(gone) not in {item.petition for item in found}


async def test_older_petitions_can_be_left_out(served: Serving) -> None:
    items = stream()
    await served.feed.register(*items)
    asking = named(items, CONCRETE[2])
    request = pb.FindSimilarPetitionsRequest(petition=name(asking), limit=50)
    request.received_from.FromDatetime(NOON + timedelta(hours=30))

    found = (await served.stub().FindSimilarPetitions(request)).petitions

    assert name(named(items, CONCRETE[1])) in {item.petition for item in found}
    assert name(named(items, CONCRETE[0])) not in {item.petition for item in found}


async def test_a_text_that_names_nothing_finds_nothing(served: Serving) -> None:
    await served.feed.register(*stream())

    assert await find(served, request="的", region_code="110105") == []
    assert await find(served, request="xyz 123 !!!", region_code="110105") == []
    assert await find(served, request=ELSEWHERE[0], region_code="440103") == []


@pytest.mark.parametrize(
    ("request_", "region", "reason"),
    [
        (pb.FindSimilarPetitionsRequest(), "", "INVALID_FIELD"),
        (pb.FindSimilarPetitionsRequest(petition=NOBODY, request="x"), "", "INVALID_FIELD"),
        (pb.FindSimilarPetitionsRequest(request="路灯"), "", "INVALID_FIELD"),
        (
            pb.FindSimilarPetitionsRequest(request="路灯", region_code="119999"),
            "",
            "UNKNOWN_REGION",
        ),
        (
            pb.FindSimilarPetitionsRequest(request="路灯", region_code="110105"),
            "110101",
            "REGION_NOT_ALLOWED",
        ),
        (pb.FindSimilarPetitionsRequest(petition=NOBODY), "", "NOT_FOUND"),
    ],
)
async def test_bad_questions_are_refused_with_a_reason(
    served: Serving, request_: pb.FindSimilarPetitionsRequest, region: str, reason: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await served.stub("officer", region).FindSimilarPetitions(request_)
    assert reason_of(caught.value) == reason


async def test_a_petition_outside_the_region_does_not_exist(served: Serving) -> None:
    item = petition(*CONCRETE[0], region="110101")
    await served.feed.register(item)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await find(served, region="110105", petition=name(item))
    assert reason_of(caught.value) == "NOT_FOUND"


def test_the_rarest_names_are_looked_up_first_and_within_the_budget() -> None:
    profile = Profile({"丽发新": 0.5, "发新城": 0.4, "人民路": 0.3, "市中心": 0.2}, {})
    counts = {"丽发新": 50, "发新城": 70, "人民路": BUDGET - 100, "市中心": 90_000}

    assert list(lookups(profile, counts)) == ["丽发新", "发新城"]
    assert list(lookups(profile, {"市中心": 90_000})) == ["丽发新", "人民路", "发新城"]


def test_a_term_has_another_number_in_another_city() -> None:
    numbers = {term_number(city, "人民路") for city in ("110100", "130100", "440100")}

    assert len(numbers) == 3
    assert all(-(2**31) <= number < 2**31 for number in numbers)
    assert len(stored_numbers("110100", Profile({f"名{n}": 0.1 for n in range(90)}, {}))) == 24
