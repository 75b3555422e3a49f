import asyncio
import json
import signal
import ssl
import sys
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from heed.feed.v1 import feed_service_pb2 as pb
from heed.feed.v1.replay_service_pb2 import AdvanceClockRequest
from heed.feed.v1.replay_service_pb2_grpc import ReplayServiceStub

from heed_local.authority import Authority, make_authority
from heed_local.collector import Collector
from heed_shared import telemetry
from heed_shared.clock import ReplayClock, local_day
from heed_shared.errors import reason_of
from heed_shared.rpc import background as background_work
from heed_shared.rpc.client import open_channel_for
from heed_shared.rpc.stopping import current_stopping
from tests.shared.rpc_setup import (
    NOON,
    NOT_SERVING,
    REQUEST,
    SERVING,
    Running,
    ScriptedFeed,
    health,
    running,
    stub,
)

READINESS = "heed.feed.v1.FeedService"
REPLAY = {"HEED_CLOCK": "replay", "HEED_REPLAY_START": NOON.isoformat()}
REPOSITORY = Path(__file__).parents[2]


class Dependency:
    """A database that can be switched off, or made to hang."""

    def __init__(self) -> None:
        self.up = True
        self.delay_s = 0.0

    async def check(self) -> None:
        await asyncio.sleep(self.delay_s)
        if not self.up:
            raise ConnectionRefusedError


async def becomes(channel: grpc.aio.Channel, status: int) -> None:
    async with asyncio.timeout(5):
        while await health(channel, READINESS) != status:  # noqa: ASYNC110 - asks over the network
            await asyncio.sleep(0.05)


async def test_readiness_follows_its_dependency_both_ways_and_liveness_does_not(
    authority: Authority,
) -> None:
    database = Dependency()
    async with (
        running(authority, readiness=[database.check]) as server,
        server.channel() as channel,
    ):
        assert await health(channel, READINESS) == SERVING
        database.up = False
        await becomes(channel, NOT_SERVING)
        assert await health(channel) == SERVING
        database.up = True
        await becomes(channel, SERVING)


async def test_a_dependency_that_hangs_is_not_ready(authority: Authority) -> None:
    database = Dependency()
    async with (
        running(authority, readiness=[database.check]) as server,
        server.channel() as channel,
    ):
        database.delay_s = 10
        await becomes(channel, NOT_SERVING)


async def test_a_watch_of_health_sees_each_change_and_the_end(authority: Authority) -> None:
    database = Dependency()
    async with (
        running(authority, readiness=[database.check]) as server,
        server.channel() as channel,
    ):
        watch = health_pb2_grpc.HealthStub(channel).Watch(
            health_pb2.HealthCheckRequest(service=READINESS)
        )
        seen = [(await watch.read()).status]
        database.up = False
        seen.append((await watch.read()).status)
        database.up = True
        seen.append((await watch.read()).status)
        server.stop.set()
        seen.append((await watch.read()).status)
        assert await watch.read() == grpc.aio.EOF
        assert await watch.code() == grpc.StatusCode.OK
    assert seen == [SERVING, NOT_SERVING, SERVING, NOT_SERVING]


async def test_health_of_an_unknown_service_is_not_found(authority: Authority) -> None:
    async with running(authority) as server, server.channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await health(channel, "heed.none.v1.None")
        listed = await health_pb2_grpc.HealthStub(channel).List(health_pb2.HealthListRequest())
    assert raised.value.code() == grpc.StatusCode.NOT_FOUND
    assert {"", READINESS} <= set(listed.statuses)


async def test_a_client_without_a_certificate_gets_no_connection(authority: Authority) -> None:
    async with running(authority) as server:
        credentials = grpc.ssl_channel_credentials(authority.ca.read_bytes())
        async with grpc.aio.secure_channel(server.target, credentials) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await health(channel)
    assert raised.value.code() == grpc.StatusCode.UNAVAILABLE


async def test_one_line_tells_where_the_service_serves(
    authority: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(authority) as server:
        line = json.loads(capsys.readouterr().out)
        assert line == {"event": "serving", "service": "intake", "port": server.service.port}
        assert server.service.port > 0


async def test_nothing_is_announced_before_the_service_is_ready(
    authority: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    database = Dependency()
    database.up = False
    starting = running(authority, readiness=[database.check])
    entering = asyncio.create_task(starting.__aenter__())
    await asyncio.sleep(0.3)
    assert capsys.readouterr().out == ""
    database.up = True
    await entering
    assert "serving" in capsys.readouterr().out
    await starting.__aexit__(None, None, None)


async def test_a_port_in_use_stops_the_start(authority: Authority) -> None:
    async with running(authority) as server:
        with pytest.raises(RuntimeError, match="bind"):
            async with running(authority, environ={"HEED_LISTEN": server.target}):
                pass


async def test_an_open_stream_ends_when_the_server_stops(authority: Authority) -> None:
    feed = ScriptedFeed()

    async def watch(_context: Any) -> AsyncIterator[pb.WatchEventsResponse]:
        yield pb.WatchEventsResponse()
        await current_stopping().wait()

    feed.watch = watch
    async with running(authority, feed) as server, server.channel("operator") as channel:
        stream = stub(channel).WatchEvents(pb.WatchEventsRequest(feed="x"))
        await stream.read()
        started_at = time.monotonic()
        server.stop.set()
        await server.task
        assert time.monotonic() - started_at < 1
        assert await stream.code() == grpc.StatusCode.OK


async def test_a_message_beyond_the_limit_is_refused(authority: Authority) -> None:
    feed = ScriptedFeed()
    async with running(authority, feed) as server, server.channel("operator") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub(channel).ListEvents(pb.ListEventsRequest(feed="x" * 17 * 1024 * 1024))
    assert raised.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert feed.calls == 0


async def served_certificate(server: Running) -> bytes:
    """The certificate that the server shows on a new connection."""
    tls = server.tls()
    context = ssl.create_default_context(cafile=str(tls.ca))
    context.load_cert_chain(tls.cert, tls.key)
    context.set_alpn_protocols(["h2"])
    reader, writer = await asyncio.open_connection("127.0.0.1", server.service.port, ssl=context)
    shown: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    del reader
    return shown


async def test_a_renewed_certificate_serves_the_next_connection(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    own = make_authority(tmp_path_factory.mktemp("own"))
    async with running(own) as server, server.channel("operator") as channel:
        await stub(channel).ListEvents(REQUEST)
        before = await served_certificate(server)
        assert await served_certificate(server) == before
        (own.directory / "intake.pem").unlink()
        assert await served_certificate(server) == before  # what is gone leaves the old in force
        make_authority(own.directory)
        assert await served_certificate(server) != before
        await stub(channel).ListEvents(REQUEST)


async def test_calls_are_still_served_while_endpoints_drop_out(authority: Authority) -> None:
    async with (
        running(authority, environ={"HEED_DRAIN_DELAY_S": "0.5"}) as server,
        server.channel("operator") as channel,
    ):
        server.stop.set()
        await becomes(channel, NOT_SERVING)
        await stub(channel).ListEvents(REQUEST)


async def test_a_stream_that_does_not_listen_is_cut_after_the_grace(authority: Authority) -> None:
    feed = ScriptedFeed()

    async def deaf(_context: Any) -> AsyncIterator[pb.WatchEventsResponse]:
        yield pb.WatchEventsResponse()
        await asyncio.sleep(60)

    feed.watch = deaf
    async with (
        running(authority, feed, environ={"HEED_SHUTDOWN_GRACE_S": "0.3"}) as server,
        server.channel("operator") as channel,
    ):
        stream = stub(channel).WatchEvents(pb.WatchEventsRequest(feed="x"))
        await stream.read()
        server.stop.set()
        await asyncio.wait_for(server.task, 2)
        assert await stream.code() != grpc.StatusCode.OK


async def test_the_span_of_a_call_that_ends_while_stopping_is_exported(
    authority: Authority,
) -> None:
    feed = ScriptedFeed()
    busy = asyncio.Semaphore(0)

    async def slow(_request: Any, _context: Any) -> pb.ListEventsResponse:
        busy.release()
        await asyncio.sleep(0.3)
        return pb.ListEventsResponse()

    feed.list_events = slow
    collector = Collector()
    environ = {"HEED_OTLP_ENDPOINT": await collector.start(), "HEED_TRACE_RATIO": "1"}
    before = telemetry.current()
    async with (
        running(authority, feed, environ=environ) as server,
        server.channel("operator") as channel,
    ):
        calls = [asyncio.ensure_future(stub(channel).ListEvents(REQUEST)) for _ in range(20)]
        for _ in calls:  # A call that has not arrived yet would be refused.
            await asyncio.wait_for(busy.acquire(), 10)
        server.stop.set()
        await asyncio.gather(*calls)
    telemetry.install(before)
    await collector.stop()
    assert len(collector._traces) == 20


@pytest.fixture
async def process(authority: Authority) -> AsyncIterator[asyncio.subprocess.Process]:
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.shared.serve_slowly",
        str(authority.directory),
        "1",
        cwd=REPOSITORY,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    yield started
    if started.returncode is None:
        started.kill()
        await started.wait()


async def test_sigterm_lets_a_call_in_progress_finish(
    authority: Authority, process: asyncio.subprocess.Process
) -> None:
    assert process.stdout is not None
    line = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
    async with running(authority) as helper:
        tls = helper.tls()
    token = authority.demo_token("operator")
    async with open_channel_for(tls, f"127.0.0.1:{line['port']}", token) as channel:
        call = asyncio.ensure_future(stub(channel).ListEvents(REQUEST))
        assert await process.stdout.readline() == b"call started\n"
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(call, 5) == pb.ListEventsResponse()
    out, logged = await asyncio.wait_for(process.communicate(), 5)
    assert process.returncode == 0
    assert out.split(b"\n")[:3] == [b"call ended", b"worker ended", b"served"]
    events = [json.loads(entry)["event"] for entry in logged.decode().splitlines()]
    assert events[-2:] == ["stopping", "stopped"]


class Failing:
    """Background work that fails the first times."""

    name = "failing"

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.runs = 0
        self.ended = False
        self.settled = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        self.runs += 1
        if self.runs <= self.failures:
            raise ValueError
        self.settled.set()
        await stop.wait()
        self.ended = True


async def test_background_work_that_fails_is_started_again(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background_work, "RESTART_DELAYS_S", (0.01,))
    work = Failing(2)
    async with running(authority, background=[work]):
        await asyncio.wait_for(work.settled.wait(), 2)
    assert (work.runs, work.ended) == (3, True)


class Stubborn:
    """Background work that does not listen."""

    cancelled = False

    async def run(self, _stop: asyncio.Event) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            self.cancelled = True


async def test_background_work_that_does_not_end_is_cancelled(authority: Authority) -> None:
    work = Stubborn()
    async with running(authority, background=[work], environ={"HEED_SHUTDOWN_GRACE_S": "0.1"}):
        await asyncio.sleep(0.05)
    assert work.cancelled


def at(moment: Any) -> AdvanceClockRequest:
    to = Timestamp()
    to.FromDatetime(moment)
    return AdvanceClockRequest(to=to)


async def test_advancing_the_clock_lets_the_service_catch_up_first(authority: Authority) -> None:
    clock = ReplayClock(NOON)
    caught_up = []

    async def catch_up(now: Any) -> None:
        await asyncio.sleep(0.01)
        caught_up.append(local_day(now))

    async with (
        running(authority, clock=clock, environ=REPLAY, on_advance=[catch_up]) as server,
        server.channel("operator") as channel,
    ):
        to = NOON + timedelta(days=2)
        response = await ReplayServiceStub(channel).AdvanceClock(at(to))
        assert caught_up == [local_day(to)]
        assert response.now.ToDatetime() == to.replace(tzinfo=None)
        with pytest.raises(grpc.aio.AioRpcError) as backwards:
            await ReplayServiceStub(channel).AdvanceClock(at(NOON))
    assert reason_of(backwards.value) == "CLOCK_BACKWARDS"
    assert clock.now() == to


async def test_only_an_operator_advances_the_clock(authority: Authority) -> None:
    clock = ReplayClock(NOON)
    async with (
        running(authority, clock=clock, environ=REPLAY) as server,
        server.channel("leader") as channel,
    ):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await ReplayServiceStub(channel).AdvanceClock(at(NOON))
    assert reason_of(raised.value) == "ROLE_REQUIRED"


async def test_the_system_clock_cannot_be_advanced(authority: Authority) -> None:
    async with running(authority) as server, server.channel("operator") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await ReplayServiceStub(channel).AdvanceClock(at(NOON))
    assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED
    async with (
        running(authority, environ=REPLAY) as server,
        server.channel("operator") as channel,
    ):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await ReplayServiceStub(channel).AdvanceClock(at(NOON))
    assert reason_of(raised.value) == "NOT_IN_REPLAY"


async def reflected(channel: grpc.aio.Channel) -> set[str]:
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    answers = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([asked]))
    async for answer in answers:
        return {service.name for service in answer.list_services_response.service}
    return set()


async def test_reflection_is_for_operators(authority: Authority) -> None:
    async with running(authority) as server:
        async with server.channel("operator") as channel:
            assert READINESS in await reflected(channel)
        async with server.channel("clerk") as channel:
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await reflected(channel)
    assert reason_of(raised.value) == "ROLE_REQUIRED"


async def test_reflection_is_open_in_development(authority: Authority) -> None:
    async with (
        running(authority, environ={"HEED_DEVELOPMENT": "1"}) as server,
        server.channel() as channel,
    ):
        assert READINESS in await reflected(channel)
