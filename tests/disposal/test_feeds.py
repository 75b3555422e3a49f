"""Disposal's own feeds: who may read them, verdicts on warnings, and the state to rebuild from."""

from collections import Counter
from typing import Any

import grpc
import pytest
from heed.common.v1 import matter_pb2 as terms
from heed.common.v1 import observation_pb2 as pb_measure
from heed.disposal.v1 import disposal_service_pb2 as pb
from heed.disposal.v1.events_pb2 import WarningVerdict
from heed.feed.v1 import feed_service_pb2 as feed_pb
from heed.feed.v1.event_pb2 import Event
from heed.warning.v1.events_pb2 import WarningEvent
from sqlalchemy import text

from heed_shared.errors import reason_of
from heed_shared.ids import etag_of
from tests.disposal.builders import at
from tests.disposal.feeding import Feeding
from tests.disposal.serving import Serving, new_id

STALE = pb_measure.MEASURE_STALE


async def listed(disposal: Serving, feed: str, reader: str) -> list[Event]:
    request = feed_pb.ListEventsRequest(feed=feed, page_size=1000)
    return list((await disposal.feeds(reader).ListEvents(request)).events)


async def snapshot(disposal: Serving, feed: str, reader: str) -> list[Event]:
    request = feed_pb.GetFeedSnapshotRequest(feed=feed)
    return [
        event
        async for part in disposal.feeds(reader).GetFeedSnapshot(request)
        for event in part.events
    ]


@pytest.mark.parametrize("reader", ["service/intake", "service/classifier", "operator"])
async def test_outcomes_are_for_warning_alone(disposal: Serving, reader: str) -> None:
    for attempt in (listed, snapshot):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await attempt(disposal, "disposal.outcomes", reader)
        assert reason_of(caught.value) == "UNKNOWN_FEED"


async def warning_case(disposal: Serving) -> str:
    """Have a warning raised; return the warning's name."""
    feeding = Feeding(disposal.database)
    name = feeding.others.raised()
    await feeding.warned(name, WarningEvent.KIND_RAISED, terms.WARNING_LEVEL_YELLOW)
    return name


async def test_closing_the_case_of_a_warning_tells_its_verdict(disposal: Serving) -> None:
    warning = await warning_case(disposal)
    case = await Feeding(disposal.database).warning_case(warning)
    request = pb.CloseCaseRequest(
        name=case.name,
        etag=etag_of(case.version),
        request_id=new_id(),
        reason="核实为数据补录",
        finding=WarningVerdict.FINDING_EXPLAINED,
    )
    closed = (await disposal.stub().CloseCase(request)).case
    assert closed.warning == warning
    (event,) = await listed(disposal, "disposal.outcomes", "service/warning")
    assert event.outcome.verdict.warning == warning
    assert event.outcome.verdict.finding == WarningVerdict.FINDING_EXPLAINED
    (state,) = await snapshot(disposal, "disposal.outcomes", "service/warning")
    assert state.outcome == event.outcome
    assert (state.shard, state.region_code) == (event.shard, event.region_code)
    assert await listed(disposal, "disposal.progress", "service/intake") == []


def sums(events: list[Event]) -> Counter[Any]:
    total: Counter[Any] = Counter()
    for event in events:
        observation = event.outcome.observation
        for delta in observation.deltas:
            cell = (delta.region_code, delta.category_code, observation.received_day)
            total[cell, delta.measure, delta.bucket] += delta.delta
    return Counter({cell: count for cell, count in total.items() if count})


def measured(events: list[Event]) -> Counter[Any]:
    """Sums by measure, over all cells."""
    total: Counter[Any] = Counter()
    for (_, measure, _), count in sums(events).items():
        total[measure] += count
    return total


async def test_the_clock_of_a_replay_counts_each_day_it_passes(disposal: Serving) -> None:
    await disposal.opened(1)
    await disposal.opened(2, received_at=at("2026-09-11"))
    await disposal.advance(at("2026-09-27", 1))
    first = await listed(disposal, "disposal.outcomes", "service/warning")
    assert measured(first) == {pb_measure.MEASURE_DUE: 1, pb_measure.MEASURE_OVERDUE: 1, STALE: 2}
    await disposal.advance(at("2026-10-12", 1))
    events = await listed(disposal, "disposal.outcomes", "service/warning")
    assert measured(events) == {pb_measure.MEASURE_DUE: 2, pb_measure.MEASURE_OVERDUE: 2, STALE: 2}
    state = await snapshot(disposal, "disposal.outcomes", "service/warning")
    assert sums(state) == sums(events)


async def test_progress_can_be_rebuilt_from_its_snapshot(disposal: Serving) -> None:
    await disposal.answered()
    await disposal.routed()
    events = await listed(disposal, "disposal.progress", "service/intake")
    state = await snapshot(disposal, "disposal.progress", "service/intake")
    assert len(state) == 6
    by_subject = sorted((event.subject, event.progress.kind) for event in events)
    assert sorted((event.subject, event.progress.kind) for event in state) == by_subject
    steps = {(e.subject, e.progress.kind): e.progress for e in events}
    assert all(steps[e.subject, e.progress.kind] == e.progress for e in state)


async def test_readiness_fails_while_the_schema_is_old(disposal: Serving) -> None:
    (ready,) = disposal.service.readiness
    await ready()
    async with disposal.database.engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    with pytest.raises(RuntimeError, match="newest revision"):
        await ready()
