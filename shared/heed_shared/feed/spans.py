"""The spans in which deliveries are applied: one for each event whose trace is sampled."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from heed.feed.v1.event_pb2 import Event
from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, Span, SpanKind, Status, StatusCode

from heed_shared import telemetry, telemetry_schema
from heed_shared.feed.records import Delivery

_NAME = "feed.apply"


@contextmanager
def delivery_spans(feed: str, events: Sequence[Event]) -> Iterator[list[Delivery]]:
    """Open a span under the cause of each sampled event; hand out the deliveries with theirs.

    A single delivery's span is the current one inside the block. Many share their work, so none is.
    """
    telemetry_schema.require_span(_NAME)
    spans: list[Span] = []
    deliveries: list[Delivery] = []
    for event in events:
        parent = telemetry.parse_traceparent(event.traceparent)
        if parent is None or not parent.trace_flags.sampled:
            deliveries.append(Delivery(event, event.traceparent))
            continue
        above = trace.set_span_in_context(NonRecordingSpan(parent), Context())
        span = telemetry.tracer().start_span(
            _NAME, above, SpanKind.CONSUMER, {"heed.feed": feed, "heed.shard": event.shard}
        )
        spans.append(span)
        deliveries.append(Delivery(event, telemetry.format_traceparent(span.get_span_context())))
    single = spans[0] if len(spans) == len(events) == 1 else None
    token = context.attach(trace.set_span_in_context(single)) if single else None
    try:
        yield deliveries
    except Exception as error:
        for span in spans:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
        raise
    finally:
        if token is not None:
            context.detach(token)
        for span in spans:
            span.end()
