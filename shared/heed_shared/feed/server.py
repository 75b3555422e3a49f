# ruff: noqa: N802 - methods are named as in the contract
"""Serves the feeds of one service: heed.feed.v1.FeedService and the work behind it.

One object is the servicer and a Background; both must be handed to ``serve``.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from heed.feed.v1 import feed_service_pb2 as pb
from heed.feed.v1.feed_service_pb2_grpc import (
    FeedServiceServicer,
    add_FeedServiceServicer_to_server,
)

from heed_shared.database import Database
from heed_shared.errors import UnknownFeed
from heed_shared.feed.access import FeedTable, asked_positions, shard_positions
from heed_shared.feed.acknowledging import Acknowledgements
from heed_shared.feed.consumer import FeedConsumer
from heed_shared.feed.parking import list_parked
from heed_shared.feed.reading import Asked, Page, read_page
from heed_shared.feed.records import FeedSpec
from heed_shared.feed.retention import Retention
from heed_shared.feed.snapshot import SnapshotSource, stream_snapshot
from heed_shared.feed.status import StatusReader
from heed_shared.feed.waking import Waker, Wakeups, wait_any
from heed_shared.identity import Caller, current_caller
from heed_shared.paging import PageTokens, page_size
from heed_shared.rpc import deadline
from heed_shared.rpc.background import running
from heed_shared.rpc.stopping import current_stopping

_POLL_S = 1.0
_CHECKPOINT_S = 10.0
_WATCH_PAGE = 200
_ANSWER_MARGIN_S = 0.25
_PARTS_GRACE_S = 5.0
_LOOK_AGAIN_S = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.2)


class FeedServer(FeedServiceServicer):
    """The feeds of one service, and how far it has come with those of others."""

    def __init__(
        self,
        database: Database,
        feeds: Sequence[FeedSpec],
        snapshots: Mapping[str, SnapshotSource],
        consumptions: Sequence[FeedConsumer] = (),
        *,
        page_tokens: PageTokens | None = None,
        retention_days: int = 7,
    ) -> None:
        """Build it.

        Args:
            database: The service's own.
            feeds: What it serves.
            snapshots: For each feed, what gives its present state as events.
            consumptions: What it takes in; their parked events can be listed and retried here.
            page_tokens: With the key of the service; without, a token holds for this process only.
            retention_days: How long events are kept after everybody has them.
        """
        self._database = database
        self._feeds = FeedTable(feeds)
        self._snapshots = snapshots
        self._consumptions = {consumption.feed: consumption for consumption in consumptions}
        self._page_tokens = page_tokens or PageTokens(secrets.token_bytes(32))
        self._wakeups = Wakeups()
        self._acknowledgements = Acknowledgements(database)
        self._status = StatusReader(
            database, feeds, self._acknowledgements, list(self._consumptions)
        )
        self._background = (
            Waker(database, self._wakeups),
            self._acknowledgements,
            Retention(database, feeds, retention_days),
            self._status,
        )

    def servicer(self) -> tuple[Any, "FeedServer", ServiceDescriptor]:
        """Return the entry for ``Service.servicers``."""
        descriptor = pb.DESCRIPTOR.services_by_name["FeedService"]
        return add_FeedServiceServicer_to_server, self, descriptor

    async def run(self, stop: asyncio.Event) -> None:
        """Wake readers, write acknowledgements, keep partitions, until ``stop``."""
        async with running(self._background, _PARTS_GRACE_S):
            await stop.wait()

    async def ListEvents(
        self, request: pb.ListEventsRequest, _context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.ListEventsResponse:
        """Return the next events, waiting for some if asked to."""
        caller = current_caller()
        feed = self._feeds.open_to(caller, request.feed, request.consumer)
        asked = asked_positions(feed, request.positions)
        if request.consumer:
            self._acknowledgements.present(
                feed.name,
                request.consumer,
                {shard: item.position for shard, item in asked.items()},
            )
        wait_s = request.wait.seconds + request.wait.nanos / 1e9
        left = deadline.remaining_s()
        if left is not None:
            wait_s = min(wait_s, left - _ANSWER_MARGIN_S)
        page = await self.next_page(
            feed, asked, caller, page_size(request.page_size, 100, 1000), wait_s
        )
        return pb.ListEventsResponse(
            events=page.events, positions=shard_positions(feed, page.asked)
        )

    async def WatchEvents(
        self, request: pb.WatchEventsRequest, _context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[pb.WatchEventsResponse]:
        """Stream events as they come; a checkpoint when nothing comes for a while."""
        caller = current_caller()
        feed = self._feeds.open_to(caller, request.feed)
        asked = asked_positions(feed, request.positions)
        stopping = current_stopping()
        wait_s = 0.0  # The first checkpoint comes at once and gives every shard a cursor.
        while not stopping.is_set():
            page = await self.next_page(feed, asked, caller, _WATCH_PAGE, wait_s)
            asked, wait_s = page.asked, _CHECKPOINT_S
            yield pb.WatchEventsResponse(
                events=page.events, positions=shard_positions(feed, page.asked)
            )

    async def GetFeedStatus(
        self, _request: pb.GetFeedStatusRequest, _context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.GetFeedStatusResponse:
        """Show heads, consumers and own consumptions."""
        return await self._status.read()

    async def GetFeedSnapshot(
        self, request: pb.GetFeedSnapshotRequest, _context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[pb.GetFeedSnapshotResponse]:
        """Stream the present state, then the positions from which to go on."""
        caller = current_caller()
        feed = self._feeds.open_to(caller, request.feed)
        async for part in stream_snapshot(
            self._database, feed, self._snapshots.get(feed.name), caller
        ):
            yield part

    async def ListParkedEvents(
        self, request: pb.ListParkedEventsRequest, _context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.ListParkedEventsResponse:
        """List what could not be applied, oldest first."""
        return await list_parked(self._database, request, self._page_tokens)

    async def RetryParkedEvents(
        self, request: pb.RetryParkedEventsRequest, _context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.RetryParkedEventsResponse:
        """Apply the parked events of one subject, or of all, in order."""
        consumption = self._consumptions.get(request.feed)
        if consumption is None:
            raise UnknownFeed(request.feed)
        applied, parked = await consumption.retry_parked(request.subject)
        return pb.RetryParkedEventsResponse(applied_count=applied, parked_count=parked)

    async def next_page(
        self,
        feed: FeedSpec,
        asked: Mapping[int, Asked],
        caller: Caller,
        limit: int,
        wait_s: float,
    ) -> Page:
        """Look until there is something for this caller, the time is over or the server stops.

        Also for a service's own streams over one of its feeds. No database connection is held
        while waiting. Events above the horizon are looked for again soon; otherwise a wake-up or
        the next second comes first.
        """
        stopping = current_stopping()
        ends_at = time.monotonic() + wait_s
        looked_again = 0
        while True:
            ticket = self._wakeups.ticket(feed.name)
            page = await read_page(self._database, feed, asked, limit)
            found = bool(page.events)
            page = page.seen_by(caller)
            asked = page.asked
            left = ends_at - time.monotonic()
            if page.events or left <= 0 or stopping.is_set():
                return page
            if found:
                continue
            if page.waiting:
                pause = _LOOK_AGAIN_S[min(looked_again, len(_LOOK_AGAIN_S) - 1)]
                looked_again += 1
                await wait_any(min(left, pause), stopping)
            else:
                looked_again = 0
                await wait_any(min(left, _POLL_S), ticket, stopping)
