"""The status of feeds: from it can be told whether everything published has taken effect."""

from heed.feed.v1 import feed_service_pb2 as pb

from heed_local.authority import Authority
from heed_shared.database import Database
from heed_shared.feed import FeedConsumer
from tests.shared.feed_setup import (
    FEED,
    SECRET,
    Recorder,
    applied,
    consuming,
    event,
    publish,
    publish_many,
    served,
    until,
)


async def test_pending_counts_go_to_nought_when_everything_is_applied(
    authority: Authority, database: Database, target: Database
) -> None:
    async with served(authority, database) as feed:
        consumer = FeedConsumer(FEED, "classifier", feed.channel(), target, Recorder())
        async with served(authority, target, consumptions=[consumer]) as own:
            operator, own_operator = feed.operator(), own.operator()
            await publish_many(database, 120)
            status = await operator.GetFeedStatus(pb.GetFeedStatusRequest())
            assert [item.feed for item in status.feeds] == [FEED, SECRET]
            assert status.feeds[0].event_count == 120
            assert status.feeds[0].epoch
            pending = {item.consumer: item.pending_count for item in status.feeds[0].consumers}
            assert pending == {"classifier": 120, "disposal": 120}

            async with consuming(consumer):
                await applied(target, 120)

                async def drained() -> bool:
                    now = await operator.GetFeedStatus(pb.GetFeedStatusRequest())
                    counts = {item.consumer: item.pending_count for item in now.feeds[0].consumers}
                    return counts == {"classifier": 0, "disposal": now.feeds[0].event_count}

                await until(drained)
                consumption = (
                    await own_operator.GetFeedStatus(pb.GetFeedStatusRequest())
                ).consumptions[0]
                assert (consumption.feed, consumption.applied_count) == (FEED, 120)
                assert consumption.parked_count == 0
                assert len(consumption.positions) == 16
                assert consumption.HasField("last_applied_at")
                await publish_many(database, 7)
                await applied(target, 127)
                await until(drained)
            status = await operator.GetFeedStatus(pb.GetFeedStatusRequest())
            assert status.feeds[0].event_count == 127
            assert status.feeds[0].consumers[0].HasField("last_seen_at")


async def test_events_above_the_horizon_count_as_waiting_and_as_pending(
    authority: Authority, own_database: Database
) -> None:
    async with served(authority, own_database) as feed:
        operator = feed.operator()
        before = await operator.GetFeedStatus(pb.GetFeedStatusRequest())
        assert before.feeds[0].horizon_lag_s == 0
        async with own_database.transaction() as slow:
            await slow.publish([event("petitions/1")])
            await publish(own_database, event("petitions/2"))

            async def lagging() -> bool:
                status = await operator.GetFeedStatus(pb.GetFeedStatusRequest())
                return bool(status.feeds[0].horizon_lag_s > 0.4)

            await until(lagging)
            status = (await operator.GetFeedStatus(pb.GetFeedStatusRequest())).feeds[0]
            assert (status.event_count, status.waiting_count) == (1, 1)
            assert [item.pending_count for item in status.consumers] == [1, 1]
            await slow.commit()
        status = (await operator.GetFeedStatus(pb.GetFeedStatusRequest())).feeds[0]
        assert (status.event_count, status.waiting_count, status.horizon_lag_s) == (2, 0, 0)


async def test_the_count_of_held_events_follows_a_drop(
    authority: Authority, database: Database
) -> None:
    async with served(authority, database) as feed:
        operator = feed.operator()
        await publish_many(database, 30)
        await operator.GetFeedStatus(pb.GetFeedStatusRequest())
        async with database.single() as connection:
            await connection.exec_driver_sql(
                "INSERT INTO feed_oldest SELECT DISTINCT ON (shard) feed, shard, xid, id"
                " FROM feed_event ORDER BY shard, xid, id"
            )
            gone = await connection.exec_driver_sql(
                "DELETE FROM feed_event e USING feed_oldest o"
                " WHERE e.shard = o.shard AND (e.xid, e.id) <= (o.xid, o.id)"
            )
        status = await operator.GetFeedStatus(pb.GetFeedStatusRequest())
        assert status.feeds[0].event_count == 30 - gone.rowcount
