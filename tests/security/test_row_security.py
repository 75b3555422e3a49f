"""The database shows a caller the rows of the own region only, whatever a query forgot."""

import asyncio
from collections.abc import Callable
from contextvars import copy_context

import pytest
from sqlalchemy import text

from heed_shared.database import Database
from heed_shared.identity import Caller, set_caller
from tests.database_templates import MadeDatabase
from tests.intake.conftest import Office, database, office, settings_for

__all__ = ["database", "office", "settings_for"]
COUNT = text("SELECT count(*) FROM petition")


async def counted(own: Database, prefix: str | None) -> int:
    """Count with a query that knows no region, as a caller of one or as nobody's work."""
    if prefix is not None:
        set_caller(Caller("staff/1", "", "", frozenset(), prefix))
    async with own.read() as connection:
        return int((await connection.execute(COUNT)).scalar_one())


@pytest.mark.parametrize(
    ("prefix", "expected"), [(None, 3), ("", 3), ("11", 2), ("110105", 1), ("12", 0)]
)
async def test_a_query_without_a_region_sees_that_of_the_caller(
    office: Office, prefix: str | None, expected: int
) -> None:
    for region_code in ("110105", "110106", "310101"):
        await office.register(region_code=region_code)
    own = await Database.open(office.database["url"], "intake")
    try:
        found = await asyncio.create_task(counted(own, prefix), context=copy_context())
        assert found == expected
        # The pooled connection carries nothing over to the next caller.
        assert await asyncio.create_task(counted(own, None), context=copy_context()) == 3
    finally:
        await own.close()


CLOSED = {
    "intake": {"petition"},
    "classifier": {"classification", "matter", "matter_terms"},
    "disposal": {"cases", "case_deadline"},
}


@pytest.mark.parametrize("service", sorted(CLOSED))
async def test_the_tables_that_hold_petitions_and_cases_are_closed_by_region(
    service: str, make_database: Callable[[str], MadeDatabase]
) -> None:
    own = await Database.open(make_database(service)["url"], service)
    try:
        async with own.read() as connection:
            rows = await connection.execute(
                text(
                    "SELECT relname FROM pg_class WHERE relrowsecurity"
                    " AND relnamespace = current_schema()::regnamespace"
                )
            )
            assert {row.relname for row in rows} == CLOSED[service]
    finally:
        await own.close()
