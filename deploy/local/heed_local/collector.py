"""A small OpenTelemetry collector: receives spans by OTLP/gRPC and shows one trace as a tree.

It keeps the newest traces in memory and drops the oldest beyond a bound. Metrics are taken and
discarded, so that the services' exporters have somebody to talk to.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

import grpc
from opentelemetry.proto.collector.metrics.v1 import (
    metrics_service_pb2,
    metrics_service_pb2_grpc,
)
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1 import trace_pb2

_MAX_SPANS: Final = 100_000
_QUIET_S: Final = 1.6  # Exporters send once a second: after this long nothing more is coming.
_LOOK_AGAIN_S: Final = 0.05
# The generated functions carry no types.
_REGISTRATIONS: Final[tuple[Callable[[object, grpc.aio.Server], None], ...]] = (
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server,
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server,
)


@dataclass(frozen=True)
class ReceivedSpan:
    """One span as it came in; times are nanoseconds since the epoch."""

    span_id: str
    parent_id: str
    service: str
    name: str
    start_ns: int
    end_ns: int
    failed: bool

    @property
    def duration_ms(self) -> float:
        """How long it took."""
        return (self.end_ns - self.start_ns) / 1e6


@dataclass(frozen=True)
class SpanNode:
    """A span and what happened below it, in order of start."""

    span: ReceivedSpan
    children: list[SpanNode] = field(default_factory=list)

    def walk(self, depth: int = 0) -> Iterable[tuple[int, ReceivedSpan]]:
        """Yield the span and everything below it with its depth."""
        yield depth, self.span
        for child in self.children:
            yield from child.walk(depth + 1)


class Collector(
    trace_service_pb2_grpc.TraceServiceServicer, metrics_service_pb2_grpc.MetricsServiceServicer
):
    """Receives on a loopback port of its own between `start` and `stop`."""

    def __init__(self, max_spans: int = _MAX_SPANS) -> None:
        self._max_spans = max_spans
        self._traces: OrderedDict[str, dict[str, ReceivedSpan]] = OrderedDict()
        self._held = 0
        self._server: grpc.aio.Server | None = None
        self.endpoint = ""

    async def start(self) -> str:
        """Serve and return the endpoint to give to exporters."""
        self._server = grpc.aio.server()
        for add in _REGISTRATIONS:
            add(self, self._server)
        port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        self.endpoint = f"http://127.0.0.1:{port}"
        return self.endpoint

    async def stop(self) -> None:
        """Stop serving; what was received stays readable."""
        if self._server is not None:
            await self._server.stop(grace=1)
            self._server = None

    async def Export(  # noqa: N802 - the name is the contract's, the same in both services
        self,
        request: trace_service_pb2.ExportTraceServiceRequest
        | metrics_service_pb2.ExportMetricsServiceRequest,
        context: grpc.aio.ServicerContext,  # type: ignore[type-arg]  # noqa: ARG002
    ) -> (
        trace_service_pb2.ExportTraceServiceResponse
        | metrics_service_pb2.ExportMetricsServiceResponse
    ):
        """Take a batch."""
        if isinstance(request, metrics_service_pb2.ExportMetricsServiceRequest):
            return metrics_service_pb2.ExportMetricsServiceResponse()
        for resource in request.resource_spans:
            service = _service_name(resource)
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self._keep(span.trace_id.hex(), _received(span, service))
        return trace_service_pb2.ExportTraceServiceResponse()

    def _keep(self, trace_id: str, span: ReceivedSpan) -> None:
        spans = self._traces.setdefault(trace_id, {})
        self._held += span.span_id not in spans
        spans[span.span_id] = span
        while self._held > self._max_spans and len(self._traces) > 1:
            _, dropped = self._traces.popitem(last=False)
            self._held -= len(dropped)

    def tree(self, trace_id: str) -> list[SpanNode]:
        """Return the trace's roots: spans whose parent is outside the suite or was not sent."""
        spans = self._traces.get(trace_id, {})
        nodes = {
            span.span_id: SpanNode(span)
            for span in sorted(spans.values(), key=lambda span: span.start_ns)
        }
        roots: list[SpanNode] = []
        for node in nodes.values():
            parent = nodes.get(node.span.parent_id)
            (parent.children if parent else roots).append(node)
        return roots

    async def settled(self, trace_id: str, *, limit_s: float = 10) -> list[SpanNode]:
        """Wait until no more spans of the trace come in, then return its tree."""
        until = time.monotonic() + limit_s
        count, since = -1, time.monotonic()
        while time.monotonic() < until:
            present = len(self._traces.get(trace_id, {}))
            if present != count:
                count, since = present, time.monotonic()
            elif present and time.monotonic() - since > _QUIET_S:
                break
            await asyncio.sleep(_LOOK_AGAIN_S)
        return self.tree(trace_id)


def render(roots: list[SpanNode]) -> str:
    """Show a trace as an indented tree: service, name, duration, offset from the first span."""
    rows = [row for root in roots for row in root.walk()]
    if not rows:
        return ""
    first_ns = min(span.start_ns for _, span in rows)
    labels = [
        f"{'  ' * depth}{span.service}  {span.name}{'  (failed)' if span.failed else ''}"
        for depth, span in rows
    ]
    width = max(map(len, labels))
    return "\n".join(
        f"{label:<{width}} {span.duration_ms:9.1f} ms from {(span.start_ns - first_ns) / 1e6:.1f}"
        for label, (_, span) in zip(labels, rows, strict=True)
    )


def _received(span: trace_pb2.Span, service: str) -> ReceivedSpan:
    return ReceivedSpan(
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        service=service,
        name=span.name,
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        failed=span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
    )


def _service_name(resource: trace_pb2.ResourceSpans) -> str:
    for attribute in resource.resource.attributes:
        if attribute.key == "service.name":
            return attribute.value.string_value
    return "?"
