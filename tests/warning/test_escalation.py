"""Escalation and its watchdog on a real database: once, never after somebody took it on, proven."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from heed.common.v1.access_pb2 import ROLE_SUPERVISOR
from heed.warning.v1 import warning_service_pb2 as pb
from heed.warning.v1.events_pb2 import WarningEvent
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from heed_shared import telemetry
from heed_shared.clock import day_start
from heed_shared.database import Database
from heed_shared.identity import Caller
from heed_shared.ids import etag_of
from heed_shared.telemetry import Telemetry
from heed_warning.adapters.snapshot import warning_snapshot
from heed_warning.adapters.warning_figures import PostgresEscalationChecks
from heed_warning.adapters.warnings import PostgresWarnings
from heed_warning.application.judging import acknowledge
from heed_warning.application.keeping import GRACE, Keeper, Watchdog
from heed_warning.domain.life import CellWarning, Change
from heed_warning.domain.panel import Cell
from heed_warning.domain.policy import Level
from heed_warning.domain.transitions import State
from tests.warning.conftest import CITY, COUNTY, SECOND_COUNTY, START, Post
from tests.warning.counts_setup import desk_at, settlement
from tests.warning.life_setup import NOW, warning
from tests.warning.rpc_setup import firing, new_id

DUE = NOW + timedelta(hours=24)


def keeper(store: Database) -> Keeper:
    return Keeper(store, PostgresWarnings(), settlement())


def watchdog(store: Database) -> Watchdog:
    return Watchdog(store, PostgresEscalationChecks())


async def stored(store: Database, *warnings: CellWarning, at: datetime = NOW) -> None:
    """Let warnings fire."""
    async with store.transaction() as tx:
        changes = {item.name: Change.RAISED for item in warnings}
        await settlement().keep_all(tx, (), warnings, changes, now=at)
        await tx.commit()


async def orange(store: Database, region: str = COUNTY, number: int = 1) -> CellWarning:
    """An orange warning that fires at NOW, so that its first step is due at DUE."""
    made = warning(region, Level.ORANGE, number, cell=Cell(region, "01"))
    await stored(store, made)
    return made


async def kinds(store: Database) -> list[int]:
    """The kinds of the events that the feed told, in order."""
    async with store.single() as connection:
        rows = await connection.exec_driver_sql("SELECT payload FROM feed_event ORDER BY xid, id")
        return [WarningEvent.FromString(bytes(row.payload)).kind for row in rows]


@pytest.fixture
def metrics() -> Iterator[InMemoryMetricReader]:
    """What this process records, while the test runs."""
    reader, before = InMemoryMetricReader(), telemetry.current()
    telemetry.install(Telemetry("warning", 0.0, metric_reader=reader))
    yield reader
    telemetry.install(before)


def missing_told(reader: InMemoryMetricReader) -> float:
    """What the gauge of missing escalations shows."""
    data: Any = reader.get_metrics_data()
    [shown] = [
        point.value
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == "heed.warning.escalations_missing"
        for point in metric.data.data_points
    ]
    return float(shown)


async def test_a_step_is_taken_when_it_is_due_and_only_then(store: Database) -> None:
    await orange(store)
    await keeper(store).tick(DUE - timedelta(seconds=1))
    assert await kinds(store) == [WarningEvent.KIND_RAISED]
    await keeper(store).tick(DUE)
    await keeper(store).tick(DUE + timedelta(seconds=1))
    assert await kinds(store) == [WarningEvent.KIND_RAISED, WarningEvent.KIND_ESCALATED]


async def test_two_replicas_at_once_escalate_once(store: Database) -> None:
    for number, region in enumerate((COUNTY, SECOND_COUNTY), start=1):
        await orange(store, region, number)
    await asyncio.gather(*(keeper(store).tick(DUE) for _ in range(4)))
    assert (await kinds(store)).count(WarningEvent.KIND_ESCALATED) == 2


@pytest.mark.parametrize("acknowledged_first", [True, False])
async def test_an_acknowledgement_and_an_escalation_that_meet_take_turns(
    store: Database, acknowledged_first: bool
) -> None:
    made = await orange(store)
    caller = Caller("staff/1", "孟华", "市信访局", frozenset(), "")
    desk = desk_at(DUE)
    holds, asked = asyncio.Event(), asyncio.Event()

    async def take_on() -> None:
        async with store.transaction() as tx:
            await desk.act(tx, caller, COUNTY, made.uid, etag_of(0), acknowledge())
            holds.set()
            await asked.wait()
            await asyncio.sleep(0.2)  # the keeper waits for the row meanwhile
            await tx.commit()

    if not acknowledged_first:
        await keeper(store).tick(DUE)
    taking = asyncio.create_task(take_on())
    await holds.wait()
    ticking = asyncio.create_task(keeper(store).tick(DUE + timedelta(days=2)))
    asked.set()
    await asyncio.gather(taking, ticking)
    await keeper(store).tick(DUE + timedelta(days=30))
    told = await kinds(store)
    assert told.count(WarningEvent.KIND_ESCALATED) == (0 if acknowledged_first else 1)
    assert told[-1] == WarningEvent.KIND_ACKNOWLEDGED


async def test_escalating_does_not_make_what_a_person_saw_stale(store: Database) -> None:
    made = await orange(store)
    await keeper(store).tick(DUE)
    async with store.transaction() as tx:
        caller = Caller("staff/1", "孟华", "市信访局", frozenset(), "")
        kept = await desk_at(DUE).act(tx, caller, COUNTY, made.uid, etag_of(0), acknowledge())
        await tx.commit()
    assert kept.warning.state is State.ACKNOWLEDGED
    assert [step.role for step in kept.warning.steps] == [ROLE_SUPERVISOR]


async def test_the_watchdog_tells_when_the_escalation_job_stands_still(
    store: Database, metrics: InMemoryMetricReader
) -> None:
    made = await orange(store)
    dog = watchdog(store)
    never, _ = await dog.status(("",))
    assert never is None
    late = DUE + GRACE
    await dog.look(late)
    checked_at, audit = await dog.status(("",))
    assert checked_at == late
    assert (audit.unacknowledged, audit.due, audit.done) == (1, 1, 0)
    assert audit.missing == (made.name,)
    assert missing_told(metrics) == 1
    _, elsewhere = await dog.status(("33",))
    assert not elsewhere.missing, "another region is told nothing"
    await keeper(store).tick(late)
    await dog.look(late + timedelta(seconds=1))
    _, audit = await dog.status(("",))
    assert (audit.due, audit.done, audit.missing) == (1, 1, ())
    assert missing_told(metrics) == 0


async def test_the_watchdog_notices_a_keeper_that_does_its_work_wrongly(store: Database) -> None:
    await orange(store)
    async with store.transaction() as tx:
        # The column by which the keeper finds its work is lost; the chain says what is due.
        await tx.connection.exec_driver_sql("UPDATE warning SET next_step_due_at = NULL")
        await tx.commit()
    await keeper(store).tick(DUE + GRACE)
    await watchdog(store).look(DUE + GRACE)
    assert len((await watchdog(store).status(("",)))[1].missing) == 1


async def test_a_warning_above_that_ends_lets_its_children_be_told(store: Database) -> None:
    child = warning(COUNTY, Level.BLUE, 1, cell=Cell(COUNTY, "01"))
    parent = warning(CITY, Level.YELLOW, 2, cell=Cell(CITY, "01"))
    await stored(store, child, parent)
    assert await kinds(store) == [WarningEvent.KIND_RAISED]
    async with store.transaction() as tx:
        kept = await PostgresWarnings().get(tx.connection, CITY, parent.uid, lock=True)
        assert kept is not None
        ended = replace(kept.warning, state=State.RESOLVED)
        await settlement().keep_one(tx, ended, Change.RESOLVED, NOW)
        await tx.commit()
    await keeper(store).tick(NOW + timedelta(minutes=1))
    assert await kinds(store) == [
        WarningEvent.KIND_RAISED, WarningEvent.KIND_RESOLVED, WarningEvent.KIND_RAISED
    ]  # fmt: skip


async def test_a_snapshot_tells_what_was_announced_by_what_became_of_it(store: Database) -> None:
    places = [f"3201{number:02}" for number in (2, 4, 5, 6)]
    made = [warning(place, Level.BLUE, number) for number, place in enumerate(places, start=1)]
    await stored(store, *made)
    changes = (
        "announced_level = 0",
        "state = 5, verdict = 1, next_step_due_at = NULL",
        "state = 5, verdict = 3, rest_level = 1, next_step_due_at = NULL",
        "fired_at = fired_at",
    )
    async with store.transaction() as tx:
        for place, change in zip(places, changes, strict=True):
            statement = f"UPDATE warning SET {change} WHERE region_code = $1"
            await tx.connection.exec_driver_sql(statement, (place,))
        await tx.commit()
    async with store.read() as connection:
        told = [event.payload.kind async for event in warning_snapshot(connection)]  # type: ignore[attr-defined]
    assert told == [
        WarningEvent.KIND_ACKNOWLEDGED, WarningEvent.KIND_JUDGED, WarningEvent.KIND_RAISED
    ]  # fmt: skip


async def test_in_a_replay_both_jobs_run_when_the_clock_moves(post: Post) -> None:
    fired = await firing(post)
    status = await post.stub("operator").GetEscalationStatus(pb.GetEscalationStatusRequest())
    assert (status.unacknowledged_count, status.due_count, list(status.missing)) == (1, 0, [])
    assert fired.acknowledge_due_at.ToDatetime(UTC) == day_start(START + timedelta(days=5))
    await post.advance(START + timedelta(days=5))
    late = (await post.stub().GetWarning(pb.GetWarningRequest(name=fired.name))).warning
    assert [step.role for step in late.escalations] == [ROLE_SUPERVISOR]
    assert late.escalations[0].due_at == fired.acknowledge_due_at
    assert late.etag == fired.etag
    take = pb.AcknowledgeWarningRequest(name=late.name, etag=late.etag, request_id=new_id())
    taken = (await post.stub("leader").AcknowledgeWarning(take)).warning
    assert taken.acknowledge_due_at == fired.acknowledge_due_at
    await post.advance(START + timedelta(days=60))
    last = (await post.stub().GetWarning(pb.GetWarningRequest(name=fired.name))).warning
    assert [step.role for step in last.escalations] == [ROLE_SUPERVISOR]
    status = await post.stub("supervisor").GetEscalationStatus(pb.GetEscalationStatusRequest())
    assert (status.unacknowledged_count, status.due_count, status.done_count) == (0, 1, 1)
    assert status.checked_at.ToDatetime(UTC) == day_start(START + timedelta(days=60))


async def test_without_the_escalation_job_the_service_itself_says_so(post: Post) -> None:
    fired = await firing(post)
    await post.rows("UPDATE warning SET next_step_due_at = NULL")  # the job finds no work
    await post.advance(START + timedelta(days=30))
    status = await post.stub().GetEscalationStatus(pb.GetEscalationStatusRequest())
    assert list(status.missing) == [fired.name]
    assert (status.due_count, status.done_count) == (2, 0)
    elsewhere = post.caller(["ROLE_ANALYST"], SECOND_COUNTY)
    assert not (await elsewhere.GetEscalationStatus(pb.GetEscalationStatusRequest())).missing
