import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from heed.common.v1.observation_pb2 import Observation
from heed.feed.v1 import feed_service_pb2 as pb

from heed_local.authority import Authority
from heed_shared.errors import (
    HeedError,
    NotFound,
    StaleEtag,
    UnknownFeed,
    info_of,
    reason_of,
    status_of,
)
from heed_shared.identity import current_caller
from heed_shared.rpc import deadline
from heed_shared.rpc.access import AccessRules
from heed_shared.rpc.validation import validate, violations
from tests.shared.rpc_setup import (
    FEED_SERVICE,
    REQUEST,
    SERVING,
    Running,
    ScriptedFeed,
    health,
    running,
    stub,
)


@pytest.fixture
def feed() -> ScriptedFeed:
    return ScriptedFeed()


@pytest.fixture
async def server(authority: Authority, feed: ScriptedFeed) -> AsyncIterator[Running]:
    async with running(authority, feed) as serving:
        yield serving


async def failure(call: Any) -> grpc.aio.AioRpcError:
    """Await a call, or read a stream to its end, that must fail."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await finished(call)
    return raised.value


async def finished(call: Any) -> None:
    if hasattr(call, "__aiter__"):
        async for _ in call:
            pass
    else:
        await call


def raising(error: BaseException) -> Any:
    async def handler(_request: Any, _context: Any) -> Any:
        raise error

    return handler


def watching(error: BaseException | None = None) -> Any:
    async def handler(_context: Any) -> AsyncIterator[pb.WatchEventsResponse]:
        yield pb.WatchEventsResponse()
        if error:
            raise error

    return handler


async def test_an_allowed_call_is_answered_and_its_caller_known(
    server: Running, feed: ScriptedFeed
) -> None:
    seen = []

    async def handler(_request: Any, _context: Any) -> pb.ListEventsResponse:
        seen.append(current_caller().identity)
        return pb.ListEventsResponse()

    feed.list_events = handler
    async with server.channel("operator") as channel:
        await stub(channel).ListEvents(REQUEST)
    async with server.channel(name="disposal") as channel:
        await stub(channel).ListEvents(REQUEST)
    assert seen == ["staff/1009", "service/disposal"]


@pytest.mark.parametrize("streaming", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize(
    ("role", "code", "reason"),
    [
        ("", grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED"),
        ("clerk", grpc.StatusCode.PERMISSION_DENIED, "ROLE_REQUIRED"),
    ],
)
async def test_who_may_not_call_reaches_no_handler(
    server: Running,
    feed: ScriptedFeed,
    streaming: bool,
    role: str,
    code: grpc.StatusCode,
    reason: str,
) -> None:
    async with server.channel(role) as channel:
        method = stub(channel).WatchEvents if streaming else stub(channel).ListEvents
        request = pb.WatchEventsRequest(feed="x") if streaming else REQUEST
        error = await failure(method(request))  # type: ignore[arg-type]
    assert (error.code(), reason_of(error)) == (code, reason)
    assert feed.calls == 0


async def test_permission_is_checked_before_validity_and_existence(
    server: Running, feed: ScriptedFeed
) -> None:
    feed.list_events = raising(UnknownFeed("none"))
    async with server.channel("clerk") as channel:
        invalid = await failure(stub(channel).ListEvents(pb.ListEventsRequest()))
        missing = await failure(stub(channel).ListEvents(pb.ListEventsRequest(feed="none")))
    assert reason_of(invalid) == reason_of(missing) == "ROLE_REQUIRED"
    assert invalid.details() == missing.details()


async def test_an_invalid_request_names_its_field_and_reaches_no_handler(
    server: Running, feed: ScriptedFeed
) -> None:
    async with server.channel("operator") as channel:
        error = await failure(stub(channel).ListEvents(pb.ListEventsRequest(page_size=-1)))
        stream = await failure(stub(channel).WatchEvents(pb.WatchEventsRequest()))
    bad = error_details_pb2.BadRequest()
    found = status_of(error)
    assert found is not None
    assert any(item.Unpack(bad) for item in found.details)
    assert [item.field for item in bad.field_violations] == ["feed", "page_size"]
    assert error.code() == stream.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert feed.calls == 0


@pytest.mark.parametrize("streaming", [False, True], ids=["unary", "stream"])
async def test_an_error_of_a_use_case_arrives_whole(
    server: Running, feed: ScriptedFeed, streaming: bool
) -> None:
    error: HeedError = StaleEtag("cases/x")
    feed.list_events, feed.watch = raising(error), watching(error)
    async with server.channel("operator") as channel:
        if streaming:
            received = await failure(stub(channel).WatchEvents(pb.WatchEventsRequest(feed="x")))
        else:
            received = await failure(stub(channel).ListEvents(REQUEST))
    assert received.code() == grpc.StatusCode.ABORTED
    assert (info_of(received).reason, info_of(received).domain) == ("STALE_ETAG", "heed")
    assert received.details() == error.message


@pytest.mark.parametrize("streaming", [False, True], ids=["unary", "stream"])
async def test_an_uncaught_exception_tells_the_client_nothing(
    server: Running, feed: ScriptedFeed, streaming: bool, caplog: pytest.LogCaptureFixture
) -> None:
    secret = RuntimeError("dsn=postgresql://heed:hunter2@db 张三")
    feed.list_events, feed.watch = raising(secret), watching(secret)
    async with server.channel("operator") as channel:
        with caplog.at_level(logging.ERROR, "heed"):
            if streaming:
                error = await failure(stub(channel).WatchEvents(pb.WatchEventsRequest(feed="x")))
            else:
                error = await failure(stub(channel).ListEvents(REQUEST))
    sent = f"{error.details()} {error.trailing_metadata()!r} {error.debug_error_string()}"
    assert (error.code(), error.details()) == (grpc.StatusCode.INTERNAL, "internal error")
    assert reason_of(error) == "INTERNAL"
    assert "hunter2" not in sent
    assert "RuntimeError" not in sent
    request_info = error_details_pb2.RequestInfo()
    found = status_of(error)
    assert found is not None
    assert any(item.Unpack(request_info) for item in found.details)
    assert len(request_info.request_id) == 32
    logged = [record for record in caplog.records if record.getMessage() == "rpc_failed"]
    assert len(logged) == 1
    assert logged[0].exc_info is not None
    assert logged[0].exc_info[1] is secret


async def test_a_client_that_gives_up_cancels_its_call(server: Running, feed: ScriptedFeed) -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def handler(_request: Any, _context: Any) -> pb.ListEventsResponse:
        started.set()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return pb.ListEventsResponse()

    feed.list_events = handler
    async with server.channel("operator") as channel:
        call = stub(channel).ListEvents(REQUEST)
        waiting = asyncio.ensure_future(call)
        await asyncio.wait_for(started.wait(), 2)
        waiting.cancel()
        await asyncio.wait_for(cancelled.wait(), 2)


async def test_the_handler_knows_the_clients_deadline(server: Running, feed: ScriptedFeed) -> None:
    seen = []

    async def handler(_request: Any, _context: Any) -> pb.ListEventsResponse:
        seen.append(deadline.remaining_s())
        return pb.ListEventsResponse()

    feed.list_events = handler
    async with server.channel("operator") as channel:
        await stub(channel).ListEvents(REQUEST, timeout=3)
    assert seen[0] is not None
    assert 2 < seen[0] < 3.2


async def test_a_call_without_a_deadline_gets_one(authority: Authority, feed: ScriptedFeed) -> None:
    async def handler(_request: Any, _context: Any) -> pb.ListEventsResponse:
        await asyncio.sleep(30)
        return pb.ListEventsResponse()

    feed.list_events = handler
    environ = {"HEED_DEFAULT_DEADLINE_S": "0.2"}
    async with running(authority, feed, environ=environ) as server, server.channel() as channel:
        bare = channel._inner  # type: ignore[attr-defined]
        token = [("authorization", f"Bearer {authority.demo_token('operator')}")]
        error = await failure(stub(bare).ListEvents(REQUEST, metadata=token))
    assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert reason_of(error) == "DEADLINE_TOO_SHORT"


async def test_a_full_server_says_when_to_come_back_and_stays_alive(
    authority: Authority, feed: ScriptedFeed
) -> None:
    release, busy = asyncio.Event(), asyncio.Event()

    async def handler(_request: Any, _context: Any) -> pb.ListEventsResponse:
        busy.set()
        await release.wait()
        return pb.ListEventsResponse()

    feed.list_events = handler
    environ = {"HEED_MAX_CONCURRENT_RPCS": "1"}
    async with (
        running(authority, feed, environ=environ) as server,
        server.channel("operator") as channel,
    ):
        first = asyncio.ensure_future(stub(channel).ListEvents(REQUEST))
        await asyncio.wait_for(busy.wait(), 2)
        second = await failure(stub(channel).GetFeedStatus(pb.GetFeedStatusRequest()))
        assert await health(channel) == SERVING
        release.set()
        await first
        await stub(channel).GetFeedStatus(pb.GetFeedStatusRequest())
    assert second.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert reason_of(second) == "RATE_LIMITED"


async def test_a_caller_that_calls_too_often_is_told_when_to_come_back_and_others_are_not_held_up(
    authority: Authority, feed: ScriptedFeed
) -> None:
    environ = {"HEED_CALLS_PER_SECOND": "1"}
    async with (
        running(authority, feed, environ=environ) as server,
        server.channel("operator") as channel,
        server.channel("peer") as other,
        server.channel(name="classifier") as service,
    ):
        await stub(channel).ListEvents(REQUEST)
        error = await failure(stub(channel).ListEvents(REQUEST))
        await stub(other).ListEvents(REQUEST)
        for _ in range(3):
            await stub(service).ListEvents(REQUEST)
        wait = error_details_pb2.RetryInfo()
        status = status_of(error)
        assert status is not None
        assert any(detail.Unpack(wait) for detail in status.details)
        # The window slides: what was refused counts no more once the wait is over.
        await asyncio.sleep(wait.retry_delay.ToTimedelta().total_seconds() + 1)
        await stub(channel).ListEvents(REQUEST)
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert reason_of(error) == "RATE_LIMITED"


async def test_an_unknown_method_is_unimplemented(server: Running) -> None:
    async with server.channel("operator") as channel:
        call: Any = channel.unary_unary("/heed.feed.v1.FeedService/NoSuch")
        call = call(b"")
        assert (await failure(call)).code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_method_without_a_rule_is_refused_to_everyone() -> None:
    rule = AccessRules([FEED_SERVICE]).rule("/heed.feed.v1.FeedService/NoSuch")
    assert (rule.roles, rule.public) == (frozenset(), False)


def test_paths_of_wrong_fields_are_those_of_the_contract() -> None:
    request = Observation(received_day="2026-01-01")
    request.recorded_at.GetCurrentTime()
    request.deltas.add(region_code="110101", category_code="01", measure=1, delta=1)
    request.deltas.add(region_code="x", category_code="01", delta=1)
    found = {item.field: item.description for item in violations(request, "requests[7]")}
    assert found == {
        "requests[7].deltas[1].region_code": "must have the form `^[1-9][0-9A-Z]{5}$`",
        "requests[7].deltas[1].measure": (
            "must be one of the named values, not the unspecified one"
        ),
    }


def test_times_that_no_clock_shows_and_texts_with_nul_are_named() -> None:
    request = Observation(received_day="2026-01-01")
    request.recorded_at.seconds = 253_402_300_800
    request.deltas.add(region_code="110101", category_code="0\0", measure=1, delta=1)
    fields = {item.field for item in violations(request, "requests[7]")}
    assert fields == {"requests[7].recorded_at", "requests[7].deltas[0].category_code"}
    waiting = pb.ListEventsRequest(feed="a")
    waiting.wait.nanos = -1
    assert "wait" in {item.field for item in violations(waiting)}


def test_a_valid_message_passes() -> None:
    validate(REQUEST)


async def test_not_found_in_and_out_of_region_look_alike(
    server: Running, feed: ScriptedFeed
) -> None:
    feed.list_events = raising(NotFound("petitions/x"))
    async with server.channel("operator") as channel:
        error = await failure(stub(channel).ListEvents(REQUEST))
    assert (error.code(), error.details()) == (
        grpc.StatusCode.NOT_FOUND,
        "petitions/x does not exist",
    )
