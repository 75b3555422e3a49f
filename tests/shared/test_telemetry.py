import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import pytest
from heed.feed.v1 import feed_service_pb2 as pb
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from heed_local.authority import Authority
from heed_local.collector import Collector, ReceivedSpan
from heed_shared import logs, telemetry, telemetry_schema
from heed_shared.errors import DependencyDown, HeedError, StaleEtag
from heed_shared.logs import Event, JsonFormatter
from heed_shared.telemetry import Telemetry, current_traceparent, parse_traceparent
from heed_shared.telemetry_schema import UndeclaredNameError
from tests.shared.rpc_setup import REQUEST, ScriptedFeed, running, settings_for, stub

TRACE = "0af7651916cd43dd8448eb211c80319c"
SAMPLED = f"00-{TRACE}-b7ad6b7169203331-01"
UNSAMPLED = f"00-{TRACE}-b7ad6b7169203331-00"


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    receiver = Collector()
    await receiver.start()
    yield receiver
    await receiver.stop()


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    before = telemetry.current()
    telemetry.install(Telemetry("test", 1.0, SimpleSpanProcessor(exporter)))
    yield exporter
    telemetry.install(before)


@pytest.fixture
def metrics() -> Iterator[InMemoryMetricReader]:
    reader = InMemoryMetricReader()
    before = telemetry.current()
    telemetry.install(Telemetry("test", 0.0, metric_reader=reader))
    yield reader
    telemetry.install(before)


def points(reader: InMemoryMetricReader) -> dict[str, list[Any]]:
    data: Any = reader.get_metrics_data()
    scopes = [scope for found in data.resource_metrics for scope in found.scope_metrics]
    return {metric.name: metric.data.data_points for scope in scopes for metric in scope.metrics}


async def test_spans_reach_a_collector_and_join_the_callers_trace(
    authority: Authority, collector: Collector
) -> None:
    feed = ScriptedFeed()

    async def handler(_request: Any, _context: Any) -> pb.ListEventsResponse:
        with telemetry.span("feed.pull", feed="intake.petitions"):
            return pb.ListEventsResponse()

    feed.list_events = handler
    before = telemetry.current()
    environ = {"HEED_OTLP_ENDPOINT": collector.endpoint, "HEED_TRACE_RATIO": "0"}
    async with (
        running(authority, feed, environ=environ) as server,
        server.channel("operator") as channel,
    ):
        with telemetry.span_from(SAMPLED, "feed.apply"):
            pass
        traced = [("traceparent", SAMPLED)]
        await stub(channel).ListEvents(REQUEST, metadata=traced)
        await stub(channel).ListEvents(REQUEST)  # a trace of its own, which is not sampled
    telemetry.install(before)
    received = {span.name: span for span in received_spans(collector)}
    served = received["heed.feed.v1.FeedService/ListEvents"]
    assert served.service == "intake"
    assert served.parent_id == "b7ad6b7169203331"
    assert received["feed.pull"].parent_id == served.span_id
    assert len(received) == 3


def received_spans(collector: Collector) -> list[ReceivedSpan]:
    assert list(collector._traces) == [TRACE]
    return list(collector._traces[TRACE].values())


async def test_the_share_of_new_traces_is_sampled(
    authority: Authority, collector: Collector
) -> None:
    before = telemetry.current()
    environ = {"HEED_OTLP_ENDPOINT": collector.endpoint, "HEED_TRACE_RATIO": "1"}
    async with (
        running(authority, environ=environ) as server,
        server.channel("operator") as channel,
    ):
        await stub(channel).ListEvents(REQUEST)
        await stub(channel).ListEvents(REQUEST, metadata=[("traceparent", UNSAMPLED)])
    telemetry.install(before)
    assert len(collector._traces) == 1
    assert TRACE not in collector._traces


@pytest.mark.parametrize(
    ("error", "code", "failed"),
    [
        (None, grpc.StatusCode.OK, False),
        # An answer, not a fault of the server.
        (StaleEtag("cases/x"), grpc.StatusCode.ABORTED, False),
        (DependencyDown("database"), grpc.StatusCode.UNAVAILABLE, True),
        (RuntimeError("张三"), grpc.StatusCode.INTERNAL, True),
    ],
    ids=["ok", "aborted", "unavailable", "internal"],
)
async def test_only_faults_of_the_server_make_an_error_span(
    authority: Authority,
    error: HeedError | RuntimeError | None,
    code: grpc.StatusCode,
    failed: bool,
) -> None:
    exporter = InMemorySpanExporter()
    feed = ScriptedFeed()

    async def handler(_request: Any, _context: Any) -> pb.ListEventsResponse:
        if error:
            raise error
        return pb.ListEventsResponse()

    feed.list_events = handler
    mine = Telemetry("intake", 1.0, SimpleSpanProcessor(exporter))
    async with (
        running(authority, feed, telemetry=mine) as server,
        server.channel("operator") as channel,
    ):
        call = stub(channel).ListEvents(REQUEST)
        assert await call.code() == code
    served = exporter.get_finished_spans()[-1]
    assert served.name == "heed.feed.v1.FeedService/ListEvents"
    assert (not served.status.is_ok) == failed
    attributes = dict(served.attributes or {})
    assert attributes["rpc.grpc.status_code"] == code.value[0]
    assert "张三" not in served.to_json()


async def test_a_call_that_came_too_late_is_an_error_span(authority: Authority) -> None:
    exporter = InMemorySpanExporter()
    feed = ScriptedFeed()
    ended = asyncio.Event()

    async def handler(_request: Any, _context: Any) -> pb.ListEventsResponse:
        try:
            await asyncio.sleep(30)
        finally:
            ended.set()
        return pb.ListEventsResponse()

    feed.list_events = handler
    mine = Telemetry("intake", 1.0, SimpleSpanProcessor(exporter))
    async with (
        running(authority, feed, telemetry=mine) as server,
        server.channel("operator") as channel,
    ):
        call = stub(channel).ListEvents(REQUEST, timeout=0.1)
        assert await call.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        await asyncio.wait_for(ended.wait(), 2)
    served = exporter.get_finished_spans()[-1]
    assert not served.status.is_ok
    assert served.status.description == "DEADLINE_EXCEEDED"


def test_a_trace_goes_through_the_envelope_of_an_event(spans: InMemorySpanExporter) -> None:
    with telemetry.span_from(SAMPLED, "feed.apply", feed="intake.petitions"):
        stored = current_traceparent()
    with telemetry.span_from(stored, "disposal.open_case"):
        pass
    cause, effect = spans.get_finished_spans()
    assert effect.parent is not None
    assert cause.context is not None
    assert effect.context is not None
    assert effect.parent.span_id == cause.context.span_id
    assert f"{effect.context.trace_id:032x}" == TRACE
    assert dict(cause.attributes or {}) == {"heed.feed": "intake.petitions"}


def test_an_error_is_recorded_by_its_class_alone(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="张三"), telemetry.span("feed.apply"):
        raise ValueError("张三")
    (span,) = spans.get_finished_spans()
    assert span.status.description == "ValueError"
    assert "张三" not in span.to_json()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00-" + "0" * 32 + "-b7ad6b7169203331-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"01-{TRACE}-b7ad6b7169203331-01x",
        "x" * 55,
    ],
)
def test_what_is_no_traceparent_starts_a_new_trace(text: str) -> None:
    assert parse_traceparent(text) is None
    started = Telemetry("test", 0.0).start_server_span("x/Y", text)
    assert started.get_span_context().is_valid


def test_undeclared_names_are_refused(metrics: InMemoryMetricReader) -> None:
    with pytest.raises(UndeclaredNameError):
        telemetry.record("heed.person.visits", 1)
    with pytest.raises(UndeclaredNameError):
        telemetry.observe("heed.person.visits", list)
    with pytest.raises(UndeclaredNameError), telemetry.span("person.visit"):
        pass
    with pytest.raises(UndeclaredNameError):
        telemetry.record("rpc.server.in_flight", 1)


def test_undeclared_names_are_refused_while_nobody_listens() -> None:
    with pytest.raises(UndeclaredNameError):
        Telemetry("test", 0.0).record("heed.person.visits", 1, {})


def test_each_kind_of_metric_is_recorded(metrics: InMemoryMetricReader) -> None:
    telemetry.record("heed.feed.applied", 2, feed="x")
    telemetry.record("heed.feed.applied", 3, feed="x")
    telemetry.record("heed.feed.lag", 7, feed="x")
    telemetry.record("heed.feed.lag", 5, feed="x")
    telemetry.record("heed.daily_job.duration", 0.2, job="x")
    telemetry.observe("rpc.server.in_flight", lambda: [(4, {"feed": "x"})])
    found = points(metrics)
    assert found["heed.feed.applied"][0].value == 5
    assert found["heed.feed.lag"][0].value == 5
    assert found["heed.daily_job.duration"][0].explicit_bounds == telemetry_schema.DELAY_BUCKETS_S
    assert found["rpc.server.in_flight"][0].value == 4


async def test_served_calls_are_measured(authority: Authority) -> None:
    reader = InMemoryMetricReader()
    mine = Telemetry("intake", 0.0, metric_reader=reader)
    async with (
        running(authority, telemetry=mine) as server,
        server.channel("operator") as channel,
    ):
        await stub(channel).ListEvents(REQUEST)
        async for _ in stub(channel).GetFeedSnapshot(pb.GetFeedSnapshotRequest(feed="x")):
            pass
        with pytest.raises(grpc.aio.AioRpcError):
            await stub(channel).ListEvents(pb.ListEventsRequest())
        found = points(reader)
    durations = {
        (point.attributes["rpc.method"], point.attributes["rpc.grpc.status_code"]): point.count
        for point in found["rpc.server.duration"]
    }
    assert durations == {("ListEvents", 0): 1, ("ListEvents", 3): 1, ("GetFeedSnapshot", 0): 1}
    assert {point.value for point in found["rpc.server.in_flight"]} == {0}


def test_every_declared_name_is_in_the_suites_namespace() -> None:
    for name, metric in telemetry_schema.METRICS.items():
        assert name.startswith(("heed.", "rpc."))
        assert metric.unit
        assert metric.description
        assert (metric.kind == "histogram") == bool(metric.buckets)


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter("intake", development=False))
    logger = logging.getLogger("heed")
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    yield stream
    logger.removeHandler(handler)
    logger.setLevel(level)


def test_a_log_line_is_json_with_its_trace(
    logged: io.StringIO, spans: InMemorySpanExporter
) -> None:
    with telemetry.span_from(SAMPLED, "feed.apply"):
        logs.info(Event.FEED_RETENTION_DONE, dropped=3)
    line = json.loads(logged.getvalue())
    assert line["event"] == "feed_retention_done"
    assert (line["trace_id"], line["dropped"], line["level"]) == (TRACE, 3, "info")
    assert line["service.name"] == "intake"


def test_a_logged_exception_shows_class_and_stack_and_no_text(logged: io.StringIO) -> None:
    try:
        raise ValueError("张三 13800000000")
    except ValueError as error:
        logs.failure(Event.RPC_FAILED, error)
    line = json.loads(logged.getvalue())
    assert line["error"] == "builtins.ValueError"
    assert "test_telemetry.py" in line["stack"][-1]
    assert "张三" not in logged.getvalue()


def test_of_other_libraries_messages_only_the_first_line_is_logged() -> None:
    quoting = "Task exception was never retrieved\nfuture: <Task exception=DataError('张三')>"
    record = logging.LogRecord("asyncio", logging.ERROR, "x.py", 1, quoting, None, None)
    line = json.loads(JsonFormatter("intake", development=False).format(record))
    assert line["event"] == "Task exception was never retrieved"


def test_settings_for_telemetry_without_a_collector_export_nothing(authority: Authority) -> None:
    before = telemetry.current()
    made = telemetry.setup_telemetry("intake", settings_for(authority))
    assert telemetry.current() is made
    assert not made.start_server_span("x/Y", "").is_recording()
    telemetry.install(before)
