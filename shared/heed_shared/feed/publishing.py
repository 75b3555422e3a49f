"""Writes events into the event table of the service's schema, in the transaction of their cause."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from heed_shared import telemetry
from heed_shared.feed.records import NewEvent

# One statement for any number of events. The transaction id comes from the column's default.
INSERT_EVENTS = """
INSERT INTO feed_event
    (feed, shard, subject, region_code, etag, recorded_at, traceparent, payload)
SELECT * FROM unnest($1::text[], $2::smallint[], $3::text[], $4::text[], $5::text[],
                     $6::timestamptz[], $7::text[], $8::bytea[])
"""


def event_columns(events: Sequence[NewEvent]) -> tuple[list[Any], ...]:
    """Return the arguments of INSERT_EVENTS, for hot paths that run it on asyncpg themselves."""
    current = telemetry.current_traceparent()
    return (
        [event.feed for event in events],
        [event.shard for event in events],
        [event.subject for event in events],
        [event.region_code for event in events],
        [event.etag for event in events],
        [event.recorded_at for event in events],
        [event.traceparent or current for event in events],
        [event.payload.SerializeToString() for event in events],
    )


async def insert_events(connection: AsyncConnection, events: Sequence[NewEvent]) -> None:
    """Insert events in the order given; call it with at least one."""
    await connection.exec_driver_sql(INSERT_EVENTS, event_columns(events))
    for event in events:
        telemetry.record("heed.feed.published", 1, feed=event.feed)
