"""Knows when all work has flowed through: nothing pending, nothing parked, nothing new."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from heed.feed.v1 import feed_service_pb2, feed_service_pb2_grpc

from heed_local.launcher import SERVICES, Suite

# A look costs every service some milliseconds, so it is not taken before news can be through.
FIRST_LOOK_S = 0.06
LOOK_AGAIN_S = 0.025
STATUS_S = 30


class NotDrainedError(RuntimeError):
    """Work is stuck; the message says which consumer of which feed, and how much."""


@dataclass(frozen=True)
class FeedCount:
    """One consumer's account of one feed: what was published and what was applied."""

    feed: str
    consumer: str
    published: int
    applied: int
    parked: int

    @property
    def lost(self) -> int:
        """Events neither applied nor parked."""
        return self.published - self.applied - self.parked


class FeedMonitor:
    """Watches the feeds of all four services through their public status."""

    def __init__(self, suite: Suite) -> None:
        self._stubs = {
            service: feed_service_pb2_grpc.FeedServiceStub(suite.channel(service, "operator"))
            for service in SERVICES
        }

    async def drain(self, limit_s: float = 120.0) -> None:
        """Waits until two looks in a row see nothing pending and nothing published in between.

        Raises:
            NotDrainedError: Events were parked, or the time is up.
        """
        until = time.monotonic() + limit_s
        before: dict[str, int] | None = None
        await asyncio.sleep(FIRST_LOOK_S)
        while True:
            statuses = await self._statuses()
            parked = _parked(statuses)
            if parked:
                raise NotDrainedError(f"events were parked: {parked}")
            heads = {feed.feed: feed.event_count for s in statuses.values() for feed in s.feeds}
            pending = _pending(statuses)
            if not pending and heads == before:
                return
            if time.monotonic() > until:
                raise NotDrainedError(f"still pending after {limit_s:.0f} s: {pending}")
            before = None if pending else heads
            if pending:
                await asyncio.sleep(LOOK_AGAIN_S)

    async def counts(self) -> list[FeedCount]:
        """Returns for each feed and consumer what was published, applied and parked."""
        statuses = await self._statuses()
        published = {feed.feed: feed.event_count for s in statuses.values() for feed in s.feeds}
        return [
            FeedCount(
                feed=consumption.feed,
                consumer=service,
                published=published.get(consumption.feed, 0),
                applied=consumption.applied_count,
                parked=consumption.parked_count,
            )
            for service, status in statuses.items()
            for consumption in status.consumptions
        ]

    async def _statuses(self) -> dict[str, feed_service_pb2.GetFeedStatusResponse]:
        request = feed_service_pb2.GetFeedStatusRequest()
        answers = await asyncio.gather(
            # A service that was just started again is waited for.
            *(
                stub.GetFeedStatus(request, wait_for_ready=True, timeout=STATUS_S)
                for stub in self._stubs.values()
            )
        )
        return dict(zip(self._stubs, answers, strict=True))


def _parked(statuses: dict[str, feed_service_pb2.GetFeedStatusResponse]) -> str:
    return ", ".join(
        f"{consumption.parked_count} of {consumption.feed} at {service}"
        for service, status in statuses.items()
        for consumption in status.consumptions
        if consumption.parked_count
    )


def _pending(statuses: dict[str, feed_service_pb2.GetFeedStatusResponse]) -> str:
    return ", ".join(
        f"{consumer.pending_count} of {feed.feed} for {consumer.consumer}"
        for status in statuses.values()
        for feed in status.feeds
        for consumer in feed.consumers
        if consumer.pending_count
    )
