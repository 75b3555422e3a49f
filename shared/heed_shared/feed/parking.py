"""Events that could not be applied, and those of the same subject that wait behind them.

Of the error only its class is kept: its text may quote what a petitioner wrote.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from heed.feed.v1 import feed_service_pb2 as pb
from heed.feed.v1.event_pb2 import Event
from sqlalchemy.ext.asyncio import AsyncConnection

from heed_shared.database import Database
from heed_shared.paging import PageTokens, filter_digest, page_size

_METHOD = "/heed.feed.v1.FeedService/ListParkedEvents"
_INSERT = """
INSERT INTO feed_parked (feed, shard, subject, event, error, attempt_count)
SELECT $1, * FROM unnest($2::smallint[], $3::text[], $4::bytea[], $5::text[], $6::integer[])
"""
_SUBJECTS = (
    "SELECT DISTINCT subject FROM feed_parked WHERE feed = $1 AND subject = ANY ($2::text[])"
)
_QUEUE = """
SELECT id, shard, event FROM feed_parked
WHERE feed = $1 AND ($2 = '' OR subject = $2) AND id > $3
ORDER BY id LIMIT 1
"""
_LIST = """
SELECT id, feed, event, error, attempt_count, parked_at FROM feed_parked
WHERE id > $1 ORDER BY id LIMIT $2
"""
_COUNT = "SELECT count(*) FROM feed_parked WHERE feed = $1 AND ($2 = '' OR subject = $2)"
_REMOVE = "DELETE FROM feed_parked WHERE id = $1 RETURNING id"
_FAILED = """
UPDATE feed_parked SET error = $2, attempt_count = attempt_count + 1 WHERE id = $1
"""


@dataclass(frozen=True)
class Parked:
    """One parked event."""

    id: int
    shard: int
    event: Event


async def parked_subjects(
    connection: AsyncConnection, feed: str, subjects: Collection[str]
) -> set[str]:
    """Return those of ``subjects`` that have parked events."""
    rows = await connection.exec_driver_sql(_SUBJECTS, (feed, sorted(subjects)))
    return set(rows.scalars())


async def queue_behind(connection: AsyncConnection, feed: str, events: Sequence[Event]) -> None:
    """Put events behind the parked ones of their subjects."""
    if events:
        await _insert(connection, feed, events, "", 0)


async def park(
    connection: AsyncConnection, feed: str, event: Event, error: BaseException, attempts: int
) -> None:
    """Put away an event that cannot be applied."""
    await _insert(connection, feed, [event], error_class(error), attempts)


async def next_parked(
    connection: AsyncConnection, feed: str, subject: str, after: int
) -> Parked | None:
    """Return the first parked event after an id; of one subject, or of all if it is empty."""
    row = (await connection.exec_driver_sql(_QUEUE, (feed, subject, after))).first()
    return Parked(row.id, row.shard, Event.FromString(row.event)) if row else None


async def remove_parked(connection: AsyncConnection, parked_id: int) -> bool:
    """Take an event out; say whether it was still there."""
    return (await connection.exec_driver_sql(_REMOVE, (parked_id,))).first() is not None


async def note_failure(connection: AsyncConnection, parked_id: int, error: BaseException) -> None:
    """Note that a parked event failed once more."""
    await connection.exec_driver_sql(_FAILED, (parked_id, error_class(error)))


async def count_parked(connection: AsyncConnection, feed: str, subject: str = "") -> int:
    """Return how many events of a feed are parked."""
    return int((await connection.exec_driver_sql(_COUNT, (feed, subject))).scalar_one())


async def list_parked(
    database: Database, request: pb.ListParkedEventsRequest, tokens: PageTokens
) -> pb.ListParkedEventsResponse:
    """Return one page of parked events, oldest first."""
    size = page_size(request.page_size)
    digest = filter_digest(request)
    after = 0
    if request.page_token:
        after = int(tokens.decode(_METHOD, digest, request.page_token)[0])
    async with database.single() as connection:
        rows = (await connection.exec_driver_sql(_LIST, (after, size + 1))).all()
    response = pb.ListParkedEventsResponse()
    for row in rows[:size]:
        parked = response.parked_events.add(
            feed=row.feed, error=row.error, attempt_count=row.attempt_count
        )
        parked.event.MergeFromString(row.event)
        parked.parked_at.FromDatetime(row.parked_at)
    if len(rows) > size:
        response.next_page_token = tokens.encode(_METHOD, digest, [rows[size - 1].id])
    return response


def error_class(error: BaseException) -> str:
    """Return the name of an error's class; never its text."""
    return f"{type(error).__module__}.{type(error).__qualname__}"


async def _insert(
    connection: AsyncConnection, feed: str, events: Sequence[Event], error: str, attempts: int
) -> None:
    arguments = (
        feed,
        [event.shard for event in events],
        [event.subject for event in events],
        [event.SerializeToString() for event in events],
        [error] * len(events),
        [attempts] * len(events),
    )
    await connection.exec_driver_sql(_INSERT, arguments)
