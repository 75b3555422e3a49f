"""Pull, apply, advance: every event takes effect once and in order, whatever happens."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text

from heed_local.authority import Authority
from heed_shared.database import Database
from heed_shared.feed import FeedConsumer, server
from heed_shared.feed.applying import CursorMovedError, Move, apply_batch, make_cursors
from heed_shared.feed.records import Delivery
from heed_shared.rpc.client import open_channel_for
from tests.shared.feed_setup import (
    FEED,
    Recorder,
    Served,
    applied,
    consuming,
    delivered,
    effects,
    event,
    publish,
    publish_many,
    served,
    until,
    waiting,
)


def _once_and_in_order(rows: list[tuple[str, str]], count: int) -> None:
    assert len(rows) == len(set(rows)) == count
    for subject in {row[0] for row in rows}:
        notes = [note for name, note in rows if name == subject]
        assert notes == sorted(notes)


def _consumer(feed: Served, target: Database, handler: Recorder, batch: int = 200) -> FeedConsumer:
    return FeedConsumer(FEED, "classifier", feed.channel(), target, handler, batch)


@asynccontextmanager
async def _replica(target: Database) -> AsyncIterator[Database]:
    opened = await Database.open(target.url, target.schema, 4)
    yield opened
    await opened.close()


async def test_every_event_takes_effect_once_and_in_order(
    authority: Authority, database: Database, target: Database
) -> None:
    await publish_many(database, 500)
    async with served(authority, database) as feed, consuming(_consumer(feed, target, Recorder())):
        await applied(target, 500)
        await publish(database, event("petitions/1", "later"))
        _once_and_in_order(await applied(target, 501), 501)


async def test_events_published_while_it_waits_are_applied_at_once(
    authority: Authority, database: Database, target: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing but the news itself brings the events before the long poll is over.
    monkeypatch.setattr(server, "_POLL_S", 3600)
    async with served(authority, database) as feed, consuming(_consumer(feed, target, Recorder())):
        for number in range(5):
            await waiting(feed, 1)
            await publish(database, event("petitions/1", str(number)))
            await applied(target, number + 1, 15)


async def test_nothing_is_open_while_a_batch_is_prepared(
    authority: Authority, database: Database, target: Database
) -> None:
    open_now: list[int] = []
    recorder = Recorder()

    async def look() -> None:
        async with target.single() as connection:
            count = await connection.scalar(
                text(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE state LIKE 'idle in transaction%' AND datname = current_database()"
                )
            )
        open_now.append(int(count or 0))

    async def all_prepared() -> bool:
        return len(recorder.prepared) >= 100

    recorder.on_prepare = look
    await publish_many(database, 100)
    async with (
        served(authority, database) as feed,
        consuming(_consumer(feed, target, recorder, batch=10)),
    ):
        await until(all_prepared)  # Not by reading effects: that would open a transaction itself.
    assert len(open_now) >= 10
    assert set(open_now) == {0}


async def test_two_replicas_share_the_shards_and_a_fresh_one_gets_some(
    authority: Authority, database: Database, target: Database
) -> None:
    async with served(authority, database) as feed, _replica(target) as second_database:
        first = _consumer(feed, target, Recorder())
        second = _consumer(feed, second_database, Recorder())

        async def all_held() -> bool:
            return len(first._locks.held) == 16

        async def shared() -> bool:
            return len(first._locks.held) == len(second._locks.held) == 8

        async with consuming(first):
            await until(all_held)
            async with consuming(second):
                await until(shared)
                assert first._locks.held.isdisjoint(second._locks.held)
                await publish_many(database, 400)
                _once_and_in_order(await applied(target, 400), 400)
            await until(all_held)
            await publish(database, *(event(f"petitions/{n}", "z") for n in range(40)))
            _once_and_in_order(await applied(target, 440), 440)


async def test_a_consumer_that_loses_its_locks_stops_and_takes_them_again(
    authority: Authority, database: Database, target: Database
) -> None:
    async with served(authority, database) as feed:
        consumer = _consumer(feed, target, Recorder(), batch=10)

        async def all_held() -> bool:
            return len(consumer._locks.held) == 16

        async with consuming(consumer):
            await publish_many(database, 100)
            for _ in range(3):
                await until(all_held)
                lost = consumer._locks.lost
                async with target.single() as connection:
                    await connection.execute(
                        text(
                            "SELECT pg_terminate_backend(pid) FROM pg_locks"
                            " WHERE locktype = 'advisory' AND database = (SELECT oid"
                            " FROM pg_database WHERE datname = current_database())"
                        )
                    )
                await asyncio.wait_for(lost.wait(), 30)
            await publish(database, *(event(f"petitions/{n}", "z") for n in range(50)))
            _once_and_in_order(await applied(target, 150), 150)


@pytest.mark.faults
@pytest.mark.parametrize("batches", [0, 3])
async def test_a_consumer_killed_between_apply_and_commit_repeats_and_loses_nothing(
    authority: Authority, database: Database, target: Database, batches: int
) -> None:
    await publish_many(database, 200)
    async with served(authority, database) as feed:
        arguments = (
            target.url,
            target.schema,
            feed.service.target,
            str(authority.directory),
            str(batches),
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.shared.killed_consumer", *arguments
        )
        assert await process.wait() == -signal.SIGKILL
        assert len(await effects(target)) == 20 * batches
        async with consuming(_consumer(feed, target, Recorder())):
            _once_and_in_order(await applied(target, 200), 200)


async def test_two_who_fetched_the_same_batch_apply_it_once(target: Database) -> None:
    await make_cursors(target, FEED)
    deliveries = [Delivery(delivered(event("petitions/1", note)), "") for note in "12"]
    moves = {deliveries[0].event.shard: Move("", "the new cursor", 2)}
    both = asyncio.Barrier(2)

    async def meet() -> None:
        await both.wait()

    handlers = [Recorder(on_prepare=meet), Recorder(on_prepare=meet)]
    results = await asyncio.gather(
        *(apply_batch(target, FEED, handler, moves, deliveries) for handler in handlers),
        return_exceptions=True,
    )
    assert [type(result) for result in results if result is not None] == [CursorMovedError]
    assert [note for _, note in await effects(target)] == ["1", "2"]


async def test_two_replicas_that_both_believe_to_hold_every_shard_apply_once(
    authority: Authority, database: Database, target: Database
) -> None:
    """What happens when a lock was lost unnoticed: the cursor alone keeps effects single."""
    await publish_many(database, 300)
    async with served(authority, database) as feed, _replica(target) as second_database:
        first = _consumer(feed, target, Recorder(), batch=20)
        second = _consumer(feed, second_database, Recorder(), batch=20)
        second._locks._key += 1  # Another set of locks.
        async with consuming(first, second):
            await applied(target, 300)
            await asyncio.sleep(0.3)
            _once_and_in_order(await effects(target), 300)


async def test_a_peer_that_goes_away_and_comes_back_is_waited_for(
    authority: Authority, database: Database, target: Database
) -> None:
    stop = asyncio.Event()
    async with served(authority, database) as feed:
        address = feed.service.target
        channel = open_channel_for(feed.service.tls("classifier"), address)
        consumer = FeedConsumer(FEED, "classifier", channel, target, Recorder())
        task = asyncio.create_task(consumer.run(stop))
        await publish_many(database, 20)
        await applied(target, 20)
    await publish(database, event("petitions/1", "while it was away"))
    await asyncio.sleep(0.5)
    assert not task.done()
    async with served(authority, database, address):
        _once_and_in_order(await applied(target, 21), 21)
        stop.set()
        await asyncio.wait_for(task, 15)  # It does not sit out the long poll.
    await channel.close()
