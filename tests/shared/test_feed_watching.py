"""Watching a feed: nothing lost or repeated over a break, and an end within a second."""

import asyncio
import time
from typing import Any

import grpc
from heed.feed.v1 import feed_service_pb2 as pb
from heed.feed.v1.event_pb2 import ShardPosition

from heed_local.authority import Authority
from heed_shared.database import Database
from tests.shared.feed_setup import FEED, event, publish, publish_many, served


async def test_a_watch_that_breaks_and_resumes_loses_and_repeats_nothing(
    authority: Authority, database: Database
) -> None:
    async with served(authority, database) as feed:
        writing = asyncio.create_task(_write(database, 300))
        seen: list[str] = []
        positions: list[ShardPosition] = []
        for round_number in range(6):
            channel = feed.channel()
            stub = type(feed.stub())(channel)
            watch: Any = stub.WatchEvents(pb.WatchEventsRequest(feed=FEED, positions=positions))
            for _ in range(3 + round_number):
                response = await watch.read()
                seen += [item.etag for item in response.events]
                positions = list(response.positions)
            await channel.close()  # No goodbye: whatever was on the way is gone.
        await writing
        watch = feed.stub().WatchEvents(pb.WatchEventsRequest(feed=FEED, positions=positions))
        while len(seen) < 300:
            seen += [item.etag for item in (await watch.read()).events]
        watch.cancel()
    assert sorted(seen) == [f"{number:05}" for number in range(300)]


async def _write(database: Database, count: int) -> None:
    for number in range(count):
        await publish(database, event(f"petitions/{number % 40}", f"{number:05}"))
        await asyncio.sleep(0.002)


async def test_a_watch_starts_with_a_checkpoint_from_which_one_can_resume(
    authority: Authority, database: Database
) -> None:
    async with served(authority, database) as feed:
        watch: Any = feed.stub().WatchEvents(pb.WatchEventsRequest(feed=FEED))
        first = await watch.read()
        assert len(first.events) == 0
        assert all(item.cursor for item in first.positions)
        await publish_many(database, 5)
        assert len((await watch.read()).events) >= 1
        watch.cancel()


async def test_stopping_ends_streams_and_waits_before_the_grace_is_over(
    authority: Authority, database: Database
) -> None:
    async with served(authority, database) as feed:
        watch: Any = feed.stub().WatchEvents(pb.WatchEventsRequest(feed=FEED))
        await watch.read()
        request = pb.ListEventsRequest(feed=FEED)
        request.wait.FromSeconds(20)
        waiting = asyncio.ensure_future(feed.stub().ListEvents(request, timeout=25))
        await asyncio.sleep(0.2)
        started = time.monotonic()
        feed.service.stop.set()
        while (response := await watch.read()) is not grpc.aio.EOF:
            assert len(response.events) == 0
        assert len((await waiting).events) == 0
        await feed.service.task
        assert time.monotonic() - started < 3.0
