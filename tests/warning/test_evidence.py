"""What indicators read from the tables: every level of region, as known at the end of a day."""

from __future__ import annotations

from datetime import date, timedelta

from heed_shared.clock import day_end
from heed_shared.database import Database
from heed_warning.adapters.counts import PostgresCounts
from heed_warning.application.observations import Source, record_counts
from heed_warning.domain.counts import Measure, RecordedCount
from heed_warning.domain.evidence import Evidence
from heed_warning.domain.panel import Cell
from tests.warning.counts_setup import (
    CITY,
    COUNTY,
    DAY,
    PLACES,
    PROVINCE,
    apply,
    observation,
    panels,
)

BACK = timedelta(days=1)


def at(day: date) -> dict[str, object]:
    """An observation of a day, recorded just before it ends."""
    return {"day": day, "at": day_end(day) - timedelta(minutes=1)}


def seen(evidence: Evidence, region: str, measure: Measure, ends: int = 1) -> list[float]:
    """A measure in the four weeks that end 0, 1 ... weeks ago."""
    row = evidence.cells.index(Cell(region, "01"))
    counts: list[float] = evidence.window(measure, 28, evidence.every_row(), ends)[row].tolist()
    return counts


async def test_measures_are_there_for_county_city_and_province(store: Database) -> None:
    await apply(store, observation((COUNTY, "01", 3), ("320104", "01", 2)))
    await apply(store, observation((COUNTY, "01", 2), measure=Measure.REPEAT))
    await apply(store, observation(("320104", "01", 1), measure=Measure.REPEAT, day=DAY - BACK))
    panel, evidence = await panels(store).evidence(DAY)
    assert evidence.cells == panel.cells
    found = {place: seen(evidence, place, Measure.REPEAT) for place in (COUNTY, CITY, PROVINCE)}
    assert found == {COUNTY: [2.0], CITY: [3.0], PROVINCE: [3.0]}
    assert seen(evidence, CITY, Measure.ITEMS) == [5.0]


async def test_suggestions_are_never_read(store: Database) -> None:
    await apply(store, observation((COUNTY, "01", 3)))
    await apply(store, observation((COUNTY, "01", 90), measure=Measure.SUGGESTION))
    _, evidence = await panels(store).evidence(DAY)
    assert seen(evidence, COUNTY, Measure.SUGGESTION) == [0.0]
    assert not evidence.entries


async def test_what_was_recorded_after_the_day_is_not_known_on_it(store: Database) -> None:
    await apply(store, observation((COUNTY, "01", 3), **at(DAY)))  # type: ignore[arg-type]
    late = day_end(DAY) + timedelta(hours=1)
    for measure, count in ((Measure.REPEAT, 5), (Measure.OVERDUE, 4)):
        await apply(store, observation((COUNTY, "01", count), measure=measure, at=late))
    _, then = await panels(store).evidence(DAY)
    assert seen(then, CITY, Measure.REPEAT) == seen(then, CITY, Measure.OVERDUE) == [0.0]
    _, later = await panels(store).evidence(DAY + BACK)
    assert seen(later, CITY, Measure.REPEAT) == [5.0]
    assert seen(later, CITY, Measure.OVERDUE) == [4.0]


async def test_past_windows_know_of_overdue_what_was_known_then(store: Database) -> None:
    due = DAY - timedelta(days=21)
    await apply(store, observation((COUNTY, "01", 9), **at(due)))  # type: ignore[arg-type]
    for day, count in ((due + BACK, 6), (DAY - timedelta(days=3), -6)):
        end = day_end(day) - timedelta(minutes=1)
        await apply(
            store, observation((COUNTY, "01", count), measure=Measure.OVERDUE, day=due, at=end)
        )
    _, evidence = await panels(store).evidence(DAY)
    for place in (COUNTY, CITY, PROVINCE):
        assert seen(evidence, place, Measure.OVERDUE, ends=4) == [0.0, 6.0, 6.0, 0.0]


async def test_recorded_history_counts_beside_what_came_live(store: Database) -> None:
    await apply(store, observation((COUNTY, "01", 3)))
    async with store.transaction() as tx:
        given = [
            RecordedCount(COUNTY, "01", measure, DAY - BACK, 7)
            for measure in (Measure.DUE, Measure.OVERDUE)
        ]
        await record_counts(tx, PostgresCounts(), PLACES, Source("history", "staff/1"), given)
        await tx.commit()
    await apply(store, observation((COUNTY, "01", 2), measure=Measure.OVERDUE, **at(DAY)))  # type: ignore[arg-type]
    _, evidence = await panels(store).evidence(DAY)
    assert seen(evidence, PROVINCE, Measure.OVERDUE) == [9.0]
    assert seen(evidence, PROVINCE, Measure.DUE) == [7.0]


async def test_memory_follows_new_counts_of_every_measure(store: Database) -> None:
    known = panels(store)
    await apply(store, observation((COUNTY, "01", 3)))
    await known.evidence(DAY)
    await apply(store, observation((COUNTY, "01", 2), measure=Measure.JOINT))
    await apply(store, observation((COUNTY, "01", 1), measure=Measure.JOINT, day=DAY + BACK))
    _, evidence = await known.evidence(DAY)
    assert seen(evidence, CITY, Measure.JOINT) == [2.0]
    _, evidence = await known.evidence(DAY + BACK)
    assert seen(evidence, CITY, Measure.JOINT) == [3.0]
