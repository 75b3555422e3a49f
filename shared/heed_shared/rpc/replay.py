"""Moves the business clock of a service that runs in replay mode."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import grpc
from heed.feed.v1 import replay_service_pb2 as pb
from heed.feed.v1.replay_service_pb2_grpc import ReplayServiceServicer

from heed_shared.clock import Clock, ReplayClock
from heed_shared.errors import InvalidField, NotInReplay

LAST_YEAR = 2199
"""Beyond it a deadline counted from the clock might leave the calendar."""

Context = grpc.aio.ServicerContext[pb.AdvanceClockRequest, pb.AdvanceClockResponse]


class ReplayServicer(ReplayServiceServicer):
    """Advances the clock, then lets the service catch up before it answers."""

    def __init__(
        self, clock: Clock, on_advance: Sequence[Callable[[datetime], Awaitable[None]]]
    ) -> None:
        self._clock = clock
        self._on_advance = on_advance
        self._turn = asyncio.Lock()

    async def AdvanceClock(  # type: ignore[override]  # noqa: N802 - named by the contract
        self, request: pb.AdvanceClockRequest, _: Context
    ) -> pb.AdvanceClockResponse:
        """Move the clock; a repeated call lets the service catch up again and changes nothing."""
        if not isinstance(self._clock, ReplayClock):
            raise NotInReplay
        to = request.to.ToDatetime(UTC)
        if to.year > LAST_YEAR:
            raise InvalidField("to", f"must lie before the end of {LAST_YEAR}")
        async with self._turn:
            self._clock.advance(to)
            now = self._clock.now()
            for catch_up in self._on_advance:
                await catch_up(now)
        response = pb.AdvanceClockResponse()
        response.now.FromDatetime(now)
        return response
