"""The collector puts spans of several services together into one tree."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from heed_local.collector import Collector, render

TRACE = "ab" * 16
MS = 1_000_000


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    made = Collector(max_spans=10)
    await made.start()
    yield made
    await made.stop()


def span(
    number: int, parent: int, name: str, start_ms: int, end_ms: int, *, trace: str = TRACE
) -> trace_pb2.Span:
    return trace_pb2.Span(
        trace_id=bytes.fromhex(trace),
        span_id=number.to_bytes(8, "big"),
        parent_span_id=parent.to_bytes(8, "big") if parent else b"",
        name=name,
        start_time_unix_nano=start_ms * MS,
        end_time_unix_nano=end_ms * MS,
    )


async def export(collector: Collector, service: str, *spans: trace_pb2.Span) -> None:
    name = common_pb2.KeyValue(key="service.name", value=common_pb2.AnyValue(string_value=service))
    request = trace_service_pb2.ExportTraceServiceRequest(
        resource_spans=[
            trace_pb2.ResourceSpans(
                resource=resource_pb2.Resource(attributes=[name]),
                scope_spans=[trace_pb2.ScopeSpans(spans=spans)],
            )
        ]
    )
    async with grpc.aio.insecure_channel(collector.endpoint.removeprefix("http://")) as channel:
        await trace_service_pb2_grpc.TraceServiceStub(channel).Export(request)  # type: ignore[no-untyped-call]


async def test_a_trace_is_a_tree_over_services_in_order_of_time(collector: Collector) -> None:
    await export(collector, "classifier", span(3, 1, "feed.apply", 20, 25))
    await export(
        collector, "intake", span(1, 9, "Register", 0, 10), span(2, 1, "intake.wave", 2, 8)
    )
    shown = [line.split() for line in render(collector.tree(TRACE)).splitlines()]
    assert [line[:3] for line in shown] == [
        ["intake", "Register", "10.0"],
        ["intake", "intake.wave", "6.0"],
        ["classifier", "feed.apply", "5.0"],
    ]
    lines = render(collector.tree(TRACE)).splitlines()
    assert [len(line) - len(line.lstrip()) for line in lines] == [0, 2, 2]


async def test_a_span_that_comes_twice_is_shown_once(collector: Collector) -> None:
    for _ in range(2):
        await export(collector, "intake", span(1, 0, "Register", 0, 10))
    assert len(collector.tree(TRACE)) == 1


async def test_the_oldest_trace_makes_room(collector: Collector) -> None:
    await export(collector, "intake", span(1, 0, "old", 0, 1, trace="cd" * 16))
    await export(collector, "intake", *(span(n, 0, "new", 0, 1) for n in range(2, 12)))
    assert collector.tree("cd" * 16) == []
    assert len(collector.tree(TRACE)) == 10


async def test_settled_waits_for_spans_that_are_still_on_their_way(collector: Collector) -> None:
    await export(collector, "intake", span(1, 0, "Register", 0, 10))
    roots = await collector.settled(TRACE)
    assert [root.span.name for root in roots] == ["Register"]


async def test_an_unknown_trace_is_empty_after_the_limit(collector: Collector) -> None:
    assert await collector.settled("ef" * 16, limit_s=0.2) == []
    assert render([]) == ""
