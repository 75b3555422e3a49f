"""What disposal shows of itself: gauges of open work, and one trace from the cause to the case."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import text

from heed_disposal.adapters.gauges import CaseGauges
from heed_shared import telemetry
from heed_shared.clock import ReplayClock, day_end
from heed_shared.database import Database
from heed_shared.telemetry import Telemetry
from tests.disposal.builders import MONDAY, at
from tests.disposal.feeding import Feeding, classification_event


@pytest.fixture
def metrics() -> Iterator[InMemoryMetricReader]:
    """What this process records, while the test runs."""
    reader, before = InMemoryMetricReader(), telemetry.current()
    telemetry.install(Telemetry("disposal", 0.0, metric_reader=reader))
    yield reader
    telemetry.install(before)


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """The spans of this process, while the test runs."""
    exporter, before = InMemorySpanExporter(), telemetry.current()
    telemetry.install(Telemetry("disposal", 1.0, SimpleSpanProcessor(exporter)))
    yield exporter
    telemetry.install(before)


def values(reader: InMemoryMetricReader) -> dict[tuple[str, str], float]:
    data = reader.get_metrics_data()
    assert data is not None
    return {
        (metric.name, str((point.attributes or {}).get("state", ""))): point.value  # type: ignore[union-attr]
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name.startswith("heed.disposal.")
        for point in metric.data.data_points
    }


async def test_the_gauges_show_open_and_overdue_work(
    database: Database, metrics: InMemoryMetricReader
) -> None:
    feeding = Feeding(database)
    names = [feeding.others.sorted(number) for number in (1, 2, 3)]
    await feeding.feed(*(classification_event(name) for name in names))
    now = MONDAY + timedelta(days=1)
    await CaseGauges(database, ReplayClock(now)).refresh()
    shown = values(metrics)
    assert shown["heed.disposal.open_cases", "OPENED"] == 3
    assert shown["heed.disposal.open_cases", "ROUTED"] == 0
    assert shown["heed.disposal.overdue", ""] == 0
    left = day_end(at("2026-10-06").date()) - now
    assert shown["heed.disposal.nearest_deadline", ""] == left.total_seconds()
    await CaseGauges(database, ReplayClock(at("2026-10-20"))).refresh()
    assert values(metrics)["heed.disposal.overdue", ""] == 3


async def test_the_trace_of_a_registration_runs_through_the_opened_case_into_its_progress(
    database: Database, spans: InMemorySpanExporter
) -> None:
    feeding = Feeding(database)
    name = feeding.others.sorted()
    trace = "0af7651916cd43dd8448eb211c80319c"
    event = classification_event(name)
    await feeding.feed(event, traceparent=f"00-{trace}-b7ad6b7169203331-01")
    (opened,) = [s for s in spans.get_finished_spans() if s.name == "disposal.open_case"]
    assert opened.context is not None
    assert f"{opened.context.trace_id:032x}" == trace
    async with database.read() as connection:
        carried = await connection.scalar(text("SELECT traceparent FROM feed_event"))
    assert carried == f"00-{trace}-{opened.context.span_id:016x}-01"
