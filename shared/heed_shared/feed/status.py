"""How far everybody is: the heads of this service's feeds, their consumers, its own consumptions.

All is drained when no consumer has pending events, none waits above the horizon and none is parked.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from heed.feed.v1 import feed_service_pb2 as pb
from heed.feed.v1.event_pb2 import ShardPosition

from heed_shared import telemetry
from heed_shared.database import Database
from heed_shared.feed.acknowledging import Acknowledgements
from heed_shared.feed.records import FeedSpec
from heed_shared.feed.waking import wait_any

_SAMPLE_S = 1.0
_MEASURE_EVERY = 15
_HORIZON = (
    "SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xmin,"
    " pg_snapshot_xmax(pg_current_snapshot()) AS xmax"
)
# Events below $2 were counted before; only what came since is counted again.
_HEAD = """
SELECT feed_epoch.epoch, horizon.xmin, count(e.xid) AS newer,
       count(e.xid) FILTER (WHERE e.xid >= horizon.xmin) AS waiting,
       (SELECT coalesce(sum(id), 0)::bigint FROM feed_oldest WHERE feed = $1) AS dropped
FROM feed_epoch
CROSS JOIN (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xmin) AS horizon
CROSS JOIN generate_series(0, 15) AS shard
LEFT JOIN LATERAL (
    SELECT xid FROM feed_event WHERE feed = $1 AND feed_event.shard = shard.shard AND xid >= $2
) AS e ON true
GROUP BY feed_epoch.epoch, horizon.xmin
"""
_CONSUMERS = """
SELECT registered.consumer, sum(pending.count)::bigint AS pending,
       max(a.last_seen_at) AS last_seen_at
FROM unnest($2::text[]) AS registered (consumer)
CROSS JOIN generate_series(0, 15) AS shard
LEFT JOIN feed_acknowledgement AS a
    ON a.feed = $1 AND a.consumer = registered.consumer AND a.shard = shard.shard
CROSS JOIN LATERAL (
    SELECT count(*) FROM feed_event
    WHERE feed = $1 AND feed_event.shard = shard.shard
      AND (xid, id) > (coalesce(a.xid, '0'::xid8), coalesce(a.id, 0))
) AS pending
GROUP BY registered.consumer
"""
_CONSUMPTION = """
SELECT shard, cursor, applied_count, applied_at FROM feed_cursor WHERE feed = $1 ORDER BY shard
"""
_PARKED = "SELECT count(*) FROM feed_parked WHERE feed = $1"


class StatusReader:
    """Reads the status of feeds; a Background that samples the horizon and feeds the metrics."""

    def __init__(
        self,
        database: Database,
        feeds: Sequence[FeedSpec],
        acknowledgements: Acknowledgements,
        consumptions: Sequence[str],
    ) -> None:
        self._database = database
        self._consumptions = consumptions
        self._feeds = feeds
        self._acknowledgements = acknowledgements
        self._counted: dict[str, tuple[int, int, int]] = {}
        self._horizon = (0, 0.0)
        self._lag_s = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Sample the horizon each second, the rest less often, until ``stop``."""
        rounds = 0
        while not stop.is_set():
            await self._sample_horizon()
            telemetry.record("heed.feed.horizon_lag", self._lag_s)
            if rounds % _MEASURE_EVERY == 0:
                await self._measure()
            rounds += 1
            await wait_any(_SAMPLE_S, stop)

    async def read(self) -> pb.GetFeedStatusResponse:
        """Return everything, as of now."""
        await self._acknowledgements.flush()
        await self._sample_horizon()
        return pb.GetFeedStatusResponse(
            feeds=[await self._feed(feed) for feed in self._feeds],
            consumptions=[await self._consumption(feed) for feed in self._consumptions],
        )

    async def _feed(self, feed: FeedSpec) -> pb.FeedStatus:
        base, since, dropped = self._counted.get(feed.name, (0, 0, 0))
        row = await self._head(feed, since)
        if row.dropped != dropped:
            base = 0
            row = await self._head(feed, 0)
        below = base + row.newer - row.waiting
        self._counted[feed.name] = (below, row.xmin, row.dropped)
        status = pb.FeedStatus(
            feed=feed.name,
            epoch=str(row.epoch),
            event_count=below + row.waiting,
            horizon_lag_s=self._lag_s,
            waiting_count=row.waiting,
        )
        async with self._database.single() as connection:
            rows = await connection.exec_driver_sql(_CONSUMERS, (feed.name, list(feed.consumers)))
            for consumer in rows:
                entry = status.consumers.add(
                    consumer=consumer.consumer, pending_count=consumer.pending
                )
                if consumer.last_seen_at is not None:
                    entry.last_seen_at.FromDatetime(consumer.last_seen_at)
        return status

    async def _head(self, feed: FeedSpec, since: int) -> Any:
        async with self._database.single() as connection:
            return (await connection.exec_driver_sql(_HEAD, (feed.name, since))).one()

    async def _consumption(self, feed: str) -> pb.ConsumptionStatus:
        async with self._database.single() as connection:
            rows = (await connection.exec_driver_sql(_CONSUMPTION, (feed,))).all()
            parked = (await connection.exec_driver_sql(_PARKED, (feed,))).scalar_one()
        status = pb.ConsumptionStatus(
            feed=feed,
            positions=[ShardPosition(shard=row.shard, cursor=row.cursor) for row in rows],
            applied_count=sum(row.applied_count for row in rows),
            parked_count=parked,
        )
        applied_at = [row.applied_at for row in rows if row.applied_at is not None]
        if applied_at:
            status.last_applied_at.FromDatetime(max(applied_at))
        return status

    async def _sample_horizon(self) -> None:
        """See how long the same transaction has been the oldest.

        The serving role may not see when other roles' transactions began, so it watches.
        """
        async with self._database.single() as connection:
            row = (await connection.exec_driver_sql(_HORIZON)).one()
        now = time.monotonic()
        xmin, since = self._horizon
        if row.xmin == row.xmax:
            self._horizon, self._lag_s = (0, now), 0.0
        elif row.xmin == xmin:
            self._lag_s = now - since
        else:
            self._horizon, self._lag_s = (row.xmin, now), 0.0

    async def _measure(self) -> None:
        for name in self._consumptions:
            consumption = await self._consumption(name)
            telemetry.record("heed.feed.parked", consumption.parked_count, feed=name)
        for feed in self._feeds:
            status = await self._feed(feed)
            telemetry.record("heed.feed.held", status.event_count, feed=feed.name)
            for consumer in status.consumers:
                telemetry.record(
                    "heed.feed.lag",
                    consumer.pending_count,
                    feed=feed.name,
                    consumer=consumer.consumer,
                )
