"""The memory of counts follows the tables, knows no more than a day knew, and stays small."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from heed_shared.clock import day_end
from heed_shared.database import Database
from heed_warning.adapters.count_memory import CountMemory, Rows
from heed_warning.adapters.counts import PostgresCounts
from heed_warning.adapters.observation_handler import ObservationHandler
from heed_warning.adapters.panels import LONGEST_HISTORY_DAYS
from heed_warning.domain.panel import Cell
from tests.warning.counts_setup import (
    CITY,
    COUNTY,
    DAY,
    PLACES,
    PROVINCE,
    apply,
    delivery,
    observation,
    panels,
)


def rows_of(given: list[tuple[str, str, int, int, int]]) -> Rows:
    """Rows as they are read: region, category, kind, day and count."""
    regions, categories, kinds, days, counts = zip(*given, strict=True)
    return Rows(
        np.array([a + b for a, b in zip(regions, categories, strict=True)], dtype="S8"),
        np.array(kinds),
        np.array(days),
        np.array(counts, dtype=float),
    )


def put(memory: CountMemory, rows: Rows) -> None:
    """Take rows in and make them known."""
    memory.take(rows)
    memory.settle()


def known(memory: CountMemory) -> set[tuple[int, Cell, int, float]]:
    """Kind, cell, day and count of all that is known."""
    return {
        (kind, memory.cells[number], day, count)
        for kind, *arrays in memory.of_kinds(0, 2000)
        for number, day, count in zip(*(array.tolist() for array in arrays), strict=True)
    }


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
    memory = CountMemory()
    for day in range(9000, 14000):
        put(memory, rows_of([(COUNTY, "01", 100, day, 1)]))
        memory.forget_before(day - 100)
    assert memory.nbytes < 16 * 500
    [(_, _, days, counts)] = memory.of_kinds(100, 101)
    assert counts[days >= 13900].sum() == 100


def test_a_count_given_again_replaces_the_one_before() -> None:
    memory = CountMemory()
    put(memory, rows_of([(COUNTY, "02", 100, 9, 4), (COUNTY, "01", 100, 9, 3)]))
    put(memory, rows_of([(CITY, "01", 503, 9, 1), (COUNTY, "02", 100, 9, 7)]))
    put(memory, rows_of([(COUNTY, "01", 100, 8, 5)]))
    assert known(memory) == {
        (100, Cell(COUNTY, "01"), 8, 5.0),
        (100, Cell(COUNTY, "01"), 9, 3.0),
        (100, Cell(COUNTY, "02"), 9, 7.0),
        (503, Cell(CITY, "01"), 9, 1.0),
    }
    assert [kind for kind, *_ in memory.of_kinds(500, 600)] == [503]


def test_a_count_taken_twice_at_once_keeps_the_later() -> None:
    memory = CountMemory()
    for count in (4, 7):
        memory.take(rows_of([(COUNTY, "01", 100, 9, count), (CITY, "01", 100, count, 1)]))
    memory.settle()
    assert known(memory) == {
        (100, Cell(COUNTY, "01"), 9, 7.0),
        (100, Cell(CITY, "01"), 4, 1.0),
        (100, Cell(CITY, "01"), 7, 1.0),
    }


def test_counts_of_any_size_come_in_by_place_whatever_their_order() -> None:
    rng = np.random.default_rng(1)
    for largest in (9, 10**15):
        given = [
            (region, "01", kind, int(day), int(count))
            for region in (COUNTY, CITY)
            for kind in (100, 503)
            for day, count in zip(rng.permutation(40), rng.integers(-3, largest, 40), strict=True)
        ]
        memory = CountMemory()
        for part in np.array_split(rng.permutation(len(given)), 3):
            memory.take(rows_of([given[place] for place in part.tolist()]))
        memory.settle()
        assert known(memory) == {
            (kind, Cell(region, category), day, float(count))
            for region, category, kind, day, count in given
        }
        for _, numbers, days, _ in memory.of_kinds(0, 2000):
            assert (np.diff(numbers * 100 + days) > 0).all()


def test_who_reads_counts_keeps_them_while_new_ones_come_in() -> None:
    memory = CountMemory()
    put(memory, rows_of([(COUNTY, "01", 100, 9, 3)]))
    [(_, _, _, before)] = memory.of_kinds(100, 101)
    put(memory, rows_of([(COUNTY, "01", 100, 9, 8)]))
    assert before.tolist() == [3.0]


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


async def test_an_answer_is_made_anew_only_when_something_changed(store: Database) -> None:
    seen = panels(store)
    await apply(store, observation((COUNTY, "01", 3)))
    first = await seen.evidence(DAY)
    await seen.evidence(DAY)  # what is read while its own horizon stands is read once more
    kept = await seen.evidence(DAY)
    assert kept[0] is (await seen.evidence(DAY))[0]
    assert kept[0].digest == first[0].digest
    await apply(store, observation((COUNTY, "01", 2), at=day_end(DAY)))
    later = await seen.evidence(DAY)
    assert later[0].digest == first[0].digest, "what comes later changes no earlier day"
    await apply(store, observation(("320104", "01", 2)))
    changed = await seen.evidence(DAY)
    assert changed[0].digest != first[0].digest
    assert changed[0].digest == (await panels(store).evidence(DAY))[0].digest
