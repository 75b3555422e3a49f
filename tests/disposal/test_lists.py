"""Lists among many cases: each page is right, and is read from an index, never from a table."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import date
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import text

from heed_disposal.adapters import lists
from heed_disposal.adapters.case_reader import PostgresCaseReader
from heed_disposal.application.ports import CaseFilter, CasePosition, DeadlineFilter
from heed_disposal.domain.terms import State, Track
from heed_local.authority import Authority
from heed_shared.clock import day_end
from heed_shared.database import Database
from tests.benchmarks.disposal.many_cases import BIG_UNIT, CROWDED, fill
from tests.database_templates import DatabaseTemplates
from tests.disposal.builders import MONDAY
from tests.disposal.serving import serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

CASES = 12_000
PAGE = 6
MOST_ROWS = 2 * CASES // 10
"""Rows that a list may look at or sort: pages of many counties, and never the table."""

_ATTEMPTS = 5
_ADMIN: dict[str, str] = {}
"""Address of the administrator of a database, who may vacuum it."""

DEADLINE_FILTERS = {
    "all": DeadlineFilter(),
    "county": DeadlineFilter(region_prefix="110101"),
    "prefecture": DeadlineFilter(region_prefix="4401"),
    "province": DeadlineFilter(region_prefix=CROWDED),
    "odd prefix": DeadlineFilter(region_prefix="440"),
    "nowhere": DeadlineFilter(region_prefix="999999"),
    "unit": DeadlineFilter(unit=BIG_UNIT),
    "unit in a province": DeadlineFilter(unit=BIG_UNIT, region_prefix=CROWDED),
    "overdue": DeadlineFilter(used_share=1, now=MONDAY),
    "nearly used": DeadlineFilter(used_share=0.99, now=MONDAY),
    "nearly used in a province": DeadlineFilter(used_share=0.99, now=MONDAY, region_prefix=CROWDED),
    "due by": DeadlineFilter(due_by=date(2026, 9, 20)),
}
CASE_FILTERS = {
    "all": CaseFilter(),
    "county": CaseFilter(region_prefix="110101"),
    "province": CaseFilter(region_prefix=CROWDED),
    "category": CaseFilter(category_code="05"),
    "rare state": CaseFilter(states=(State.OBJECTED,)),
    "two states in a province": CaseFilter(
        region_prefix=CROWDED, states=(State.OBJECTED, State.ROUTED)
    ),
    "state in a prefecture": CaseFilter(region_prefix="4401", states=(State.ROUTED,)),
    "category in a county": CaseFilter(region_prefix="440103", category_code="05"),
    "state that none has": CaseFilter(states=(State.ARCHIVED,)),
    "track": CaseFilter(track=Track.APPEAL, category_code="01"),
    "warnings": CaseFilter(track=Track.WARNING),
    "unit": CaseFilter(unit=BIG_UNIT),
    "state of a small unit": CaseFilter(unit="单位7", states=(State.ROUTED,)),
    "unit in a province": CaseFilter(unit=BIG_UNIT, region_prefix=CROWDED),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def crowded(
    database_templates: DatabaseTemplates, authority: Authority
) -> AsyncIterator[Database]:
    """A database with many open cases."""
    made = database_templates.copy("disposal")
    async with serving(authority, made) as disposal:
        await disposal.opened()
    await fill(made["admin_url"], made["schema"], CASES, overdue_share=0.002)
    database = await Database.open(made["url"], made["schema"], 2)
    _ADMIN[database.url] = made["admin_url"]
    yield database
    await database.close()
    database_templates.drop(made)


async def vacuum(admin_url: str) -> None:
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute("VACUUM (ANALYZE)")
    finally:
        await connection.close()


async def scalars(database: Database, query: str, **told: Any) -> list[Any]:
    async with database.read() as connection:
        return list((await connection.execute(text(query), told)).scalars())


def deadline_condition(wanted: DeadlineFilter) -> str:
    """The filter once more, as plain as it can be said."""
    parts = ["d.state = 1", f"d.handling_region LIKE '{wanted.region_prefix}%'"]
    if wanted.unit:
        parts.append(f"c.unit = '{wanted.unit}'")
    if wanted.due_by:
        parts.append(f"d.due_internal <= '{wanted.due_by}'")
    if wanted.now:
        parts.append(
            "d.started_at + d.stood_still + (d.burns_at - d.started_at - d.stood_still)"
            f" * {wanted.used_share} <= '{wanted.now.isoformat()}'"
        )
    return " AND ".join(parts)


async def test_the_pages_of_deadlines_are_those_of_a_plain_query(crowded: Database) -> None:
    reader = PostgresCaseReader(crowded)
    for name, wanted in DEADLINE_FILTERS.items():
        expected = await scalars(
            crowded,
            "SELECT d.uid::text || d.number FROM case_deadline d JOIN cases c USING (region, uid)"
            f" WHERE {deadline_condition(wanted)}"
            " ORDER BY d.burns_at, d.region, d.uid, d.number LIMIT 120",
        )
        found = await reader.list_deadlines(wanted, None, 60)
        if len(found) == 60:
            found += await reader.list_deadlines(wanted, found[-1].position, 60)
        assert [f"{item.uid}{item.deadline.number}" for item in found] == expected, name
        assert all(item.title and item.deadline.due for item in found)


async def test_the_pages_of_cases_are_those_of_a_plain_query(crowded: Database) -> None:
    reader = PostgresCaseReader(crowded)
    for name, wanted in CASE_FILTERS.items():
        states = [int(state) for state in wanted.states or tuple(State)]
        expected = await scalars(
            crowded,
            "SELECT uid FROM cases WHERE handling_region LIKE :prefix AND state = ANY(:states)"
            " AND category_code LIKE :category AND (:track = 0 OR track = :track)"
            " AND (:unit = '' OR unit = :unit)"
            " ORDER BY opened_at DESC, uid DESC LIMIT 120",
            prefix=f"{wanted.region_prefix}%",
            states=states,
            category=f"{wanted.category_code}%",
            track=int(wanted.track or 0),
            unit=wanted.unit,
        )
        found = await reader.list_cases(wanted, None, 60)
        if len(found) == 60:
            last = CasePosition(found[-1].opened_at, found[-1].uid)
            found += await reader.list_cases(wanted, last, 60)
        assert [case.uid for case in found] == expected, name
        assert all(case.assessment and case.deadlines for case in found)


async def test_a_clock_in_hours_is_due_by_the_day_in_which_it_ends(crowded: Database) -> None:
    day = date(2026, 9, 20)
    reader = PostgresCaseReader(crowded)
    one = (await reader.list_deadlines(DeadlineFilter(due_by=day), None, 1))[0]
    async with crowded.transaction() as tx:
        await tx.connection.execute(
            text(
                "UPDATE case_deadline SET burns_at = :at, due_internal = :day,"
                " due_legal = :day WHERE uid = :uid"
            ),
            {"at": day_end(day), "day": date(2026, 9, 21), "uid": one.uid},
        )
        query, told = lists.deadlines(DeadlineFilter(due_by=day), None, 10_000)
        rows = await tx.connection.execute(text(query).bindparams(**told))
        assert one.uid not in {row.uid for row in rows}


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


@pytest.mark.parametrize("name", DEADLINE_FILTERS)
async def test_a_list_of_deadlines_reads_no_table_and_sorts_no_table(
    crowded: Database, name: str
) -> None:
    await assert_by_index(crowded, *lists.deadlines(DEADLINE_FILTERS[name], None, PAGE))


@pytest.mark.parametrize("name", CASE_FILTERS)
async def test_a_list_of_cases_reads_no_table_and_sorts_no_table(
    crowded: Database, name: str
) -> None:
    await assert_by_index(crowded, *lists.cases(CASE_FILTERS[name], None, PAGE))


async def assert_by_index(database: Database, query: str, told: dict[str, Any]) -> None:
    """Check the plan; while a transaction of another test keeps pages from being all-visible, wait.

    The cluster is shared, and what VACUUM could not mark makes reading an index alone look dear.
    """
    for attempts_left in range(_ATTEMPTS - 1, -1, -1):
        try:
            await _assert_by_index(database, query, told)
        except AssertionError:
            if not attempts_left:
                raise
            await asyncio.sleep(1)
            await vacuum(_ADMIN[database.url])
        else:
            return


async def _assert_by_index(database: Database, query: str, told: dict[str, Any]) -> None:
    async with database.read() as connection:
        explained = await connection.execute(
            text(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}").bindparams(**told)
        )
        answer = explained.scalar_one()
    plan = (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]
    for node in nodes(plan):
        assert node["Node Type"] != "Seq Scan", node
        if "Scan" in node["Node Type"] and "Relation Name" in node:
            looked_at = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            assert looked_at * node["Actual Loops"] <= MOST_ROWS, node
        if "Sort" in node["Node Type"]:
            below = node["Plans"][0]
            assert below["Actual Rows"] * below["Actual Loops"] <= MOST_ROWS, node
