"""Migrations of a service's schema on a real Postgres."""

import asyncio

import asyncpg
import pytest

from heed_local.postgres import Cluster
from heed_shared.database import Database
from heed_shared.migrations import require_current, run_migrations, schema_is_current
from tests.shared.conftest import PACKAGE, SCHEMA, new_database


async def test_up_down_and_up_again_leaves_the_same_tables(cluster: Cluster) -> None:
    url = cluster.url(await new_database(cluster))
    await run_migrations("sample", PACKAGE, url, SCHEMA)
    first = await _tables(url)
    await run_migrations("sample", PACKAGE, url, SCHEMA, "base")
    assert await _tables(url) == {"alembic_version"}
    await run_migrations("sample", PACKAGE, url, SCHEMA)
    assert await _tables(url) == first
    assert {"feed_event", "feed_cursor", "request_record", "operation", "effect"} <= first


async def test_a_run_at_head_changes_nothing_and_a_step_down_is_possible(cluster: Cluster) -> None:
    url = cluster.url(await new_database(cluster))
    await run_migrations("sample", PACKAGE, url, SCHEMA)
    await run_migrations("sample", PACKAGE, url, SCHEMA)
    await run_migrations("sample", PACKAGE, url, SCHEMA, "0001")
    assert "effect" not in await _tables(url)


async def test_two_runs_at_once_wait_for_each_other(cluster: Cluster) -> None:
    url = cluster.url(await new_database(cluster))
    await asyncio.gather(*(run_migrations("sample", PACKAGE, url, SCHEMA) for _ in range(3)))
    assert "effect" in await _tables(url)


async def test_an_older_schema_is_not_current(cluster: Cluster) -> None:
    url = cluster.url(await new_database(cluster))
    await run_migrations("sample", PACKAGE, url, SCHEMA, "0001")
    database = await Database.open(url, SCHEMA)
    assert not await schema_is_current(database, PACKAGE)
    with pytest.raises(RuntimeError, match="newest revision"):
        await require_current(database, PACKAGE)
    await run_migrations("sample", PACKAGE, url, SCHEMA)
    assert await schema_is_current(database, PACKAGE)
    await database.close()


async def _tables(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", SCHEMA)
    await connection.close()
    return {row["tablename"] for row in rows}
