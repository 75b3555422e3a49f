"""Reading a feed: nothing that commits late is skipped, and who may read what."""

import asyncio
import time
from collections.abc import Awaitable

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from heed.common.v1.observation_pb2 import Observation
from heed.feed.v1 import feed_service_pb2 as pb
from heed.feed.v1.event_pb2 import ShardPosition
from heed.feed.v1.feed_service_pb2_grpc import FeedServiceStub
from sqlalchemy import text

from heed_local.authority import Authority
from heed_shared.database import Database
from heed_shared.errors import info_of, reason_of
from heed_shared.feed import NewEvent, bump_epoch, server
from heed_shared.feed.cursor import Position, encode_cursor
from tests.shared.feed_setup import (
    FEED,
    NOON,
    SECRET,
    event,
    publish,
    publish_many,
    served,
    until,
    waiting,
)


async def _refused(call: Awaitable[object]) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


async def read_all(
    stub: FeedServiceStub, positions: list[ShardPosition] | None = None
) -> tuple[list[str], list[ShardPosition]]:
    """Page through what there is now."""
    etags: list[str] = []
    while True:
        page = await stub.ListEvents(pb.ListEventsRequest(feed=FEED, positions=positions))
        positions = list(page.positions)
        if not page.events:
            return etags, positions
        etags += [item.etag for item in page.events]


async def test_pages_give_every_event_once_and_in_order_within_a_shard(
    authority: Authority, database: Database
) -> None:
    await publish_many(database, 450, per_subject=3)
    async with served(authority, database) as feed:
        stub = feed.stub()
        etags, positions = await read_all(stub)
        assert sorted(etags) == [f"{number:05}" for number in range(450)]
        assert {item.shard for item in positions} == set(range(16))
        await publish(database, event("petitions/1", "new"))
        assert (await read_all(stub, positions))[0] == ["new"]
        page = await stub.ListEvents(pb.ListEventsRequest(feed=FEED, page_size=7))
        assert len(page.events) == 7
        first = page.events[0]
        assert first.petition.petition == first.subject
        after = ShardPosition(shard=first.shard, cursor=first.cursor)
        rest = await stub.ListEvents(pb.ListEventsRequest(feed=FEED, positions=[after]))
        assert first.etag not in {item.etag for item in rest.events}
        assert {item.shard for item in rest.events} == {first.shard}


async def test_one_busy_shard_fills_a_page(authority: Authority, database: Database) -> None:
    await publish(database, *(event("petitions/1", str(number)) for number in range(60)))
    async with served(authority, database) as feed:
        page = await feed.stub().ListEvents(pb.ListEventsRequest(feed=FEED, page_size=32))
        assert [item.etag for item in page.events] == [str(number) for number in range(32)]


async def test_a_transaction_that_commits_late_is_not_skipped(
    authority: Authority, own_database: Database
) -> None:
    async with served(authority, own_database) as feed:
        stub = feed.stub()
        async with own_database.transaction() as slow:
            await slow.publish([event("petitions/1", "early id, late commit")])
            await publish(own_database, event("petitions/2", "late id, early commit"))
            etags, positions = await read_all(stub)
            assert etags == []
            status = await stub.GetFeedStatus(pb.GetFeedStatusRequest())
            assert status.feeds[0].waiting_count == 1
            await slow.commit()
        etags, _ = await read_all(stub, positions)
        assert sorted(etags) == ["early id, late commit", "late id, early commit"]


async def test_a_waiting_reader_holds_no_connection_and_no_horizon(
    authority: Authority, own_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_POLL_S", 3600)
    async with served(authority, own_database) as feed:
        stub = feed.stub()
        request = pb.ListEventsRequest(feed=FEED, wait=Duration(seconds=20))
        readers = [asyncio.ensure_future(stub.ListEvents(request, timeout=25)) for _ in range(20)]
        await waiting(feed, 20)
        # The server's own watch of the horizon takes a moment each second; a reader that held a
        # connection would show in every look.
        looks = []
        for _ in range(10):
            async with own_database.single() as connection:
                looks.append(
                    await connection.scalar(
                        text(
                            "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                            " AND (backend_xid IS NOT NULL OR backend_xmin IS NOT NULL"
                            " OR state LIKE 'idle in transaction%') AND usename = current_user"
                        )
                    )
                )
            await asyncio.sleep(0.05)
        assert min(looks) == 0
        await publish(own_database, event("petitions/1", "news"))
        pages = await asyncio.wait_for(asyncio.gather(*readers), 15)  # Less than the long poll.
        assert all([item.etag for item in page.events] == ["news"] for page in pages)


async def test_a_reader_sees_what_lay_above_the_horizon_soon_after_it_moves(
    authority: Authority, own_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_POLL_S", 3600)
    async with served(authority, own_database) as feed:
        stub = feed.stub()
        async with own_database.transaction() as slow:
            await slow.publish([event("petitions/1", "slow")])
            await publish(own_database, event("petitions/2", "fast"))
            request = pb.ListEventsRequest(feed=FEED, wait=Duration(seconds=20))
            reader = asyncio.ensure_future(stub.ListEvents(request, timeout=25))
            await asyncio.sleep(0.3)
            assert not reader.done()
        # The slow one has rolled back and nobody says so.
        page = await asyncio.wait_for(reader, 5)
        assert [item.etag for item in page.events] == ["fast"]


async def test_an_empty_wait_ends_in_time_and_before_the_deadline(
    authority: Authority, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_ANSWER_MARGIN_S", 2.5)  # What a busy machine may need.
    async with served(authority, database) as feed:
        stub = feed.stub()
        for wait, timeout_s in ((Duration(nanos=300_000_000), 20), (Duration(seconds=20), 3)):
            started = time.monotonic()
            page = await stub.ListEvents(
                pb.ListEventsRequest(feed=FEED, wait=wait), timeout=timeout_s
            )
            assert len(page.events) == 0
            assert 0.25 < time.monotonic() - started < 15


async def test_the_other_replica_wakes_its_readers(
    authority: Authority, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_POLL_S", 3600)
    replica = await Database.open(database.url, database.schema, 3)
    async with served(authority, database), served(authority, replica) as other:
        stub = other.stub()
        request = pb.ListEventsRequest(feed=FEED, wait=Duration(seconds=20))
        for number in range(3):
            reader = asyncio.ensure_future(stub.ListEvents(request, timeout=25))
            await waiting(other, 1)
            await publish(database, event("petitions/1", str(number)))
            page = await asyncio.wait_for(reader, 15)  # Less than the long poll.
            assert [item.etag for item in page.events] == [str(number)]
            request = pb.ListEventsRequest(
                feed=FEED, positions=page.positions, wait=Duration(seconds=20)
            )
    await replica.close()


async def test_no_business_transaction_notifies(authority: Authority, database: Database) -> None:
    heard: list[int] = []
    listener = await database.dedicated()
    await listener.add_listener(
        f"heed_feed_{database.schema}", lambda _c, pid, _n, _p: heard.append(pid)
    )
    async with served(authority, database):
        async with database.transaction() as tx:
            writer = await tx.connection.scalar(text("SELECT pg_backend_pid()"))
            await tx.publish([event("petitions/1")])
            await tx.commit()
        await asyncio.gather(*(publish(database, event("petitions/2")) for _ in range(50)))

        async def told() -> bool:
            return bool(heard)

        await until(told)
        await asyncio.sleep(0.3)  # For more of them, if there were.
    await listener.close()
    assert writer not in heard
    assert len(set(heard)) == 1
    assert len(heard) < 51


async def test_a_reader_gets_the_events_of_its_region_and_passes_by_the_others(
    authority: Authority, database: Database
) -> None:
    regions = ["110101", "110102", "120101", "9A0101"]
    await publish(
        database,
        *(event(f"petitions/{n}", regions[n % 4], regions[n % 4]) for n in range(800)),
    )
    async with served(authority, database) as feed:
        for region, expected in (("110000", {"110101", "110102"}), ("9A0101", {"9A0101"})):
            stub = feed.peer(region)
            etags, positions = await read_all(stub)
            assert set(etags) == expected
            assert len(etags) == 200 * len(expected)
            await publish(database, event("petitions/x", "far", "350000"))
            assert (await read_all(stub, positions))[0] == []


async def test_a_restricted_feed_is_unknown_to_all_but_its_consumers(
    authority: Authority, database: Database
) -> None:
    counts = Observation(received_day="2026-03-02")
    secret = NewEvent(SECRET, "", "110101", "", NOON, counts, shard_key="110101|01")
    await publish(database, secret)
    async with served(authority, database) as feed:
        request = pb.ListEventsRequest(feed=SECRET)
        page = await feed.stub("warning").ListEvents(request)
        assert page.events[0].observation.received_day == "2026-03-02"
        for stub in (feed.stub("classifier"), feed.peer(), feed.operator()):
            refused = await _refused(stub.ListEvents(request))
            assert reason_of(refused) == "UNKNOWN_FEED"
            watch = stub.WatchEvents(pb.WatchEventsRequest(feed=SECRET))
            assert reason_of(await _refused(watch.read())) == "UNKNOWN_FEED"


async def test_a_consumers_name_is_for_that_service_alone(
    authority: Authority, database: Database
) -> None:
    async with served(authority, database) as feed:
        request = pb.ListEventsRequest(feed=FEED, consumer="classifier")
        await feed.stub("classifier").ListEvents(request)
        for stub in (feed.stub("disposal"), feed.peer()):
            assert reason_of(await _refused(stub.ListEvents(request))) == "UNKNOWN_FEED"
        strange = pb.ListEventsRequest(feed=FEED, consumer="warning")
        refused = await _refused(feed.stub("warning").ListEvents(strange))
        assert reason_of(refused) == "UNKNOWN_FEED"


async def test_bad_positions_are_named(authority: Authority, database: Database) -> None:
    await publish_many(database, 40)
    async with served(authority, database) as feed:
        stub = feed.stub()
        cursor = (await stub.ListEvents(pb.ListEventsRequest(feed=FEED))).positions[3].cursor
        for positions, reason in (
            ([ShardPosition(shard=16)], "INVALID_FIELD"),
            ([ShardPosition(shard=-1)], "INVALID_FIELD"),
            ([ShardPosition(shard=1), ShardPosition(shard=1)], "INVALID_FIELD"),
            ([ShardPosition(shard=1, cursor="nonsense")], "BAD_CURSOR"),
            ([ShardPosition(shard=4, cursor=cursor)], "BAD_CURSOR"),
        ):
            request = pb.ListEventsRequest(feed=FEED, positions=positions)
            assert reason_of(await _refused(stub.ListEvents(request))) == reason
        unknown = await _refused(stub.ListEvents(pb.ListEventsRequest(feed="intake.secrets")))
        assert reason_of(unknown) == "UNKNOWN_FEED"


async def test_a_cursor_of_an_earlier_epoch_is_refused(
    authority: Authority, database: Database
) -> None:
    await publish_many(database, 40)
    async with served(authority, database) as feed:
        stub = feed.stub()
        _, positions = await read_all(stub)
        await bump_epoch(database)
        refused = await _refused(
            stub.ListEvents(pb.ListEventsRequest(feed=FEED, positions=positions))
        )
        assert reason_of(refused) == "FEED_EPOCH_CHANGED"
        assert len((await read_all(stub))[0]) == 40


async def test_a_cursor_ahead_of_the_database_means_that_it_was_restored(
    authority: Authority, database: Database
) -> None:
    async with database.single() as connection:
        epoch = int(await connection.scalar(text("SELECT epoch FROM feed_epoch")) or 0)
    ahead = ShardPosition(shard=0, cursor=encode_cursor(FEED, 0, epoch, Position(2**40, 1)))
    async with served(authority, database) as feed:
        call = feed.stub().ListEvents(pb.ListEventsRequest(feed=FEED, positions=[ahead]))
        assert reason_of(await _refused(call)) == "FEED_EPOCH_CHANGED"


async def test_a_cursor_before_what_is_held_names_the_oldest_usable_one(
    authority: Authority, database: Database
) -> None:
    await publish(database, *(event("petitions/1", str(number)) for number in range(9)))
    async with served(authority, database) as feed:
        stub = feed.stub()
        page = await stub.ListEvents(pb.ListEventsRequest(feed=FEED))
        early, late = page.events[2], page.events[6]
        async with database.single() as connection:
            await connection.exec_driver_sql(
                "INSERT INTO feed_oldest SELECT feed, shard, xid, id FROM feed_event ORDER BY id"
                " OFFSET 5 LIMIT 1"
            )
            await connection.exec_driver_sql(
                "DELETE FROM feed_event WHERE id <= (SELECT id FROM feed_oldest)"
            )
        old = ShardPosition(shard=early.shard, cursor=early.cursor)
        refused = await _refused(stub.ListEvents(pb.ListEventsRequest(feed=FEED, positions=[old])))
        assert reason_of(refused) == "CURSOR_TOO_OLD"
        assert refused.code() == grpc.StatusCode.OUT_OF_RANGE
        usable = ShardPosition(shard=early.shard, cursor=info_of(refused).metadata["oldest_cursor"])
        for position, expected in (
            (usable, ["6", "7", "8"]),
            (ShardPosition(shard=late.shard, cursor=late.cursor), ["7", "8"]),
            (ShardPosition(shard=late.shard), ["6", "7", "8"]),
        ):
            page = await stub.ListEvents(pb.ListEventsRequest(feed=FEED, positions=[position]))
            assert [item.etag for item in page.events] == expected
