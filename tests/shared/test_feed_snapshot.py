"""A snapshot and its positions fit: together they give everything once, whatever is written."""

import asyncio
import random
from collections.abc import Sequence

from heed.feed.v1 import feed_service_pb2 as pb
from heed.feed.v1.event_pb2 import Event, ShardPosition
from heed.feed.v1.feed_service_pb2_grpc import FeedServiceStub
from sqlalchemy import text

from heed_local.authority import Authority
from heed_shared.database import Database
from heed_shared.feed import FeedConsumer, bump_epoch
from tests.shared.feed_setup import (
    FEED,
    Rebuilder,
    Recorder,
    applied,
    consuming,
    effects,
    event,
    publish,
    served,
    until,
)


async def _write(database: Database, note: str, *, pause_s: float = 0.0) -> None:
    """A cause and its event in one transaction."""
    async with database.transaction() as tx:
        await tx.connection.execute(
            text("INSERT INTO effect (subject, note) VALUES (:subject, :note)"),
            {"subject": f"petitions/{note}", "note": note},
        )
        await tx.publish([event(f"petitions/{note}", note)])
        await asyncio.sleep(pause_s)
        await tx.commit()


async def _snapshot(stub: FeedServiceStub) -> tuple[list[Event], list[ShardPosition]]:
    events: list[Event] = []
    positions: Sequence[ShardPosition] = ()
    call = stub.GetFeedSnapshot(pb.GetFeedSnapshotRequest(feed=FEED))
    async for part in call:
        events += part.events
        positions = part.positions
    return events, list(positions)


async def _rest(
    stub: FeedServiceStub, positions: list[ShardPosition]
) -> tuple[list[str], list[ShardPosition]]:
    etags: list[str] = []
    while True:
        request = pb.ListEventsRequest(feed=FEED, positions=positions, page_size=5)
        page = await stub.ListEvents(request)
        positions = list(page.positions)
        if not page.events:
            return etags, positions
        etags += [item.etag for item in page.events]


async def test_snapshot_and_positions_miss_and_repeat_nothing_under_concurrent_writes(
    authority: Authority, own_database: Database
) -> None:
    notes: list[str] = []
    taken: list[tuple[list[Event], list[ShardPosition]]] = []

    async def writer() -> None:
        while len(notes) < 400 or len(taken) < 5:
            note = f"{len(notes):05}"
            notes.append(note)
            await _write(own_database, note, pause_s=random.choice([0, 0, 0.003, 0.03]))

    async with served(authority, own_database) as feed:
        stub = feed.stub()
        writers = [asyncio.create_task(writer()) for _ in range(5)]
        while not all(task.done() for task in writers):
            await asyncio.sleep(0.05)
            taken.append(await _snapshot(stub))
        await asyncio.gather(*writers)
        for events, positions in taken:
            state = [item.etag for item in events]
            rest, _ = await _rest(stub, positions)
            assert sorted(state + rest) == notes
        assert any(0 < len(events) < len(notes) for events, _ in taken)


async def test_what_was_seen_out_of_order_is_neither_repeated_nor_left_pending(
    authority: Authority, own_database: Database
) -> None:
    """The state has an event above the horizon: its writer committed before an older one."""
    async with served(authority, own_database) as feed:
        stub = feed.stub()
        async with own_database.transaction() as slow:
            await slow.publish([event("petitions/slow", "slow")])
            await _write(own_database, "fast")
            events, positions = await _snapshot(stub)
            assert [item.etag for item in events] == ["fast"]
            assert (await _rest(stub, positions))[0] == []
            await slow.commit()
        rest, positions = await _rest(stub, positions)
        assert rest == ["slow"]
        acknowledging = pb.ListEventsRequest(feed=FEED, consumer="classifier", positions=positions)
        await stub.ListEvents(acknowledging)
        status = await stub.GetFeedStatus(pb.GetFeedStatusRequest())
        assert {item.consumer: item.pending_count for item in status.feeds[0].consumers} == {
            "classifier": 0,
            "disposal": 2,
        }


async def test_a_snapshot_is_cut_to_the_callers_region(
    authority: Authority, database: Database
) -> None:
    await _write(database, "1")
    async with served(authority, database) as feed:
        assert len((await _snapshot(feed.peer("110000")))[0]) == 1
        assert len((await _snapshot(feed.peer("350000")))[0]) == 0


async def test_a_new_epoch_makes_a_consumer_rebuild_itself(
    authority: Authority, database: Database, target: Database
) -> None:
    async with served(authority, database) as feed:
        consumer = FeedConsumer(FEED, "classifier", feed.channel(), target, Rebuilder())
        async with consuming(consumer):
            for number in range(30):
                await _write(database, f"{number:02}")
            await applied(target, 30)
            # The restore took back ten petitions and brought another.
            async with database.single() as connection:
                await connection.execute(text("DELETE FROM effect WHERE note >= '20'"))
            await _write(database, "new")
            await applied(target, 31)
            await bump_epoch(database)
            expected = sorted([f"{number:02}" for number in range(20)] + ["new"])

            async def rebuilt() -> bool:
                return sorted(note for _, note in await effects(target)) == expected

            await until(rebuilt, 30)
            await publish(database, event("petitions/later", "zz"))
            await applied(target, 22)
            assert sorted(note for _, note in await effects(target)) == [*expected, "zz"]


async def test_a_consumer_that_cannot_rebuild_changes_nothing(
    authority: Authority, database: Database, target: Database
) -> None:
    async with served(authority, database) as feed:
        consumer = FeedConsumer(FEED, "classifier", feed.channel(), target, Recorder())
        async with consuming(consumer):
            await _write(database, "1")
            await applied(target, 1)
            await bump_epoch(database)
            await publish(database, event("petitions/1", "2"))

            async def refused() -> bool:
                return consumer._failures > 1

            await until(refused)
            assert [note for _, note in await effects(target)] == ["1"]


async def test_a_consumer_that_was_away_too_long_rebuilds_itself(
    authority: Authority, database: Database, target: Database
) -> None:
    async with served(authority, database) as feed:
        handler = Rebuilder()
        async with consuming(FeedConsumer(FEED, "classifier", feed.channel(), target, handler)):
            await _write(database, "1")
            await applied(target, 1)
        for note in "234":
            await _write(database, note)
        async with database.single() as connection:
            await connection.execute(
                text(
                    "INSERT INTO feed_oldest (feed, shard, xid, id)"
                    " SELECT :feed, shard, (SELECT max(xid) FROM feed_event),"
                    " (SELECT max(id) FROM feed_event) FROM generate_series(0, 15) AS shard"
                ),
                {"feed": FEED},
            )
            await connection.execute(text("DELETE FROM feed_event"))
        await _write(database, "5")
        async with consuming(FeedConsumer(FEED, "classifier", feed.channel(), target, handler)):
            await applied(target, 5)
            await publish(database, event("petitions/1", "6"))
            notes = [note for _, note in await applied(target, 6)]
            assert notes == [*"123456"]
