"""Traces and metrics of one process, exported by OTLP over gRPC when a collector is set.

``setup_telemetry`` is called once, first thing in main; everything else here works on what it set
up and does nothing before. Whether a trace is sampled is decided where it starts; one that is not
sampled is a few numbers only, because the stock interceptor costs a quarter of the throughput on
every call, sampled or not. Exceptions are recorded by their class, never by their text, which may
quote what a petitioner wrote.
"""

import random
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import grpc
from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
)

from heed_shared import telemetry_schema
from heed_shared.settings import ServiceSettings
from heed_shared.telemetry_sampling import ratio_sampler, samples

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_ids = random.Random()  # noqa: S311 - ids of traces are no secrets, and drawn on every call
_EXPORT_INTERVAL_MS = 10_000
_FLUSH_TIMEOUT_MS = 5_000

Attributes = Mapping[str, str | int | float | bool]
Observer = Callable[[], Iterable[tuple[float, Attributes]]]


class Telemetry:
    """Tracer and instruments of one process."""

    def __init__(
        self,
        service_name: str,
        trace_ratio: float,
        span_processor: SpanProcessor | None = None,
        metric_reader: MetricReader | None = None,
    ) -> None:
        """Build the providers; without processor and reader nothing is recorded."""
        resource = Resource.create(
            {
                "service.namespace": "heed",
                "service.name": service_name,
                "service.instance.id": str(uuid.uuid4()),
            }
        )
        self._ratio = trace_ratio if span_processor else 0.0
        self._traces = TracerProvider(
            sampler=ratio_sampler(self._ratio), resource=resource, shutdown_on_exit=False
        )
        if span_processor:
            self._traces.add_span_processor(span_processor)
        readers = [metric_reader] if metric_reader else []
        self._metrics = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
        self._meter = self._metrics.get_meter("heed")
        self._measuring = metric_reader is not None
        self._instruments: dict[str, Callable[[float, Attributes], None]] = {}
        self.tracer: Tracer = self._traces.get_tracer("heed")

    def record(self, name: str, value: float, attributes: Attributes) -> None:
        """Add to a counter, set a gauge or note one value of a histogram, as declared."""
        write = self._instruments.get(name)
        if write is None:
            write = self._instruments[name] = self._instrument(telemetry_schema.metric(name))
        write(value, attributes)

    def observe(self, name: str, observer: Observer) -> None:
        """Read a metric of kind ``observed`` through ``observer`` whenever metrics are exported."""
        declared = telemetry_schema.metric(name)

        def callback(_: CallbackOptions) -> Iterable[Observation]:
            return [Observation(value, dict(attributes)) for value, attributes in observer()]

        self._meter.create_observable_up_down_counter(
            declared.name, [callback], declared.unit, declared.description
        )

    def start_server_span(self, method: str, traceparent: str) -> Span:
        """Start the span of an RPC that is served; costs little unless the trace is sampled."""
        parent = parse_traceparent(traceparent)
        trace_id = parent.trace_id if parent else _ids.getrandbits(128) or 1
        sampled = parent.trace_flags.sampled if parent else samples(trace_id, self._ratio)
        if not sampled:
            own = SpanContext(trace_id, _ids.getrandbits(64) or 1, False, TraceFlags(0))  # noqa: FBT003
            return NonRecordingSpan(own)
        above = _remote(parent) if parent else Context()
        return self.tracer.start_span(method, above, SpanKind.SERVER)

    def shutdown(self) -> None:
        """Send what is still held back and stop; blocks for up to a few seconds."""
        self._traces.force_flush(_FLUSH_TIMEOUT_MS)
        self._traces.shutdown()
        self._metrics.shutdown(_FLUSH_TIMEOUT_MS)

    def _instrument(self, declared: telemetry_schema.Metric) -> Callable[[float, Attributes], None]:
        if not self._measuring:
            return _ignore
        name, unit, text = declared.name, declared.unit, declared.description
        match declared.kind:
            case "counter":
                return self._meter.create_counter(name, unit, text).add
            case "up_down":
                return self._meter.create_up_down_counter(name, unit, text).add
            case "gauge":
                return self._meter.create_gauge(name, unit, text).set
            case "histogram":
                return self._meter.create_histogram(
                    name, unit, text, explicit_bucket_boundaries_advisory=declared.buckets or None
                ).record
            case "observed":
                raise telemetry_schema.UndeclaredNameError(f"{name} (observed, not recorded)")


def _ignore(_value: float, _attributes: Attributes) -> None:
    """Stand in for every instrument while nobody collects metrics."""


class _Process:
    """Holds what setup_telemetry made, so that deep code records without being handed it."""

    def __init__(self) -> None:
        self.telemetry = Telemetry("heed", 0.0)


_process = _Process()


def setup_telemetry(service_name: str, settings: ServiceSettings) -> Telemetry:
    """Make the telemetry of this process and return it; whoever calls shuts it down last."""
    if not settings.otlp_endpoint:
        return install(Telemetry(service_name, settings.trace_ratio))
    credentials = None
    insecure = urlsplit(settings.otlp_endpoint).scheme == "http"
    if not insecure:
        credentials = grpc.ssl_channel_credentials(
            settings.tls_ca.read_bytes(),
            settings.tls_key.read_bytes(),
            settings.tls_cert.read_bytes(),
        )
    target: dict[str, Any] = {
        "endpoint": settings.otlp_endpoint,
        "insecure": insecure,
        "credentials": credentials,
    }
    return install(
        Telemetry(
            service_name,
            settings.trace_ratio,
            BatchSpanProcessor(OTLPSpanExporter(**target), schedule_delay_millis=1000),
            PeriodicExportingMetricReader(OTLPMetricExporter(**target), _EXPORT_INTERVAL_MS),
        )
    )


def install(telemetry: Telemetry) -> Telemetry:
    """Make ``telemetry`` the one that this process records to; for setup and for tests."""
    _process.telemetry = telemetry
    return telemetry


def current() -> Telemetry:
    """Return the telemetry of this process; before setup, one that records nothing."""
    return _process.telemetry


def tracer() -> Tracer:
    """Return the tracer of this process."""
    return _process.telemetry.tracer


def record(name: str, value: float, **attributes: str | float | bool) -> None:
    """Record one value of a declared metric.

    Raises:
        UndeclaredNameError: the schema does not declare ``name``.
    """
    _process.telemetry.record(name, value, attributes)


def observe(name: str, observer: Observer) -> None:
    """Have a declared metric of kind ``observed`` read at each export."""
    _process.telemetry.observe(name, observer)


@contextmanager
def span(name: str, **attributes: str | float | bool) -> Iterator[Span]:
    """Run a block as a declared span under the current one."""
    telemetry_schema.require_span(name)
    with _running(name, None, attributes) as running:
        yield running


@contextmanager
def span_from(traceparent: str, name: str, **attributes: str | float | bool) -> Iterator[Span]:
    """Run a block as a declared span of the trace in ``traceparent``; empty starts a new one."""
    telemetry_schema.require_span(name)
    parent = parse_traceparent(traceparent)
    with _running(name, _remote(parent) if parent else Context(), attributes) as running:
        yield running


@contextmanager
def _running(name: str, above: Context | None, attributes: Attributes) -> Iterator[Span]:
    own = {f"heed.{key}": value for key, value in attributes.items()}
    started = tracer().start_span(name, above, SpanKind.INTERNAL, own)
    token = context.attach(trace.set_span_in_context(started, above))
    try:
        yield started
    except Exception as error:
        started.set_status(Status(StatusCode.ERROR, type(error).__name__))
        raise
    finally:
        context.detach(token)
        started.end()


def enter_span(started: Span) -> None:
    """Make a span the current one until the running task ends; for the RPC interceptor."""
    context.attach(trace.set_span_in_context(started))


def current_traceparent() -> str:
    """Return the W3C traceparent of the current span; empty outside any."""
    return format_traceparent(trace.get_current_span().get_span_context())


def current_trace_id() -> str:
    """Return the trace id of the current span in hexadecimal digits; empty outside any."""
    own = trace.get_current_span().get_span_context()
    return f"{own.trace_id:032x}" if own.is_valid else ""


def format_traceparent(own: SpanContext) -> str:
    """Return a span context in the W3C form; empty when it is not valid."""
    if not own.is_valid:
        return ""
    return f"00-{own.trace_id:032x}-{own.span_id:016x}-{own.trace_flags & 1:02x}"


def parse_traceparent(text: str) -> SpanContext | None:
    """Return the span context in a W3C traceparent; None when there is none to read."""
    match = _TRACEPARENT.fullmatch(text)
    if match is None:
        return None
    trace_id, span_id = int(match[1], 16), int(match[2], 16)
    if not trace_id or not span_id:
        return None
    flags = TraceFlags(int(match[3], 16) & TraceFlags.SAMPLED)
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=flags)


def _remote(parent: SpanContext) -> Context:
    return trace.set_span_in_context(NonRecordingSpan(parent), Context())
