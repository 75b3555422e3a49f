"""What cannot be applied is parked with its subject; the rest goes on; a retry applies in order."""

from collections.abc import Sequence
from typing import Any

import grpc
import pytest
from heed.feed.v1 import feed_service_pb2 as pb
from heed.feed.v1.event_pb2 import Event
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from heed_local.authority import Authority
from heed_shared.database import Database, Transaction
from heed_shared.errors import Conflict, DependencyDown, NotFound, StaleEtag, reason_of
from heed_shared.feed import Delivery, FeedConsumer, NewEvent
from heed_shared.feed.consumer import TOO_SLOW
from heed_shared.feed.transience import is_transient
from tests.shared.feed_setup import (
    FEED,
    Recorder,
    Served,
    applied,
    consuming,
    effects,
    event,
    publish,
    served,
    until,
)

_BAD = "petitions/bad"
_LIST = pb.ListParkedEventsRequest()
_LIMIT = text("SELECT set_config(:name, '0', true), set_config(:name, '100ms', true)")


def _mixed() -> list[NewEvent]:
    """A poisoned subject between others of its shard and of other shards."""
    good = [event(f"petitions/{number}", str(number)) for number in range(60)]
    return [*good[:20], event(_BAD, "1"), *good[20:40], event(_BAD, "2"), *good[40:]]


def _consumer(feed: Served, target: Database, handler: Recorder) -> FeedConsumer:
    return FeedConsumer(FEED, "classifier", feed.channel(), target, handler)


async def test_a_poison_event_parks_its_subject_and_the_rest_goes_on(
    authority: Authority, database: Database, target: Database
) -> None:
    recorder = Recorder(poison={_BAD})
    async with served(authority, database) as feed:
        consumer = _consumer(feed, target, recorder)
        async with served(authority, target, consumptions=[consumer]) as own, consuming(consumer):
            await publish(database, *_mixed())
            rows = await applied(target, 60)
            assert sorted(rows) == sorted(
                (item.subject, item.etag) for item in _mixed() if item.subject != _BAD
            )
            await publish(database, event(_BAD, "3"), event("petitions/9", "later"))
            await applied(target, 61)
            operator = own.operator()

            async def three() -> bool:
                parked = await operator.ListParkedEvents(_LIST)
                return [item.event.etag for item in parked.parked_events] == ["1", "2", "3"]

            await until(three)
            parked = (await operator.ListParkedEvents(_LIST)).parked_events
            assert [item.error for item in parked] == ["builtins.ValueError", "", ""]
            assert [item.attempt_count for item in parked] == [3, 0, 0]
            assert "text that must not" not in str(parked)

            retry = pb.RetryParkedEventsRequest(feed=FEED, subject=_BAD)
            still = await operator.RetryParkedEvents(retry)
            assert (still.applied_count, still.parked_count) == (0, 3)
            recorder.poison.clear()
            done = await operator.RetryParkedEvents(retry)
            assert (done.applied_count, done.parked_count) == (3, 0)
            await publish(database, event(_BAD, "4"))
            rows = await applied(target, 65)
    assert [note for subject, note in rows if subject == _BAD] == ["1", "2", "3", "4"]


async def test_a_retry_of_everything_leaves_behind_only_what_fails_again(
    authority: Authority, database: Database, target: Database
) -> None:
    recorder = Recorder(poison={"petitions/a", "petitions/b"})
    async with served(authority, database) as feed:
        consumer = _consumer(feed, target, recorder)
        async with consuming(consumer):
            for note in "12":
                await publish(database, event("petitions/a", note), event("petitions/b", note))
            await publish(database, event("petitions/c", "ok"))
            await applied(target, 1)

            async def parked() -> bool:
                return (await consumer.retry_parked("nothing of that name"))[1] == 0 and (
                    await consumer.retry_parked()
                )[1] == 4

            await until(parked)
            recorder.poison.discard("petitions/a")
            assert await consumer.retry_parked() == (2, 2)
    assert [item for item in await effects(target) if item[0] == "petitions/a"] == [
        ("petitions/a", "1"),
        ("petitions/a", "2"),
    ]


async def test_events_without_subject_park_singly(
    authority: Authority, database: Database, target: Database
) -> None:
    class Picky(Recorder):
        async def prepare(self, deliveries):  # type: ignore[no-untyped-def]
            if any(item.event.etag == "bad" for item in deliveries):
                raise ValueError

    async with served(authority, database) as feed:
        consumer = _consumer(feed, target, Picky())
        async with consuming(consumer):
            for etag in ("1", "bad", "2", "3"):
                new = event("", etag)
                await publish(
                    database,
                    NewEvent(FEED, "", "110101", etag, new.recorded_at, new.payload, "cell"),
                )
            rows = await applied(target, 3)
            assert [note for _, note in rows] == ["1", "2", "3"]
            assert (await consumer.retry_parked())[1] == 1


async def test_what_fails_for_a_passing_reason_is_tried_until_it_works(
    authority: Authority, database: Database, target: Database
) -> None:
    failures: list[Exception] = [
        Conflict(),
        DependencyDown("classifier"),
        ConnectionError(),
        Conflict(),
    ]
    recorder = Recorder()

    async def fail() -> None:
        if failures:
            raise failures.pop()

    recorder.on_prepare = fail
    async with served(authority, database) as feed:
        consumer = _consumer(feed, target, recorder)
        async with consuming(consumer):
            await publish(database, event("petitions/1", "1"), event("petitions/1", "2"))
            assert [note for _, note in await applied(target, 2)] == ["1", "2"]
            assert await consumer.retry_parked() == (0, 0)
    assert failures == []


@pytest.mark.parametrize("limit", ["statement_timeout", "transaction_timeout"])
async def test_what_the_database_always_stops_is_parked_in_the_end_and_the_rest_goes_on(
    authority: Authority, database: Database, target: Database, limit: str
) -> None:
    class Slow(Recorder):
        tries = 0

        async def apply(self, tx: Transaction, deliveries: Sequence[Delivery], _: Any) -> None:
            if any(item.event.subject == _BAD for item in deliveries):
                self.tries += 1
                await tx.connection.execute(_LIMIT, {"name": limit})
                await tx.connection.execute(text("SELECT pg_sleep(60)"))
            await super().apply(tx, deliveries, None)

    handler = Slow()
    async with served(authority, database) as feed:
        consumer = _consumer(feed, target, handler)
        async with consuming(consumer):
            await publish(database, event(_BAD, "1"), event("petitions/9", "2"))
            assert await applied(target, 1) == [("petitions/9", "2")]

            async def parked() -> bool:
                return await _parked(target) == [("1", TOO_SLOW)]

            await until(parked)
            assert handler.tries == TOO_SLOW + 1  # Together with the other one, then alone.
            await publish(database, event("petitions/9", "3"))
            await applied(target, 2)


async def test_what_the_database_stops_a_few_times_is_not_parked(
    authority: Authority, database: Database, target: Database
) -> None:
    left = TOO_SLOW  # The batch, and all attempts alone but the last.

    async def stopped() -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            raise _sql_error("57014")

    recorder = Recorder(after_apply=stopped)
    async with served(authority, database) as feed:
        consumer = _consumer(feed, target, recorder)
        async with consuming(consumer):
            await publish(database, event("petitions/1", "1"))
            assert await applied(target, 1) == [("petitions/1", "1")]
            assert await _parked(target) == []


async def _parked(database: Database) -> list[tuple[str, int]]:
    async with database.read() as connection:
        rows = await connection.execute(text("SELECT event, attempt_count FROM feed_parked"))
        return [(Event.FromString(row.event).etag, row.attempt_count) for row in rows]


async def test_an_error_while_alone_does_not_park_if_it_passes_in_time(
    authority: Authority, database: Database, target: Database
) -> None:
    left = 3  # The batch, and two of three attempts alone.
    recorder = Recorder()

    async def fail() -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            raise ValueError

    recorder.after_apply = fail
    async with served(authority, database) as feed:
        consumer = _consumer(feed, target, recorder)
        async with consuming(consumer):
            await publish(database, event("petitions/1", "1"))
            assert await applied(target, 1) == [("petitions/1", "1")]
            assert await consumer.retry_parked() == (0, 0)


async def test_more_than_twenty_parked_in_a_row_stop_the_shard_and_not_the_others(
    authority: Authority, database: Database, target: Database
) -> None:
    broken = [
        subject for subject in map("petitions/{}".format, range(2000)) if event(subject).shard == 3
    ][:30]
    recorder = Recorder(poison=set(broken))
    async with served(authority, database) as feed:
        consumer = _consumer(feed, target, recorder)
        async with consuming(consumer):
            await publish(database, *(event(subject, "x") for subject in broken))

            async def stopped() -> bool:
                return consumer._stopped == {3}

            await until(stopped)
            other = next(
                subject
                for subject in map("petitions/{}".format, range(2000))
                if event(subject).shard == 4
            )
            await publish(database, event(other, "goes on"))
            assert await applied(target, 1) == [(other, "goes on")]
            async with target.single() as connection:
                count = "SELECT count(*) FROM feed_parked"
                assert (await connection.exec_driver_sql(count)).scalar_one() == 21
            recorder.poison.clear()
            assert (await consumer.retry_parked())[0] == 21
            await applied(target, 31)


async def test_pages_of_parked_events_are_complete(
    authority: Authority, database: Database, target: Database
) -> None:
    subjects = {f"petitions/{number}" for number in range(7)}
    async with served(authority, database) as feed:
        consumer = _consumer(feed, target, Recorder(poison=subjects))
        async with served(authority, target, consumptions=[consumer]) as own, consuming(consumer):
            await publish(database, *(event(subject) for subject in sorted(subjects)))
            operator = own.operator()

            async def all_parked() -> bool:
                return len((await operator.ListParkedEvents(_LIST)).parked_events) == 7

            await until(all_parked)
            seen: list[str] = []
            request = pb.ListParkedEventsRequest(page_size=3)
            while True:
                page = await operator.ListParkedEvents(request)
                seen += [item.event.subject for item in page.parked_events]
                if not page.next_page_token:
                    break
                request.page_token = page.next_page_token
            assert sorted(seen) == sorted(subjects)
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await operator.ListParkedEvents(pb.ListParkedEventsRequest(page_token="x"))
            assert reason_of(refused.value) == "BAD_PAGE_TOKEN"
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await operator.RetryParkedEvents(pb.RetryParkedEventsRequest(feed="strange.feed"))
            assert reason_of(refused.value) == "UNKNOWN_FEED"


def _sql_error(sqlstate: str) -> DBAPIError:
    cause = Exception()
    cause.sqlstate = sqlstate  # type: ignore[attr-defined]
    return DBAPIError("SELECT", {}, cause)


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (Conflict(), True),
        (DependencyDown("database"), True),
        (ConnectionRefusedError(), True),
        (_sql_error("40001"), True),
        (_sql_error("40P01"), True),
        (_sql_error("53100"), True),  # disk full
        (_sql_error("08006"), True),
        (_sql_error("23505"), False),  # unique violation
        (_sql_error("22P02"), False),  # bad text for a type
        (NotFound("petitions/x"), False),
        (StaleEtag("cases/x"), False),
        (ValueError(), False),
        (KeyError(), False),
    ],
)
def test_only_what_can_pass_by_itself_is_waited_out(error: Exception, passes: bool) -> None:
    assert is_transient(error) is passes
