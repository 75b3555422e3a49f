"""Counts come in once, roll up, net to zero, and are remembered as they were known."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta

import pytest
import pytest_asyncio
from google.protobuf.timestamp_pb2 import Timestamp
from heed.common.v1.observation_pb2 import (
    MEASURE_ITEMS,
    MEASURE_OVERDUE,
    MEASURE_REPEAT,
    CellDelta,
    Observation,
)
from heed.disposal.v1.events_pb2 import OutcomeEvent, WarningVerdict
from heed.feed.v1.event_pb2 import Event
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from heed_local.authority import Authority
from heed_shared.clock import ReplayClock, day_end
from heed_shared.database import Database
from heed_shared.errors import NotFound, UnknownRegion
from heed_shared.feed import Delivery, FeedConsumer, NewEvent
from heed_shared.reference.regions import Regions
from heed_shared.reference.taxonomy import Taxonomy
from heed_warning.adapters.counts import PostgresCounts
from heed_warning.adapters.item_matrix import ItemMatrix
from heed_warning.adapters.observation_handler import ObservationHandler, OutcomeHandler
from heed_warning.adapters.panels import LONGEST_HISTORY_DAYS, PostgresPanels
from heed_warning.adapters.warnings import PostgresWarnings
from heed_warning.application.judging import Desk
from heed_warning.application.observations import record_counts
from heed_warning.application.places import Places
from heed_warning.domain.counts import CellDay, RecordedCount, rolled_up
from heed_warning.domain.panel import Cell
from tests.database_templates import MadeDatabase
from tests.shared.feed_setup import SECRET, consuming, publish, served, until
from tests.warning.simulation import ancestors

DAY = date(2025, 6, 2)
NOON = datetime(2025, 6, 2, 4, tzinfo=UTC)
COUNTY, CITY, PROVINCE = "320102", "320100", "320000"
PLACES = Places(Regions.load(None), Taxonomy.load(None))


def observation(
    *deltas: tuple[str, str, int], day: date = DAY, at: datetime = NOON, measure: int = 1
) -> Observation:
    """Signed counts of cells."""
    recorded_at = Timestamp()
    recorded_at.FromDatetime(at)
    return Observation(
        received_day=day.isoformat(),
        recorded_at=recorded_at,
        deltas=[
            CellDelta(region_code=region, category_code=category, measure=measure, delta=delta)  # type: ignore[arg-type]
            for region, category, delta in deltas
        ],
    )


def delivery(given: Observation) -> Delivery:
    return Delivery(Event(observation=given), "")


@pytest_asyncio.fixture
async def store(make_database: Callable[[str], MadeDatabase]) -> AsyncIterator[Database]:
    """A migrated database of the warning service."""
    made = make_database("warning")
    database = await Database.open(made["url"], "warning", 4)
    yield database
    await database.close()


async def apply(store: Database, *observations: Observation) -> None:
    """Apply observations in one transaction."""
    async with store.transaction() as tx:
        handler = ObservationHandler(PostgresCounts(), PLACES)
        await handler.apply(tx, [delivery(item) for item in observations], None)
        await tx.commit()


async def sums(store: Database, measure: int = MEASURE_ITEMS) -> dict[tuple[str, str], int]:
    """The sums of the cells that are not 0."""
    async with store.read() as connection:
        rows = await connection.execute(
            text(
                "SELECT region_code, category_code, sum(live + recorded)::bigint AS items"
                " FROM cell_day WHERE measure = :measure GROUP BY 1, 2"
            ),
            {"measure": measure},
        )
        return {(row.region_code, row.category_code): row.items for row in rows if row.items}


def panels(store: Database) -> PostgresPanels:
    return PostgresPanels(store, PostgresCounts(), PLACES.level, PLACES.still_above)


async def test_a_county_item_counts_in_its_city_and_province_and_a_city_item_does_not_go_down(
    store: Database,
) -> None:
    await apply(store, observation((COUNTY, "01", 2)), observation((CITY, "01", 5)))
    assert await sums(store) == {(COUNTY, "01"): 2, (CITY, "01"): 7, (PROVINCE, "01"): 7}


async def test_a_correction_nets_to_zero_in_the_old_cell(store: Database) -> None:
    await apply(store, observation((COUNTY, "01", 1)))
    await apply(store, observation((COUNTY, "01", -1), ("320104", "02", 1)))
    assert await sums(store) == {("320104", "02"): 1, (CITY, "02"): 1, (PROVINCE, "02"): 1}


async def test_measures_do_not_mix(store: Database) -> None:
    await apply(store, observation((COUNTY, "01", 1)))
    await apply(store, observation((COUNTY, "01", 1), measure=MEASURE_REPEAT))
    assert (await sums(store))[COUNTY, "01"] == 1
    assert (await sums(store, MEASURE_REPEAT))[COUNTY, "01"] == 1


async def test_an_unknown_region_is_no_count_and_the_batch_leaves_nothing(store: Database) -> None:
    with pytest.raises(UnknownRegion):
        await apply(store, observation((COUNTY, "01", 1)), observation(("999999", "01", 1)))
    assert await sums(store) == {}


async def test_two_batches_that_touch_the_same_cells_at_once_both_count(store: Database) -> None:
    cells = [(COUNTY, "01"), ("320104", "02"), ("320105", "03")]
    there = observation(*((region, category, 1) for region, category in cells))
    back = observation(*((region, category, 1) for region, category in reversed(cells)))
    await asyncio.gather(*(apply(store, there if n % 2 else back) for n in range(20)))
    assert (await sums(store))[PROVINCE, "02"] == 20


async def test_signed_counts_are_never_changed(store: Database) -> None:
    await apply(store, observation((COUNTY, "01", 1)))
    for statement in ("UPDATE cell_delta SET delta = 5", "DELETE FROM cell_delta"):
        async with store.transaction() as tx:
            with pytest.raises(DBAPIError, match="append-only"):
                await tx.connection.execute(text(statement))


async def test_recorded_counts_replace_those_of_their_source_only(store: Database) -> None:
    async def record(source: str, *items: tuple[str, int]) -> None:
        given = [RecordedCount(region, "01", 1, DAY, count) for region, count in items]
        async with store.transaction() as tx:
            await record_counts(tx, PostgresCounts(), PLACES, source, given)
            await tx.commit()

    await record("hotline", (COUNTY, 4), ("320104", 1))
    await record("letters", (COUNTY, 10))
    await apply(store, observation((COUNTY, "01", 1)))
    assert (await sums(store))[COUNTY, "01"] == 15
    await record("hotline", (COUNTY, 3))
    assert (await sums(store))[COUNTY, "01"] == 14
    assert (await sums(store))[PROVINCE, "01"] == 15
    await record("hotline", (COUNTY, 0))
    await record("letters", (COUNTY, 0))
    assert (await sums(store))[COUNTY, "01"] == 1


async def test_memory_follows_the_database_whoever_wrote(store: Database) -> None:
    first, second = panels(store), panels(store)
    await apply(store, observation((COUNTY, "01", 3)))
    for seen in (first, second):
        panel = await seen.latest(DAY)
        assert panel.counts[panel.cells.index(Cell(COUNTY, "01")), -1] == 3
    await apply(store, observation((COUNTY, "01", -1)))
    await apply(store, observation(("320104", "02", 7), day=DAY - timedelta(days=400)))
    follower = await first.latest(DAY)
    fresh = await panels(store).latest(DAY)
    assert follower.cells == fresh.cells
    assert follower.first_day == fresh.first_day == DAY - timedelta(days=400)
    assert (follower.counts == fresh.counts).all()
    assert (follower.started == fresh.started).all()


async def test_days_far_off_take_no_memory_and_change_no_panel(store: Database) -> None:
    await apply(store, observation((COUNTY, "01", 3)))
    near = await panels(store).latest(DAY)
    for day in (date(1949, 10, 1), DAY + timedelta(days=30), date(2199, 12, 31)):
        await apply(store, observation((COUNTY, "01", 9), ("320104", "02", 9), day=day))
    seen = panels(store)
    far = await seen.latest(DAY)
    assert (far.cells, far.first_day) == (near.cells, near.first_day)
    assert (far.counts == near.counts).all()
    assert (await seen.latest(DAY + timedelta(days=30))).counts[:, -1].sum() == 9 * 6
    async with store.read() as connection:
        kept = await PostgresCounts().series(
            connection, Cell(COUNTY, "01"), 1, date(1949, 1, 1), date(2199, 12, 31)
        )
    assert len(kept) == 4


async def test_what_was_recorded_before_its_day_is_read_when_the_day_comes(
    store: Database,
) -> None:
    seen = panels(store)
    await apply(store, observation((COUNTY, "01", 3)))
    assert (await seen.latest(DAY - timedelta(days=1))).counts.sum() == 0
    assert (await seen.latest(DAY - timedelta(days=1))).cells == ()
    assert (await seen.latest(DAY)).counts.sum() == 9


async def test_an_earlier_day_is_answered_as_if_no_later_one_had_been_asked_for(
    store: Database,
) -> None:
    old = DAY - timedelta(days=LONGEST_HISTORY_DAYS + 400)
    then_at = day_end(old) - timedelta(hours=1)
    await apply(store, observation((COUNTY, "01", 3), day=old, at=then_at))
    await apply(store, observation(("320104", "02", 2)))
    seen = panels(store)
    assert (await seen.latest(DAY)).first_day == DAY
    assert Cell(COUNTY, "01") not in (await seen.latest(DAY)).cells
    then = await seen.latest(old)
    assert then.cells == tuple(Cell(region, "01") for region in (PROVINCE, CITY, COUNTY))
    assert then.counts.tolist() == [[3.0]] * 3
    assert (await seen.latest(DAY)).counts.sum() == 6


def test_memory_follows_the_days_that_are_used_however_long_it_runs() -> None:
    items = ItemMatrix()
    for day in range(9000, 14000):
        items.put(Cell(COUNTY, "01"), [day], [1])
        items.forget_before(day - 100)
    assert items.nbytes < 8 * 500
    cells, held = items.between(13900, 14000)
    assert (cells, held.sum()) == ((Cell(COUNTY, "01"),), 100)


async def test_a_write_that_commits_late_is_not_overlooked(store: Database) -> None:
    seen = panels(store)
    handler = ObservationHandler(PostgresCounts(), PLACES)
    async with store.transaction() as late:
        await handler.apply(late, [delivery(observation((COUNTY, "01", 3)))], None)
        await apply(store, observation(("320104", "02", 1)))
        assert len((await seen.latest(DAY)).cells) == 3
        await late.commit()
    assert Cell(COUNTY, "01") in (await seen.latest(DAY)).cells


async def test_what_was_recorded_after_a_day_closed_is_not_known_on_it(store: Database) -> None:
    await apply(store, observation((COUNTY, "01", 2), at=day_end(DAY) - timedelta(seconds=1)))
    await apply(store, observation((COUNTY, "01", 5), at=day_end(DAY)))
    seen = panels(store)
    await apply(store, observation((COUNTY, "02", 4), day=DAY - timedelta(days=9), at=day_end(DAY)))
    then = await seen.latest(DAY)
    assert then.counts[then.cells.index(Cell(COUNTY, "01")), -1] == 2
    assert then.first_day == DAY, "a day of which nothing was known begins no history"
    later = await seen.latest(DAY + timedelta(days=1))
    assert later.counts[later.cells.index(Cell(PROVINCE, "01")), -2] == 7


async def test_rebuilding_takes_back_one_feed_and_leaves_the_other_and_history(
    store: Database,
) -> None:
    counts = PostgresCounts()
    outcomes = OutcomeHandler(counts, PLACES, Desk(PostgresWarnings(), ReplayClock(NOON)))
    await apply(store, observation((COUNTY, "01", 3)))
    async with store.transaction() as tx:
        overdue = observation((COUNTY, "01", 1), measure=MEASURE_OVERDUE)
        event = Event(outcome=OutcomeEvent(observation=overdue))
        await outcomes.apply(tx, [Delivery(event, "")], None)
        given = [RecordedCount(COUNTY, "01", 1, DAY, 9)]
        await record_counts(tx, counts, PLACES, "history", given)
        await ObservationHandler(counts, PLACES).rebuild(tx)
        await tx.commit()
    assert (await sums(store))[COUNTY, "01"] == 9
    assert (await sums(store, MEASURE_OVERDUE))[COUNTY, "01"] == 1
    async with store.read() as connection:
        kept = await connection.execute(text("SELECT sum(delta) FROM cell_delta WHERE measure = 1"))
        assert kept.scalar_one() == 0


async def test_a_verdict_on_an_unknown_warning_is_an_error_that_parks(store: Database) -> None:
    desk = Desk(PostgresWarnings(), ReplayClock(NOON))
    verdict = WarningVerdict(
        warning=f"warnings/{COUNTY}-{uuid.uuid4()}", finding=WarningVerdict.FINDING_CONFIRMED
    )
    delivered = [Delivery(Event(outcome=OutcomeEvent(verdict=verdict)), "")]
    async with store.transaction() as tx:
        with pytest.raises(NotFound):
            await OutcomeHandler(PostgresCounts(), PLACES, desk).apply(tx, delivered, None)


async def test_observations_of_a_real_feed_count_exactly_once(
    store: Database, make_database: Callable[[str], MadeDatabase], authority: Authority
) -> None:
    made = make_database("classifier")
    upstream = await Database.open(made["url"], made["schema"], 4)
    cells = [(region, category) for region in (COUNTY, "320104") for category in ("01", "02")]
    events = [
        NewEvent(
            feed=SECRET,
            subject="",
            shard_key=f"{region}|{category}",
            region_code=region,
            etag="",
            recorded_at=NOON,
            payload=observation((region, category, 1)),
        )
        for region, category in cells * 25
    ]
    async with served(authority, upstream) as feed:
        handler = ObservationHandler(PostgresCounts(), PLACES)
        consumers = [
            FeedConsumer(SECRET, "warning", feed.channel("warning"), store, handler, batch_size=7)
            for _ in range(2)
        ]
        async with consuming(*consumers):
            await publish(upstream, *events)

            async def all_there() -> bool:
                return (await sums(store)).get((PROVINCE, "01"), 0) >= 50

            await until(all_there)
            await asyncio.sleep(0.3)
    wanted = dict.fromkeys(cells, 25)
    found = await sums(store)
    assert {cell: found[cell] for cell in cells} == wanted
    await upstream.close()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["9A0101", "9A0102", "9A0100", "9A0000"]),
            st.sampled_from(["01", "02"]),
            st.integers(-3, 3),
        ),
        max_size=30,
    )
)
def test_a_parent_is_the_sum_of_its_children_and_of_what_was_given_for_it(
    items: list[tuple[str, str, int]],
) -> None:
    keyed = [(CellDay(region, category, 1, 0, DAY), count) for region, category, count in items]
    found = dict(rolled_up(keyed, ancestors))
    for category in ("01", "02"):
        total = sum(count for _, given, count in items if given == category)
        assert found.get(CellDay("9A0000", category, 1, 0, DAY), 0) == total
    assert list(found) == sorted(found)
