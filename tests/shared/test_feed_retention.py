"""Days are dropped when old and acknowledged by all, never before; partitions are made ahead."""

from datetime import UTC, date, datetime, timedelta

import pytest
from heed.feed.v1 import feed_service_pb2 as pb
from sqlalchemy import text

from heed_local.authority import Authority
from heed_local.postgres import Cluster
from heed_shared.database import Database
from heed_shared.errors import reason_of
from heed_shared.feed.records import shard_of
from heed_shared.feed.retention import Retention
from tests.shared.feed_setup import FEED, FEEDS, event, publish, publish_many, served

_TODAY = datetime.now(UTC).date()
_OLD = _TODAY - timedelta(days=8)
_ACKNOWLEDGE = """
INSERT INTO feed_acknowledgement
SELECT feed, $1, shard, max(xid), max(id), now() FROM feed_event WHERE day <= $2
GROUP BY feed, shard
ON CONFLICT (feed, consumer, shard) DO UPDATE SET xid = excluded.xid, id = excluded.id
"""


async def _publish_on(database: Database, day: date, count: int) -> None:
    """Publishes events that lie in the partition of another day."""
    async with database.single() as connection:
        await connection.execute(text("SELECT feed_make_day(CAST(:day AS date))"), {"day": day})
    async with database.transaction() as tx:
        await tx.publish([event(f"petitions/{n}", f"{day} {n}") for n in range(count)])
        await tx.connection.execute(
            text("UPDATE feed_event SET day = :day WHERE xid = pg_current_xact_id()"), {"day": day}
        )
        await tx.commit()


async def _acknowledge(database: Database, consumer: str, day: date) -> None:
    async with database.single() as connection:
        await connection.exec_driver_sql(_ACKNOWLEDGE, (consumer, day))


async def _days(database: Database) -> set[date]:
    async with database.read() as connection:
        rows = await connection.execute(text("SELECT DISTINCT day FROM feed_event"))
        return set(rows.scalars())


async def test_a_day_goes_when_it_is_old_and_every_consumer_has_it(database: Database) -> None:
    retention = Retention(database, FEEDS, days=7)
    await _publish_on(database, _OLD, 50)
    await publish_many(database, 10)
    assert await retention.once(_TODAY) == []
    await _acknowledge(database, "classifier", _TODAY)
    assert await retention.once(_TODAY) == []
    await _acknowledge(database, "disposal", _OLD)
    assert await retention.once(_TODAY) == [_OLD]
    assert await _days(database) == {_TODAY}
    assert await retention.once(_TODAY + timedelta(days=6)) == []


@pytest.mark.parametrize("behind", ["classifier", "disposal"])
async def test_one_event_that_one_consumer_lacks_holds_the_day(
    database: Database, behind: str
) -> None:
    retention = Retention(database, FEEDS, days=7)
    await _publish_on(database, _OLD, 50)
    for consumer in ("classifier", "disposal"):
        await _acknowledge(database, consumer, _TODAY)
    async with database.single() as connection:
        await connection.exec_driver_sql(
            "UPDATE feed_acknowledgement SET id = id - 1 WHERE consumer = $1 AND shard = $2",
            (behind, shard_of("petitions/1")),
        )
    assert await retention.once(_TODAY) == []
    assert await _days(database) == {_OLD}


async def test_events_of_a_day_without_partition_are_dropped_too(database: Database) -> None:
    retention = Retention(database, FEEDS, days=7)
    async with database.transaction() as tx:
        await tx.publish([event("petitions/1")])
        await tx.connection.execute(text("UPDATE feed_event SET day = :day"), {"day": _OLD})
        await tx.commit()
    assert await retention.once(_TODAY) == []
    for consumer in ("classifier", "disposal"):
        await _acknowledge(database, consumer, _TODAY)
    assert await retention.once(_TODAY) == [_OLD]
    assert await _days(database) == set()


async def test_a_strangers_old_cursor_is_refused_after_a_drop_and_a_consumers_is_not(
    authority: Authority, database: Database
) -> None:
    await _publish_on(database, _OLD, 60)
    await publish(database, event("petitions/1", "kept"))
    async with served(authority, database, retention_days=10_000) as feed:
        stub = feed.peer()
        page = await stub.ListEvents(pb.ListEventsRequest(feed=FEED, page_size=5))
        for consumer in ("classifier", "disposal"):
            await _acknowledge(database, consumer, _OLD)
        assert await Retention(database, FEEDS, days=7).once(_TODAY) == [_OLD]
        request = pb.ListEventsRequest(feed=FEED, positions=page.positions)
        with pytest.raises(Exception, match="oldest event") as refused:
            await stub.ListEvents(request)
        assert reason_of(refused.value) == "CURSOR_TOO_OLD"  # type: ignore[arg-type]
        fresh = await stub.ListEvents(pb.ListEventsRequest(feed=FEED))
        assert [item.etag for item in fresh.events] == ["kept"]


async def test_the_days_to_come_have_partitions(cluster: Cluster, database: Database) -> None:
    async with database.single() as connection:
        for ahead in range(9):
            await connection.execute(
                text("SELECT feed_drop_day(CAST(:day AS date))"),
                {"day": _TODAY + timedelta(days=ahead)},
            )
    await Retention(database, FEEDS, days=7).once(_TODAY)
    async with database.read() as connection:
        count = await connection.scalar(
            text("SELECT count(*) FROM pg_inherits WHERE inhparent = to_regclass('feed_event')")
        )
    assert count == 9  # Today, seven days ahead, and the default one.


async def test_old_request_records_and_operations_are_purged(database: Database) -> None:
    async with database.single() as connection:
        await connection.execute(
            text(
                "INSERT INTO request_record SELECT 'a', 'm', n::text, '', '',"
                " now() - n * interval '1 day' FROM generate_series(1, 20) AS n"
            )
        )
        await Retention(database, FEEDS, days=7).once(_TODAY)
        kept = await connection.execute(text("SELECT request_id FROM request_record"))
    assert {int(number) for number in kept.scalars()} == set(range(1, 7))
