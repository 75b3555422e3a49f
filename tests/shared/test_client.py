import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from heed.classifier.v1 import classifier_service_pb2
from heed.disposal.v1 import disposal_service_pb2
from heed.feed.v1 import feed_service_pb2 as pb
from heed.intake.v1 import intake_service_pb2 as intake_pb
from heed.intake.v1.intake_service_pb2_grpc import IntakeServiceStub
from heed.warning.v1 import warning_service_pb2
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from heed_local.authority import Authority, make_authority
from heed_shared import telemetry
from heed_shared.errors import (
    Conflict,
    DeadlineTooShort,
    DependencyDown,
    HeedError,
    reason_name,
    reason_of,
)
from heed_shared.rpc import deadline
from heed_shared.rpc.client import open_channel
from heed_shared.rpc.service_config import repeatable_methods, service_config
from heed_shared.telemetry import Telemetry, span_from
from tests.shared.rpc_setup import (
    FEED_SERVICE,
    REQUEST,
    Running,
    ScriptedFeed,
    running,
    settings_for,
    stub,
)

INTAKE = intake_pb.DESCRIPTOR.services_by_name["IntakeService"]
SERVICES = [
    INTAKE,
    FEED_SERVICE,
    classifier_service_pb2.DESCRIPTOR.services_by_name["ClassifierService"],
    warning_service_pb2.DESCRIPTOR.services_by_name["WarningService"],
    disposal_service_pb2.DESCRIPTOR.services_by_name["DisposalService"],
]
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Seen:
    """What a server saw of each call."""

    def __init__(self) -> None:
        self.remaining: list[float | None] = []
        self.traceparents: list[str] = []
        self.error: HeedError | None = None

    def note(self, context: Any) -> None:
        self.remaining.append(context.time_remaining())
        metadata = dict(context.invocation_metadata())
        self.traceparents.append(metadata.get("traceparent", ""))
        if self.error:
            raise self.error

    async def list_events(self, _request: Any, context: Any) -> pb.ListEventsResponse:
        self.note(context)
        return pb.ListEventsResponse()

    async def watch(self, context: Any) -> AsyncIterator[pb.WatchEventsResponse]:
        self.note(context)
        yield pb.WatchEventsResponse()

    async def import_petitions(
        self, requests: AsyncIterator[Any], context: Any
    ) -> AsyncIterator[intake_pb.ImportPetitionsResponse]:
        self.note(context)
        async for _ in requests:
            yield intake_pb.ImportPetitionsResponse()


def add_import(servicer: Seen, server: grpc.aio.Server) -> None:
    """Registers the one method of the intake contract that streams both ways."""
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.import_petitions,
        intake_pb.ImportPetitionsRequest.FromString,
        intake_pb.ImportPetitionsResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(INTAKE.full_name, {"ImportPetitions": handler})]
    )


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
async def server(authority: Authority, seen: Seen) -> AsyncIterator[Running]:
    feed = ScriptedFeed()
    feed.list_events, feed.watch = seen.list_events, seen.watch
    async with running(authority, feed, extra=[(add_import, seen, INTAKE)]) as serving:
        yield serving


async def rows(count: int) -> AsyncIterator[intake_pb.ImportPetitionsRequest]:
    for _ in range(count):
        yield intake_pb.ImportPetitionsRequest()


async def test_a_call_without_a_deadline_is_sent_with_the_default(
    server: Running, seen: Seen
) -> None:
    async with server.channel("operator") as channel:
        await stub(channel).ListEvents(REQUEST)
        await stub(channel).ListEvents(REQUEST, timeout=3)
    assert seen.remaining[0] is not None
    assert seen.remaining[1] is not None
    # On the wire a timeout is rounded up a little.
    assert 9 < seen.remaining[0] < 10.2
    assert 2 < seen.remaining[1] < 3.2


async def test_an_onward_call_ends_before_the_call_it_serves(server: Running, seen: Seen) -> None:
    deadline.start(2)
    async with server.channel("operator") as channel:
        await stub(channel).ListEvents(REQUEST)
        await stub(channel).ListEvents(REQUEST, timeout=1)
        async for _ in stub(channel).WatchEvents(pb.WatchEventsRequest(feed="x")):
            pass
    inherited, own, streamed = seen.remaining
    assert inherited is not None
    assert own is not None
    assert streamed is not None
    assert 1.1 < inherited < 2
    assert own < 1.1
    assert 1.1 < streamed < 2


async def test_an_onward_call_without_time_is_not_made(server: Running, seen: Seen) -> None:
    deadline.start(0.01)
    async with server.channel("operator") as channel:
        with pytest.raises(DeadlineTooShort):
            stub(channel).ListEvents(REQUEST)
    assert seen.remaining == []


async def test_work_that_outlives_its_call_forgets_the_deadline() -> None:
    deadline.start(0.01)

    async def outliving() -> float | None:
        deadline.detach()
        return deadline.remaining_s()

    assert await asyncio.create_task(outliving()) is None
    assert deadline.remaining_s() is not None
    with pytest.raises(DeadlineTooShort):
        deadline.require_s(1)


async def test_a_stream_has_no_deadline_of_its_own(server: Running, seen: Seen) -> None:
    async with server.channel("operator") as channel:
        async for _ in stub(channel).WatchEvents(pb.WatchEventsRequest(feed="x")):
            pass
    assert seen.remaining == [None]


async def test_every_kind_of_call_carries_the_trace(server: Running, seen: Seen) -> None:
    with span_from(TRACEPARENT, "feed.pull"):
        sent = telemetry.current_traceparent()
        async with server.channel("operator") as channel:
            await stub(channel).ListEvents(REQUEST)
            async for _ in stub(channel).WatchEvents(pb.WatchEventsRequest(feed="x")):
                pass
        async with server.channel("clerk") as channel:
            answers = [
                answer async for answer in IntakeServiceStub(channel).ImportPetitions(rows(3))
            ]
    assert len(answers) == 3
    assert seen.traceparents == [sent] * 3
    assert sent[3:35] == TRACEPARENT[3:35]


async def test_unavailable_is_retried_and_other_errors_are_not(server: Running, seen: Seen) -> None:
    async with server.channel("operator") as channel:
        for error, attempts in ((DependencyDown("database"), 4), (Conflict(), 1)):
            seen.error = error
            seen.remaining.clear()
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await stub(channel).ListEvents(REQUEST)
            assert reason_of(raised.value) == reason_name(error.reason)
            assert len(seen.remaining) == attempts


async def test_without_a_contract_nothing_is_retried(
    server: Running, seen: Seen, authority: Authority
) -> None:
    seen.error = DependencyDown("database")
    settings = settings_for(authority)
    async with open_channel(server.target, settings, []) as channel:
        with pytest.raises(grpc.aio.AioRpcError):
            await stub(channel).ListEvents(REQUEST)
    assert len(seen.remaining) == 1


def test_only_what_the_contract_calls_repeatable_is_retried() -> None:
    for service in SERVICES:
        for method in service.methods:
            level = method.GetOptions().idempotency_level
            assert (method in list(repeatable_methods([service]))) == (level in (1, 2))
    names = {method.name for method in repeatable_methods(SERVICES)}
    assert "RegisterPetition" in names
    assert "ImportPetitions" not in names


def test_the_service_config_sets_no_timeout() -> None:
    config = json.loads(service_config(SERVICES))
    assert "timeout" not in json.dumps(config)
    assert config["methodConfig"][0]["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE"]
    assert config["loadBalancingConfig"] == [{"round_robin": {}}]


async def test_a_server_of_another_authority_is_not_trusted(
    server: Running, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = make_authority(tmp_path_factory.mktemp("other"))
    async with open_channel(server.target, settings_for(other), []) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub(channel).ListEvents(REQUEST)
    assert raised.value.code() == grpc.StatusCode.UNAVAILABLE


async def test_calls_are_measured_with_their_outcome(server: Running, seen: Seen) -> None:
    reader = InMemoryMetricReader()
    before = telemetry.current()
    telemetry.install(Telemetry("test", 0.0, metric_reader=reader))
    try:
        async with server.channel("operator") as channel:
            await stub(channel).ListEvents(REQUEST)
            seen.error = Conflict()
            with pytest.raises(grpc.aio.AioRpcError):
                await stub(channel).ListEvents(REQUEST)
            async for _ in stub(channel).GetFeedSnapshot(pb.GetFeedSnapshotRequest(feed="x")):
                pass
    finally:
        telemetry.install(before)
    data: Any = reader.get_metrics_data()
    points = data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points
    outcomes = {
        (point.attributes["rpc.method"], point.attributes["rpc.grpc.status_code"]): point.count
        for point in points
    }
    assert outcomes == {("ListEvents", 0): 1, ("ListEvents", 10): 1, ("GetFeedSnapshot", 0): 1}
