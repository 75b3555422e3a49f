"""Silences over the real service: kept and listed, not announced, and never for long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, timedelta

from heed.feed.v1 import feed_service_pb2
from heed.warning.v1 import warning_service_pb2 as pb
from heed.warning.v1.events_pb2 import WarningEvent

from heed_shared.clock import day_start
from tests.warning.conftest import CITY, COUNTY, SECOND_COUNTY, START, Post
from tests.warning.rpc_setup import firing, new_id, refused, silence


async def events(post: Post) -> list[int]:
    page = await post.feed().ListEvents(
        feed_service_pb2.ListEventsRequest(feed="warning.warnings", consumer="disposal")
    )
    return [event.warning.kind for event in page.events]


async def silenced(post: Post, days: int = 7, who: str = "analyst") -> pb.SilenceWarningsResponse:
    request = pb.SilenceWarningsRequest(request_id=new_id(), silence=silence(days))
    response: pb.SilenceWarningsResponse = await post.stub(who).SilenceWarnings(request)
    return response


async def test_what_a_silence_covers_is_kept_and_listed_but_not_announced(post: Post) -> None:
    made = (await silenced(post)).silence
    fired = await firing(post)
    assert fired.silenced_by == made.name
    assert not fired.HasField("acknowledge_due_at")
    assert await events(post) == []
    listed = await post.stub("officer").ListWarnings(pb.ListWarningsRequest())
    assert [item.name for item in listed.warnings] == [fired.name]
    await post.advance(START + timedelta(days=7))
    assert await events(post) == [WarningEvent.KIND_RAISED]
    loud = (await post.stub().GetWarning(pb.GetWarningRequest(name=fired.name))).warning
    assert loud.silenced_by == ""
    assert loud.acknowledge_due_at.ToDatetime(UTC) > day_start(START + timedelta(days=7))


async def test_a_silence_that_begins_late_stops_the_clock_and_ending_it_starts_another(
    post: Post,
) -> None:
    fired = await firing(post)
    made = (await silenced(post)).silence
    name = pb.GetWarningRequest(name=fired.name)
    assert (await post.stub().GetWarning(name)).warning.silenced_by == made.name
    await post.advance(START + timedelta(days=6))
    assert await events(post) == [WarningEvent.KIND_RAISED], "its clock stands still"
    request = pb.EndSilenceRequest(request_id=new_id(), name=made.name, etag=made.etag)
    ended = (await post.stub("leader").EndSilence(request)).silence
    assert ended.ended_by.display_name == "孟华"
    assert (await post.stub("leader").EndSilence(request)).silence == ended
    again = (await post.stub().GetWarning(name)).warning
    assert again.silenced_by == ""
    assert again.acknowledge_due_at.ToDatetime(UTC) > day_start(START + timedelta(days=6))
    assert await events(post) == [WarningEvent.KIND_RAISED]
    twice = pb.EndSilenceRequest(request_id=new_id(), name=made.name, etag=ended.etag)
    assert (await refused(post.stub().EndSilence(twice)))[1] == "WRONG_STATE"


async def test_silences_stay_within_the_region_and_the_ninety_days(post: Post) -> None:
    city = post.caller(["ROLE_ANALYST"], CITY)
    county = post.caller(["ROLE_ANALYST"], COUNTY)
    elsewhere = post.caller(["ROLE_ANALYST"], SECOND_COUNTY)

    async def ask(stub: object, days: int = 7, **fields: object) -> object:
        request = pb.SilenceWarningsRequest(request_id=new_id(), silence=silence(days, **fields))
        return await stub.SilenceWarnings(request)  # type: ignore[attr-defined]

    assert (await refused(ask(elsewhere)))[1] == "REGION_NOT_ALLOWED"
    assert (await refused(ask(county, region_prefix=CITY)))[1] == "REGION_NOT_ALLOWED"
    assert (await refused(ask(city, days=91)))[1] == "INVALID_FIELD"
    assert (await refused(ask(city, days=0)))[1] == "INVALID_FIELD"
    assert (await refused(ask(city, reason=" ")))[1] == "INVALID_FIELD"
    assert (await refused(ask(city, category_code="99")))[1] == "UNKNOWN_CATEGORY"
    made = (await ask(city, region_prefix=CITY)).silence  # type: ignore[attr-defined]
    assert made.region_prefix == "3201"
    listing = pb.ListSilencesRequest()
    seen = {name: (await stub.ListSilences(listing)).silences for name, stub in
            {"city": city, "county": county, "other": post.caller(["ROLE_ANALYST"], "330000")}
            .items()}  # fmt: skip
    assert [len(found) for found in seen.values()] == [1, 1, 0]
    end = pb.EndSilenceRequest(request_id=new_id(), name=made.name, etag=made.etag)
    assert (await refused(county.EndSilence(end)))[1] == "NOT_FOUND"
    stale = pb.EndSilenceRequest(request_id=new_id(), name=made.name, etag="x")
    assert (await refused(city.EndSilence(stale)))[1] == "STALE_ETAG"


async def test_silences_are_listed_latest_first_and_ended_ones_when_asked_for(post: Post) -> None:
    names = []
    for days in (1, 2, 4):
        names.append((await silenced(post, days)).silence.name)
        await post.advance(post.today + timedelta(days=1))

    async def listed(*, ended: bool) -> Sequence[str]:
        found, token = [], ""
        while True:
            page = await post.stub("officer").ListSilences(
                pb.ListSilencesRequest(include_ended=ended, page_size=2, page_token=token)
            )
            found += [item.name for item in page.silences]
            token = page.next_page_token
            if not token:
                return found

    assert await listed(ended=True) == names[::-1]
    assert await listed(ended=False) == names[2:]
