"""Applies parked events again, each in a transaction of its own, in the order of their subject."""

from heed_shared.database import Database
from heed_shared.feed.applying import apply_parked
from heed_shared.feed.parking import (
    Parked,
    count_parked,
    next_parked,
    note_failure,
    remove_parked,
)
from heed_shared.feed.records import Handler
from heed_shared.feed.spans import delivery_spans
from heed_shared.feed.transience import is_transient
from heed_shared.rpc import deadline

_ENOUGH_TIME_S = 1.0


async def retry_parked(
    database: Database, feed: str, handler: Handler, subject: str
) -> tuple[int, int]:
    """Apply what is parked of one subject, or of all; stop in time for the RPC in progress.

    An event that fails again keeps its place, and those behind it keep waiting.

    Returns:
        How many events were applied, and how many of that subject, or of all, are still parked.
    """
    applied = 0
    after = 0
    blocked: set[str] = set()
    while (left := deadline.remaining_s()) is None or left > _ENOUGH_TIME_S:
        async with database.single() as connection:
            item = await next_parked(connection, feed, subject, after)
        if item is None:
            break
        after = item.id
        if item.event.subject in blocked:
            continue
        try:
            applied += await _retry(database, feed, handler, item)
        except Exception as error:
            if is_transient(error):
                raise
            blocked.update(filter(None, [item.event.subject]))
            async with database.single() as connection:
                await note_failure(connection, item.id, error)
    async with database.single() as connection:
        return applied, await count_parked(connection, feed, subject)


async def _retry(database: Database, feed: str, handler: Handler, item: Parked) -> int:
    with delivery_spans(feed, [item.event]) as deliveries:
        prepared = await handler.prepare(deliveries)
        async with database.transaction() as tx:
            if not await remove_parked(tx.connection, item.id):
                return 0  # Somebody else retries the same subject and was faster.
            await apply_parked(tx, feed, item.shard, handler, deliveries[0], prepared)
            await tx.commit()
    return 1
