"""What a real Postgres raises, as callers see it."""

import asyncio
from collections.abc import Awaitable

import pytest
from sqlalchemy import text

from heed_shared.database import Database
from heed_shared.errors import (
    Conflict,
    DeadlineTooShort,
    DependencyDown,
    HeedError,
    RateLimited,
    translate,
)
from heed_shared.rpc import deadline


async def translated(work: Awaitable[None]) -> HeedError | None:
    with pytest.raises(Exception) as raised:  # noqa: PT011 - whatever it is, translate decides
        await work
    return translate(raised.value)


async def run(database: Database, *statements: str) -> None:
    async with database.transaction() as tx:
        for statement in statements:
            await tx.connection.execute(text(statement))
        await tx.commit()


async def test_a_database_that_is_away_is_a_dependency_that_is_down() -> None:
    away = await Database.open("postgresql://nobody:x@127.0.0.1:1/none", "sample", 1)
    assert isinstance(await translated(run(away, "SELECT 1")), DependencyDown)
    await away.close()


async def test_a_terminated_connection_is_a_dependency_that_is_down(database: Database) -> None:
    suicide = "SELECT pg_terminate_backend(pg_backend_pid())"
    assert isinstance(await translated(run(database, suicide)), DependencyDown)


async def test_a_statement_that_outlasts_its_deadline_is_too_late(database: Database) -> None:
    deadline.start(0.1)
    assert isinstance(await translated(run(database, "SELECT pg_sleep(5)")), DeadlineTooShort)


async def test_transactions_that_collide_may_be_repeated(database: Database) -> None:
    insert = "INSERT INTO daily_job (name, last_day) VALUES ('x', '2026-01-01')"
    await run(database, insert)
    serializable = "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"
    update = "UPDATE daily_job SET last_day = '2026-01-02'"
    async with database.transaction() as slow:
        await slow.connection.execute(text(serializable))
        await slow.connection.execute(text("SELECT * FROM daily_job"))
        await run(database, update)

        async def collide() -> None:
            await slow.connection.execute(text(update))

        assert isinstance(await translated(collide()), Conflict)


async def test_a_pool_without_a_free_connection_is_too_many_calls(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = await Database.open(database.url, database.schema, 1)
    monkeypatch.setattr(small.engine.pool, "_timeout", 0.1)
    async with small.read():
        assert isinstance(await translated(run(small, "SELECT 1")), RateLimited)
    await small.close()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM no_such_table",
        "INSERT INTO daily_job (name) VALUES (NULL)",
        "SELECT 1/0",
    ],
)
async def test_a_mistake_of_our_own_is_no_answer_to_a_caller(
    database: Database, statement: str
) -> None:
    assert await translated(run(database, statement)) is None


async def test_a_lost_race_for_a_lock_may_be_repeated(database: Database) -> None:
    await run(database, "INSERT INTO daily_job (name, last_day) VALUES ('x', '2026-01-01')")
    async with database.transaction() as holder:
        await holder.connection.execute(text("SELECT * FROM daily_job FOR UPDATE"))
        work = run(database, "SELECT * FROM daily_job FOR UPDATE NOWAIT")
        assert isinstance(await translated(asyncio.ensure_future(work)), Conflict)
