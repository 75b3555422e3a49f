"""Counts come in once, roll up, and net to zero."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable

import pytest
from heed.common.v1.observation_pb2 import (
    MEASURE_ITEMS,
    MEASURE_OVERDUE,
    MEASURE_REPEAT,
)
from heed.disposal.v1.events_pb2 import OutcomeEvent, WarningVerdict
from heed.feed.v1.event_pb2 import Event
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from heed_local.authority import Authority
from heed_shared.database import Database
from heed_shared.errors import NotFound, UnknownRegion
from heed_shared.feed import Delivery, FeedConsumer, NewEvent
from heed_warning.adapters.counts import PostgresCounts
from heed_warning.adapters.observation_handler import ObservationHandler, OutcomeHandler
from heed_warning.application.observations import Source, record_counts
from heed_warning.domain.counts import CellDay, RecordedCount, rolled_up
from tests.database_templates import MadeDatabase
from tests.shared.feed_setup import SECRET, consuming, publish, served, until
from tests.warning.counts_setup import (
    CITY,
    COUNTY,
    DAY,
    NOON,
    PLACES,
    PROVINCE,
    apply,
    desk_at,
    observation,
)
from tests.warning.simulation import ancestors


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
            await record_counts(tx, PostgresCounts(), PLACES, Source(source, "staff/1"), given)
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


async def test_rebuilding_takes_back_one_feed_and_leaves_the_other_and_history(
    store: Database,
) -> None:
    counts = PostgresCounts()
    outcomes = OutcomeHandler(counts, PLACES, desk_at(NOON))
    await apply(store, observation((COUNTY, "01", 3)))
    async with store.transaction() as tx:
        overdue = observation((COUNTY, "01", 1), measure=MEASURE_OVERDUE)
        event = Event(outcome=OutcomeEvent(observation=overdue))
        await outcomes.apply(tx, [Delivery(event, "")], None)
        given = [RecordedCount(COUNTY, "01", 1, DAY, 9)]
        await record_counts(tx, counts, PLACES, Source("history", "staff/1"), given)
        await ObservationHandler(counts, PLACES).rebuild(tx)
        await tx.commit()
    assert (await sums(store))[COUNTY, "01"] == 9
    assert (await sums(store, MEASURE_OVERDUE))[COUNTY, "01"] == 1
    async with store.read() as connection:
        kept = await connection.execute(text("SELECT sum(delta) FROM cell_delta WHERE measure = 1"))
        assert kept.scalar_one() == 0


async def test_a_verdict_on_an_unknown_warning_is_an_error_that_parks(store: Database) -> None:
    desk = desk_at(NOON)
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
