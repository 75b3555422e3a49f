"""The daily job: what fell due and became overdue is told exactly once, as counts without names."""

from collections import Counter
from datetime import date

import pytest
from heed.classifier.v1.events_pb2 import ClassificationEvent
from heed.common.v1 import observation_pb2 as pb
from heed.disposal.v1.events_pb2 import OutcomeEvent
from heed.intake.v1.events_pb2 import PetitionEvent
from sqlalchemy import text

from heed_disposal.adapters.work import PostgresWorkshop
from heed_disposal.application.changes import record
from heed_disposal.application.daily_counts import CountClosedDay
from heed_disposal.application.ports import Change
from heed_shared.database import Database
from tests.disposal.builders import at, routed
from tests.disposal.feeding import Feeding, classification_event

DUE_DAY = date(2026, 10, 6)
Sums = Counter[tuple[str, str, str, str]]


@pytest.fixture
def feeding(database: Database) -> Feeding:
    """Handlers on a fresh database."""
    return Feeding(database)


async def count(feeding: Feeding, day: str) -> None:
    """Run the job as the scheduler does after the day has ended."""
    feeding.clock.advance(at(day, 23))
    job = CountClosedDay(PostgresWorkshop(feeding.database), feeding.clock)
    closed = date.fromisoformat(day)
    await job(closed.replace(day=closed.day - 1))


async def observations(feeding: Feeding) -> list[pb.Observation]:
    """What has been published of deadlines; how long nothing was told is counted apart."""
    found = []
    for event in await feeding.events("disposal.outcomes"):
        deltas = [d for d in event.outcome.observation.deltas if d.measure != pb.MEASURE_STALE]
        if deltas:
            day = event.outcome.observation.received_day
            found.append(pb.Observation(received_day=day, deltas=deltas))
    return found


async def told(feeding: Feeding) -> Sums:
    """Sum up what has been published to warning."""
    sums: Sums = Counter()
    for observation in await observations(feeding):
        for delta in observation.deltas:
            kind = pb.Measure.Name(delta.measure).removeprefix("MEASURE_")
            cell = (delta.region_code, delta.category_code, observation.received_day, kind)
            sums[cell] += delta.delta
    return Counter({cell: total for cell, total in sums.items() if total})


def cell(kind: str, category: str = "01") -> tuple[str, str, str, str]:
    return ("110101", category, str(DUE_DAY), kind)


async def test_an_item_is_told_due_and_overdue_once_when_its_day_has_ended(
    feeding: Feeding,
) -> None:
    await feeding.classified(feeding.others.sorted())
    await count(feeding, "2026-10-06")
    assert await told(feeding) == {}
    for _ in range(3):
        await count(feeding, "2026-10-07")
    await count(feeding, "2026-10-09")
    assert await told(feeding) == {cell("DUE"): 1, cell("OVERDUE"): 1}
    assert len(await observations(feeding)) == 1


async def test_ending_it_takes_overdue_back_and_the_sum_is_zero(feeding: Feeding) -> None:
    name = feeding.others.sorted()
    await feeding.classified(name)
    await count(feeding, "2026-10-07")
    feeding.clock.advance(at("2026-10-08"))
    async with PostgresWorkshop(feeding.database).open() as work:
        case = (await work.cases.of_petitions([name]))[name][0]
        change = Change(case, routed(case, now=feeding.clock.now()))
        await record(work.cases, [change], feeding.clock.now())
        await work.commit()
    await count(feeding, "2026-10-09")
    assert await told(feeding) == {cell("DUE"): 1}


async def test_a_correction_moves_the_counts_in_one_event(feeding: Feeding) -> None:
    name = feeding.others.sorted()
    await feeding.classified(name)
    await count(feeding, "2026-10-07")
    feeding.others.sorted(category_code="05")
    await feeding.classified(name, ClassificationEvent.KIND_CORRECTED)
    assert await told(feeding) == {cell("DUE", "05"): 1, cell("OVERDUE", "05"): 1}
    last = (await observations(feeding))[-1]
    assert sorted(delta.delta for delta in last.deltas) == [-1, -1, 1, 1]


async def test_a_sealed_petition_leaves_no_count_behind(feeding: Feeding) -> None:
    name = feeding.others.sorted()
    await feeding.classified(name)
    await count(feeding, "2026-10-07")
    await feeding.ended(name, PetitionEvent.KIND_SEALED)
    assert await told(feeding) == {}


async def test_an_erased_petition_stays_counted_as_due_and_is_overdue_no_more(
    feeding: Feeding,
) -> None:
    name = feeding.others.sorted()
    await feeding.classified(name)
    await count(feeding, "2026-10-07")
    await feeding.ended(name, PetitionEvent.KIND_ERASED)
    assert await told(feeding) == {cell("DUE"): 1}


async def test_many_items_of_a_cell_are_one_event_and_the_counting_goes_in_batches(
    feeding: Feeding,
) -> None:
    names = [feeding.others.sorted(number) for number in range(1, 251)]
    await feeding.feed(*(classification_event(name) for name in names))
    await count(feeding, "2026-10-07")
    assert await told(feeding) == {cell("DUE"): 250, cell("OVERDUE"): 250}
    assert len(await observations(feeding)) == 2


async def test_counting_leaves_versions_alone_so_nobodys_etag_goes_stale(
    feeding: Feeding,
) -> None:
    name = feeding.others.sorted()
    await feeding.classified(name)
    before = (await feeding.case(name)).version
    await count(feeding, "2026-10-07")
    assert (await feeding.case(name)).version == before


async def test_what_warning_learns_names_no_petition_and_no_case(feeding: Feeding) -> None:
    await feeding.classified(feeding.others.sorted())
    await count(feeding, "2026-10-07")
    async with feeding.database.read() as connection:
        query = text("SELECT subject, payload FROM feed_event WHERE feed = 'disposal.outcomes'")
        rows = (await connection.execute(query)).all()
    assert rows
    for row in rows:
        assert row.subject == ""
        assert b"petitions/" not in row.payload
        assert b"cases/" not in row.payload
        recorded_at = OutcomeEvent.FromString(row.payload).observation.recorded_at
        assert recorded_at.ToDatetime().isoformat() == "2026-10-07T15:00:00"
