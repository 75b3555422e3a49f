"""WatchWarnings: every change once, from where the reader was, within its region, without end."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, cast

import grpc
import pytest
from heed.feed.v1.event_pb2 import Event
from heed.warning.v1 import warning_service_pb2 as pb
from heed.warning.v1.events_pb2 import WarningEvent
from heed.warning.v1.resources_pb2 import Warning as WarningMessage

from heed_shared.errors import reason_of
from heed_shared.feed.cursor import Position, encode_cursor
from heed_shared.feed.reading import Asked, Page
from heed_shared.identity import Caller, set_caller
from heed_shared.paging import PageTokens
from heed_shared.rpc.stopping import set_stopping
from heed_warning.api import watch_rpcs
from heed_warning.api.watch_rpcs import WatchRpcs
from heed_warning.application.ports import Kept
from tests.warning.conftest import CITY, COUNTY, SECOND_COUNTY, Post
from tests.warning.counts_setup import PLACES
from tests.warning.life_setup import NOW, warning
from tests.warning.rpc_setup import firing, new_id

RAISED, ACKNOWLEDGED, JUDGED, RESOLVED = (
    WarningEvent.KIND_RAISED,
    WarningEvent.KIND_ACKNOWLEDGED,
    WarningEvent.KIND_JUDGED,
    WarningEvent.KIND_RESOLVED,
)


async def first(stub: Any, **fields: Any) -> str:
    """The cursor of now."""
    call = stub.WatchWarnings(pb.WatchWarningsRequest(**fields))
    message = await call.read()
    call.cancel()
    return str(message.cursor)


async def told(
    stub: Any, cursor: str, count: int, wait_s: float = 5.0, **fields: Any
) -> list[pb.WatchWarningsResponse]:
    """The next changes behind a cursor, as many as asked for or as come in time."""
    call = stub.WatchWarnings(pb.WatchWarningsRequest(cursor=cursor, **fields))
    found: list[pb.WatchWarningsResponse] = []
    try:
        async with asyncio.timeout(wait_s):
            while len(found) < count:
                message = await call.read()
                if message.HasField("warning"):
                    found.append(message)
    except TimeoutError:
        pass
    call.cancel()
    return found


async def through_its_life(post: Post, warning: WarningMessage) -> None:
    """Take a warning on, judge it, end it."""
    leader = post.stub("leader")
    for kind, method, fields in (
        (pb.AcknowledgeWarningRequest, "AcknowledgeWarning", {}),
        (pb.JudgeWarningRequest, "JudgeWarning", {"verdict": 1, "note": "属实"}),
        (pb.ResolveWarningRequest, "ResolveWarning", {"note": "已解决"}),
    ):
        request = kind(name=warning.name, etag=warning.etag, request_id=new_id(), **fields)
        warning = (await getattr(leader, method)(request)).warning


async def test_a_reader_that_breaks_off_anywhere_loses_nothing_and_repeats_nothing(
    post: Post,
) -> None:
    cursor = await first(post.stub())
    await through_its_life(post, await firing(post))
    everything = [RAISED, ACKNOWLEDGED, JUDGED, RESOLVED]
    whole = await told(post.stub("officer"), cursor, 4)
    assert [message.kind for message in whole] == everything
    for broken in range(1, 5):
        before = await told(post.stub(), cursor, broken)
        after = await told(post.stub(), before[-1].cursor, 4 - broken, 0.5)
        assert [message.kind for message in before + after] == everything
    assert await told(post.stub(), whole[-1].cursor, 1, 0.5) == []


async def test_a_change_arrives_while_the_reader_waits(post: Post) -> None:
    call = post.stub().WatchWarnings(pb.WatchWarningsRequest())
    assert not (await call.read()).HasField("warning")
    fired = await firing(post)
    async with asyncio.timeout(5):
        message = await call.read()
    call.cancel()
    assert (message.kind, message.warning) == (RAISED, fired)


async def test_a_reader_sees_its_region_and_what_it_asked_for(post: Post) -> None:
    cursor = await first(post.stub())
    fired = await firing(post)
    for stub, fields, seen in (
        (post.caller(["ROLE_ANALYST"], CITY), {}, 1),
        (post.caller(["ROLE_ANALYST"], SECOND_COUNTY), {}, 0),
        (post.caller(["ROLE_ANALYST"], SECOND_COUNTY), {"region_prefix": "32"}, 0),
        (post.stub(), {"region_prefix": CITY, "category_code": "01"}, 1),
        (post.stub(), {"region_prefix": SECOND_COUNTY}, 0),
        (post.stub(), {"category_code": "02"}, 0),
    ):
        found = await told(stub, cursor, 1, 2.0 if seen else 0.5, **fields)
        assert [message.warning.name for message in found] == [fired.name] * seen


async def test_an_empty_message_moves_the_cursor_past_what_is_not_for_the_reader(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_rpcs, "_HEARTBEAT_S", 0.2)
    call = post.stub().WatchWarnings(pb.WatchWarningsRequest(category_code="02"))
    start = (await call.read()).cursor
    await firing(post)
    async with asyncio.timeout(5):
        message = await call.read()
        while not await told(post.stub(), start, 1) or await told(
            post.stub(), message.cursor, 1, 0.3
        ):
            message = await call.read()
    call.cancel()
    assert not message.HasField("warning")


async def test_a_wrong_wish_and_a_cursor_of_another_epoch_or_too_old_are_named(post: Post) -> None:
    cursor = await first(post.stub())

    async def reason(**fields: str) -> str:
        request = pb.WatchWarningsRequest(**fields or {"cursor": cursor})
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await post.stub().WatchWarnings(request).read()
        return reason_of(caught.value)

    assert await reason(cursor="abc") == "BAD_CURSOR"
    assert await reason(region_prefix="999999") == "UNKNOWN_REGION"
    assert await reason(category_code="99") == "UNKNOWN_CATEGORY"
    await post.rows(
        "INSERT INTO feed_oldest (feed, shard, xid, id)"
        " SELECT 'warning.warnings', 3, pg_snapshot_xmax(pg_current_snapshot()), 5"
    )
    assert await reason() == "CURSOR_TOO_OLD"
    await post.rows("UPDATE feed_epoch SET epoch = epoch + 1")
    assert await reason() == "FEED_EPOCH_CHANGED"


async def test_it_ends_by_itself_when_the_server_stops(post: Post) -> None:
    stopping = asyncio.Event()
    set_stopping(stopping)
    set_caller(Caller("staff/1", "", "", frozenset(), ""))
    rpcs = next(
        servicer for _, servicer, _ in post.service.servicers if isinstance(servicer, WatchRpcs)
    )
    stream = rpcs.WatchWarnings(pb.WatchWarningsRequest(), None)
    await anext(stream)
    ending = asyncio.create_task(anext(stream, None))
    await asyncio.sleep(0.2)
    assert not ending.done(), "nothing comes, so it waits"
    stopping.set()
    async with asyncio.timeout(2):
        await ending
        assert [message async for message in stream] == []


class EndlessFeed:
    """A feed that always has a full page more; it counts the pages that were asked for."""

    def __init__(self) -> None:
        self.pages = 0

    async def next_page(
        self, feed: Any, asked: dict[int, Asked], _caller: Any, limit: int, _wait_s: float
    ) -> Page:
        first_id = self.pages * limit + 1
        self.pages += 1
        made = []
        for number in range(first_id, first_id + limit):
            position = Position(number, number)
            event = Event(
                cursor=encode_cursor(feed.name, 0, 1, position),
                subject=f"warnings/{COUNTY}-00000000-0000-7000-8000-{number:012}",
            )
            event.warning.kind = RAISED
            made.append(event)
        return Page(made, {**asked, 0: Asked(position, 1)}, False)


class EveryWarning:
    """Knows each warning that is asked for."""

    async def matching(self, _connection: Any, uids: Any, *_: Any) -> list[Any]:
        return [Kept(warning(COUNTY, number=uid.int), NOW) for uid in uids]


async def test_a_slow_reader_holds_one_page_in_memory_and_no_more() -> None:
    feed = EndlessFeed()
    set_caller(Caller("staff/1", "", "", frozenset(), ""))

    tokens = PageTokens(bytes(32))
    parts = SimpleNamespace(
        places=PLACES,
        warnings=EveryWarning(),
        page_tokens=tokens,
        database=SimpleNamespace(read=nullcontext),
    )
    rpcs = WatchRpcs(cast("Any", parts), cast("Any", feed))
    cursor = tokens.encode("WatchWarnings", b"", [1, *[0] * 32])
    stream = rpcs.WatchWarnings(pb.WatchWarningsRequest(cursor=cursor), None)
    for _ in range(100):
        await anext(stream)
        assert feed.pages == 1
    await anext(stream)
    assert feed.pages == 2
