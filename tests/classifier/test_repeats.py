"""Repeat links over TLS on a real database: reversible, counted by matter, moving nothing."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import grpc
import pytest
from heed.classifier.v1 import classifier_service_pb2 as pb
from heed.classifier.v1 import resources_pb2 as resources
from heed.common.v1 import matter_pb2 as common
from heed.common.v1.observation_pb2 import Measure
from heed.feed.v1 import feed_service_pb2 as feed_pb

from heed_classifier.application.ports import MaskedPetition
from heed_shared.errors import reason_of
from tests.classifier.builders import NOON, petition
from tests.classifier.serving import NOBODY, WAGES, Serving, correction, get, name
from tests.classifier.test_petition_feed import events, totals

Link = resources.RepeatLink


async def two(
    served: Serving, hours: int = 24, region: str = "110105"
) -> tuple[MaskedPetition, MaskedPetition]:
    """An earlier petition and one that repeats it."""
    earlier = petition(*WAGES, at=NOON)
    repeat = petition(*WAGES, at=NOON + timedelta(hours=hours), region=region)
    await served.feed.register(earlier)
    await served.feed.register(repeat)
    return earlier, repeat


def matter(item: MaskedPetition) -> str:
    return f"{name(item)}/matters/1"


def asked(repeat: MaskedPetition, earlier: MaskedPetition, **changes: Any) -> pb.LinkRepeatRequest:
    given: dict[str, Any] = {
        "request_id": str(uuid.uuid4()),
        "matter": matter(repeat),
        "earlier_matter": matter(earlier),
        "reason": "同一工地同一笔工资",
    } | changes
    return pb.LinkRepeatRequest(**given)


async def link(
    served: Serving, repeat: MaskedPetition, earlier: MaskedPetition, **changes: Any
) -> Link:
    return (await served.stub().LinkRepeat(asked(repeat, earlier, **changes))).link


async def unlink(served: Serving, made: Link, **changes: Any) -> Link:
    given: dict[str, Any] = {
        "request_id": str(uuid.uuid4()),
        "name": made.name,
        "etag": made.etag,
        "reason": "不是同一笔工资",
    } | changes
    return (await served.stub("clerk").UnlinkRepeat(pb.UnlinkRepeatRequest(**given))).link


async def history(
    served: Serving, item: MaskedPetition, caller: str = "officer", **options: Any
) -> Any:
    region = options.pop("region", "")
    request = pb.ListRepeatLinksRequest(matter=matter(item), **options)
    return await served.stub(caller, region).ListRepeatLinks(request)


async def repeats(served: Serving) -> dict[tuple[str, str], int]:
    """Repeats counted, by day and category."""
    found = await totals(served.feed)
    return {
        (day, category): count
        for (day, _, category, measure, _), count in found.items()
        if measure == Measure.MEASURE_REPEAT
    }


async def test_a_link_is_shown_and_counted_and_moves_nothing(served: Serving) -> None:
    earlier, repeat = await two(served)
    first, second = await get(served, earlier), await get(served, repeat)
    before = await totals(served.feed)

    made = await link(served, repeat, earlier)

    assert made.state == Link.STATE_LINKED
    assert made.linked_by.identity == "staff/officer"
    assert made.link_reason == "同一工地同一笔工资"
    assert not made.HasField("unlinked_at")
    after = await get(served, repeat)
    assert after.matters[0].repeat_of == matter(earlier)
    assert after.etag != second.etag
    after.matters[0].repeat_of = ""
    assert (after.matters[0], after.received_at) == (second.matters[0], second.received_at)
    assert await get(served, earlier) == first
    assert await repeats(served) == {("2026-03-03", "03"): 1}
    assert {c: n for c, n in (await totals(served.feed)).items() if c[3] != 2} == dict(before)
    assert (await events(served.feed))[-1] == "REPEAT_CHANGED"


async def test_a_link_taken_back_stays_as_history_and_nets_to_zero(served: Serving) -> None:
    earlier, repeat = await two(served)
    made = await link(served, repeat, earlier)

    gone = await unlink(served, made)
    again = await link(served, repeat, earlier)

    assert gone.state == Link.STATE_UNLINKED
    assert (gone.link_reason, gone.unlink_reason) == (made.link_reason, "不是同一笔工资")
    assert (gone.linked_by.identity, gone.unlinked_by.identity) == ("staff/officer", "staff/clerk")
    assert gone.etag != made.etag
    for item in (earlier, repeat):
        names = [found.name for found in (await history(served, item)).links]
        assert sorted(names) == sorted([again.name, gone.name])
    await unlink(served, again)
    assert await repeats(served) == {}
    assert (await get(served, repeat)).matters[0].repeat_of == ""


async def test_the_history_comes_in_pages(served: Serving) -> None:
    earlier, repeat = await two(served)
    made = {
        (await unlink(served, await link(served, repeat, earlier))).name,
        (await link(served, repeat, earlier)).name,
    }

    first = await history(served, repeat, page_size=1)
    second = await history(served, repeat, page_size=1, page_token=first.next_page_token)

    assert {first.links[0].name, second.links[0].name} == made
    assert not second.next_page_token
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await history(served, earlier, page_token=first.next_page_token)
    assert reason_of(caught.value) == "BAD_PAGE_TOKEN"


async def test_a_correction_moves_the_count_of_a_repeat(served: Serving) -> None:
    earlier, repeat = await two(served)
    await link(served, repeat, earlier)

    request = correction(await get(served, repeat), category_code="05")
    after = (await served.stub().CorrectClassification(request)).classification

    assert after.matters[0].repeat_of == matter(earlier)
    assert await repeats(served) == {("2026-03-03", "05"): 1}
    request = correction(await get(served, repeat), nature=common.NATURE_ENQUIRY)
    await served.stub().CorrectClassification(request)
    assert await repeats(served) == {}


async def test_the_snapshot_counts_repeats_as_the_feed_did(served: Serving) -> None:
    earlier, repeat = await two(served)
    await link(served, repeat, earlier)

    request = feed_pb.GetFeedSnapshotRequest(feed="classifier.observations")
    counted = {
        (event.observation.received_day, delta.category_code): delta.delta
        async for part in served.feeds("service/warning").GetFeedSnapshot(request)
        for event in part.events
        for delta in event.observation.deltas
        if delta.measure == Measure.MEASURE_REPEAT
    }

    assert counted == await repeats(served)


async def test_a_sealed_repeat_takes_its_links_and_its_count_with_it(served: Serving) -> None:
    earlier, repeat = await two(served)
    await link(served, repeat, earlier)

    await served.feed.seal(repeat.key)

    assert await repeats(served) == {}
    assert not (await history(served, earlier)).links


async def test_a_sealed_earlier_petition_leaves_a_first_one(served: Serving) -> None:
    earlier, repeat = await two(served)
    made = await link(served, repeat, earlier)
    version = (await get(served, repeat)).etag

    await served.feed.seal(earlier.key)

    after = await get(served, repeat)
    assert after.matters[0].repeat_of == ""
    assert after.etag != version
    assert await repeats(served) == {}
    assert (await events(served.feed))[-1] == "REPEAT_CHANGED"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await unlink(served, made)
    assert reason_of(caught.value) == "NOT_FOUND"


async def test_an_earlier_petition_found_to_be_an_accusation_leaves_a_first_one(
    served: Serving,
) -> None:
    earlier, repeat = await two(served)
    await link(served, repeat, earlier)

    request = correction(await get(served, earlier), nature=common.NATURE_ACCUSATION)
    await served.stub().CorrectClassification(request)

    assert (await get(served, repeat)).matters[0].repeat_of == ""
    assert await repeats(served) == {}


async def test_petitions_sealed_together_leave_nothing(served: Serving) -> None:
    earlier, repeat = await two(served)
    await link(served, repeat, earlier)

    await served.feed.seal(earlier.key, repeat.key)

    assert await totals(served.feed) == {}


async def test_a_matter_that_is_linked_is_not_linked_again(served: Serving) -> None:
    earlier, repeat = await two(served)
    made = await link(served, repeat, earlier)

    for call, reason in (
        (link(served, repeat, earlier), "WRONG_STATE"),
        (link(served, earlier, repeat), "INVALID_FIELD"),
        (link(served, repeat, repeat), "INVALID_FIELD"),
        (unlink(served, made, etag="old"), "STALE_ETAG"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert reason_of(caught.value) == reason
    await unlink(served, made)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await unlink(served, made)
    assert reason_of(caught.value) == "STALE_ETAG"
    current = (await history(served, repeat)).links[0]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await unlink(served, current)
    assert reason_of(caught.value) == "WRONG_STATE"


async def test_links_form_no_circle(served: Serving) -> None:
    items = [petition(*WAGES, at=NOON) for _ in range(3)]
    await served.feed.register(*items)
    await link(served, items[1], items[0])
    await link(served, items[2], items[1])

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await link(served, items[0], items[2])

    assert reason_of(caught.value) == "INVALID_FIELD"


async def test_the_same_call_again_gets_the_same_link(served: Serving) -> None:
    earlier, repeat = await two(served)
    request = asked(repeat, earlier)

    first = await served.stub().LinkRepeat(request)
    second = await served.stub().LinkRepeat(request)

    assert first == second
    assert await repeats(served) == {("2026-03-03", "03"): 1}
    request.reason = "另一个理由"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await served.stub().LinkRepeat(request)
    assert reason_of(caught.value) == "REQUEST_ID_REUSED"
    gone = await unlink(served, first.link, request_id=(twice := str(uuid.uuid4())))
    assert await unlink(served, first.link, request_id=twice) == gone


async def test_nothing_is_linked_or_shown_outside_the_region(served: Serving) -> None:
    earlier, repeat = await two(served, region="110101")
    made = await link(served, repeat, earlier)
    here = "110105"

    calls: list[Any] = [
        served.stub("officer", here).LinkRepeat(asked(repeat, earlier)),
        served.stub("officer", here).UnlinkRepeat(
            pb.UnlinkRepeatRequest(
                request_id=str(uuid.uuid4()), name=made.name, etag=made.etag, reason="x"
            )
        ),
        history(served, repeat, region=here),
        served.stub().LinkRepeat(asked(repeat, earlier, earlier_matter=f"{NOBODY}/matters/1")),
        served.stub().LinkRepeat(asked(repeat, earlier, matter=f"{name(repeat)}/matters/9")),
    ]

    for call in calls:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert reason_of(caught.value) == "NOT_FOUND"
    assert not (await history(served, earlier, region=here)).links
    assert [found.name for found in (await history(served, earlier)).links] == [made.name]
