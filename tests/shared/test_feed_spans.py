"""One trace goes through the feed: from the cause over the event to what its effect publishes."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from heed_shared import telemetry
from heed_shared.database import Database
from heed_shared.feed.reading import Asked, read_page
from heed_shared.feed.spans import delivery_spans
from heed_shared.telemetry import Telemetry, parse_traceparent
from tests.shared.feed_setup import FEED, FEEDS, delivered, event, publish

_SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
_UNSAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """What is recorded during the test."""
    before, exporter = telemetry.current(), InMemorySpanExporter()
    telemetry.install(Telemetry("sample", 1.0, SimpleSpanProcessor(exporter)))
    yield exporter
    telemetry.install(before)


async def test_an_event_carries_the_trace_of_its_cause(
    database: Database, spans: InMemorySpanExporter
) -> None:
    with telemetry.span("intake.wave") as cause:
        await publish(database, event("petitions/1"))
    page = await read_page(database, FEEDS[0], {shard: Asked() for shard in range(16)}, 10)
    assert page.events[0].traceparent == telemetry.format_traceparent(cause.get_span_context())


def test_a_sampled_delivery_has_a_span_under_its_cause(spans: InMemorySpanExporter) -> None:
    with delivery_spans(FEED, [delivered(event("a", trace=_SAMPLED))]) as [delivery]:
        assert telemetry.current_traceparent() == delivery.traceparent
    [span] = spans.get_finished_spans()
    own = parse_traceparent(delivery.traceparent)
    assert span.name == "feed.apply"
    assert span.parent is not None
    assert span.parent.span_id == 0xB7AD6B7169203331
    assert own is not None
    assert (own.trace_id, own.span_id) == (span.context.trace_id, span.context.span_id)
    assert "petition" not in str(span.attributes).replace("intake.petitions", "")


def test_an_unsampled_delivery_costs_no_span_and_keeps_its_trace(
    spans: InMemorySpanExporter,
) -> None:
    events = [delivered(event("a", trace=_UNSAMPLED)), delivered(event("b"))]
    with delivery_spans(FEED, events) as deliveries:
        assert [item.traceparent for item in deliveries] == [_UNSAMPLED, ""]
    assert spans.get_finished_spans() == ()


def test_each_delivery_of_a_batch_keeps_its_own_trace(spans: InMemorySpanExporter) -> None:
    other = _SAMPLED.replace("0af7", "1af7")
    events = [delivered(event("a", trace=_SAMPLED)), delivered(event("b", trace=other))]
    with suppress(ValueError), delivery_spans(FEED, events) as deliveries:
        assert telemetry.current_traceparent() == ""
        assert [item.traceparent[3:7] for item in deliveries] == ["0af7", "1af7"]
        raise ValueError
    statuses = {span.status.description for span in spans.get_finished_spans()}
    assert statuses == {"ValueError"}
