"""Transactions and connections on a real Postgres."""

from datetime import UTC, datetime

import pytest
from heed.intake.v1 import events_pb2
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from heed_shared.database import Database, raw
from heed_shared.errors import Conflict, translate
from heed_shared.feed import NewEvent, shard_of
from heed_shared.rpc import deadline

_INSERT = text("INSERT INTO effect (subject, note) VALUES ('a', 'b')")
_COUNT = text("SELECT count(*) FROM effect")


async def _count(database: Database) -> int:
    async with database.read() as connection:
        return int(await connection.scalar(_COUNT) or 0)


async def test_a_transaction_rolls_back_unless_it_commits(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.connection.execute(_INSERT)
    assert await _count(database) == 0
    async with database.transaction() as tx:
        await tx.connection.execute(_INSERT)
        await tx.commit()
    assert await _count(database) == 1


async def test_reading_cannot_write(database: Database) -> None:
    async with database.read() as connection:
        with pytest.raises(DBAPIError, match="read-only"):
            await connection.execute(_INSERT)


async def test_a_connection_that_read_can_write_afterwards(database: Database) -> None:
    for _ in range(6):
        await _count(database)
    async with database.transaction() as tx:
        await tx.connection.execute(_INSERT)
        await tx.commit()
    assert await _count(database) == 1


async def test_statements_on_the_raw_connection_roll_back_too(database: Database) -> None:
    async with database.transaction() as tx:
        await (await raw(tx.connection)).execute(
            "INSERT INTO effect (subject, note) VALUES ('', '')"
        )
    assert await _count(database) == 0


async def test_a_statement_gets_no_more_time_than_the_rpc_has(database: Database) -> None:
    deadline.start(0.1)
    async with database.transaction() as tx:
        with pytest.raises(DBAPIError, match="statement timeout"):
            await tx.connection.execute(text("SELECT pg_sleep(5)"))
    deadline.detach()
    async with database.transaction() as tx:
        assert await tx.connection.scalar(text("SHOW statement_timeout")) == "30s"


async def test_a_serialisation_failure_is_a_conflict(database: Database) -> None:
    async with database.transaction() as tx:
        with pytest.raises(DBAPIError) as caught:
            await tx.connection.execute(
                text("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$")
            )
    assert isinstance(translate(caught.value), Conflict)


async def test_published_events_commit_with_their_cause_and_wake_readers(
    database: Database,
) -> None:
    woken: list[str] = []
    database.on_published(woken.extend)
    event = NewEvent(
        feed="intake.petitions",
        subject="petitions/110101-x",
        region_code="110101",
        etag="e",
        recorded_at=datetime(2026, 1, 1, tzinfo=UTC),
        payload=events_pb2.PetitionEvent(petition="petitions/110101-x"),
    )
    async with database.transaction() as tx:
        await tx.publish([event])
    assert woken == []
    async with database.transaction() as tx:
        await tx.publish([event, event])
        assert woken == []
        await tx.commit()
    assert woken == ["intake.petitions"]
    async with database.read() as connection:
        rows = (await connection.execute(text("SELECT * FROM feed_event ORDER BY id"))).all()
    assert [row.shard for row in rows] == [shard_of(event.subject)] * 2
    assert rows[0].xid == rows[1].xid


async def test_a_day_without_partition_still_takes_events(database: Database) -> None:
    async with database.single() as connection:
        await connection.execute(text("SELECT feed_drop_day(current_date)"))
    await test_published_events_commit_with_their_cause_and_wake_readers(database)
    async with database.read() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM feed_event_default")) == 2


def test_shards_never_move() -> None:
    assert [shard_of(key) for key in ("a", "b", "petitions/110101-x")] == [15, 5, 5]
