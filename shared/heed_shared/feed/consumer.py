"""Takes in a feed of another service: pull, prepare, apply and advance, shard by shard.

Nothing is open while it pulls or prepares. What fails for a passing reason is tried again; what
fails by itself is tried alone three times and then parked with its subject, and the rest goes on.
What the database stops for taking too long is tried alone too, with pauses, before it is parked.
"""

import asyncio
import random
from collections.abc import Awaitable, Mapping, Sequence
from typing import TypeVar

import grpc
from heed.feed.v1 import feed_service_pb2 as pb
from heed.feed.v1.event_pb2 import Event, ShardPosition
from heed.feed.v1.feed_service_pb2_grpc import FeedServiceStub

from heed_shared import logs
from heed_shared.database import Database
from heed_shared.errors import reason_of
from heed_shared.feed.applying import (
    CursorMovedError,
    Move,
    advance,
    apply_batch,
    make_cursors,
    read_cursors,
)
from heed_shared.feed.parking import error_class, park
from heed_shared.feed.rebuilding import Rebuilding, rebuild
from heed_shared.feed.records import Handler
from heed_shared.feed.retrying import retry_parked
from heed_shared.feed.shard_locks import ShardLocks
from heed_shared.feed.spans import delivery_spans
from heed_shared.feed.transience import is_too_slow, is_transient
from heed_shared.feed.waking import wait_any

ATTEMPTS = 3
TOO_SLOW = 5
PARKED_IN_A_ROW = 20
_WAIT_S = 20
_ANSWER_S = 10
_BACKOFF_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_REBUILD_REASONS = frozenset({"CURSOR_TOO_OLD", "FEED_EPOCH_CHANGED"})

T = TypeVar("T")


class FeedConsumer:
    """One feed of another service, applied here; a Background."""

    def __init__(
        self,
        feed: str,
        consumer: str,
        channel: grpc.aio.Channel,
        database: Database,
        handler: Handler,
        batch_size: int = 200,
    ) -> None:
        """Build it.

        Args:
            feed: Such as ``intake.petitions``.
            consumer: Name of this service, as the feed has it among its consumers.
            channel: To the service that has the feed.
            database: The service's own.
            handler: What it does with the events.
            batch_size: Most events applied in one transaction.
        """
        self.feed = feed
        self.name = f"consumer of {feed}"
        self._consumer = consumer
        self._stub = FeedServiceStub(channel)
        self._database = database
        self._handler = handler
        self._batch_size = batch_size
        self._locks = ShardLocks(database, feed)
        self._cursors: dict[int, str] = {}
        self._parked_in_a_row: dict[int, int] = {}
        self._stopped: set[int] = set()
        self._singly = False
        self._too_slow: dict[str, int] = {}
        self._failures = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Take in events until ``stop``; the batch in progress is finished first."""
        await make_cursors(self._database, self.feed)
        done = asyncio.Event()
        locks = asyncio.create_task(self._locks.run(done))
        try:
            while not stop.is_set():
                await self._turn(stop)
        finally:
            done.set()
            await locks

    async def retry_parked(self, subject: str = "") -> tuple[int, int]:
        """Apply parked events in order; return how many were applied and how many remain."""
        applied, parked = await retry_parked(self._database, self.feed, self._handler, subject)
        if applied:
            self._stopped.clear()
            self._parked_in_a_row.clear()
            self._locks.touch()
        return applied, parked

    async def _turn(self, stop: asyncio.Event) -> None:
        changed, lost = self._locks.changed, self._locks.lost
        shards = self._locks.held - self._stopped
        if not shards:
            await wait_any(_WAIT_S, changed, stop)
            return
        try:
            response = await _unless(self._pull(shards), changed, stop)
            if response is not None:
                async with self._locks.busy:
                    await _unless(self._take_in(response), lost)
            self._failures = 0
            if changed.is_set():  # Others have worked on the shards that come back.
                self._cursors.clear()
        except CursorMovedError:
            self._cursors.clear()
        except Exception as error:
            self._cursors.clear()
            await self._failed(error, stop)

    async def _pull(self, shards: frozenset[int]) -> pb.ListEventsResponse:
        if not shards <= self._cursors.keys():
            self._cursors = await read_cursors(self._database, self.feed)
        request = pb.ListEventsRequest(
            feed=self.feed,
            consumer=self._consumer,
            positions=[
                ShardPosition(shard=shard, cursor=self._cursors[shard]) for shard in sorted(shards)
            ],
            page_size=self._batch_size,
        )
        request.wait.FromSeconds(_WAIT_S)
        response: pb.ListEventsResponse = await self._stub.ListEvents(
            request, timeout=_WAIT_S + _ANSWER_S
        )
        return response

    async def _take_in(self, response: pb.ListEventsResponse) -> None:
        held = self._locks.held & self._cursors.keys()
        events = [event for event in response.events if event.shard in held]
        moves = self._moves(events)
        for item in response.positions:
            # Also without events: a first cursor, or one that leaves a snapshot behind.
            if item.shard in held and item.cursor != self._cursors[item.shard]:
                moves.setdefault(item.shard, Move(self._cursors[item.shard], item.cursor, 0))
        if not moves:
            return
        if self._singly or not await self._together(events, moves):
            await self._one_by_one(events)
            self._singly = False

    async def _together(self, events: Sequence[Event], moves: Mapping[int, Move]) -> bool:
        """Apply a batch; say whether that worked, or its events must be tried one by one."""
        try:
            with delivery_spans(self.feed, events) as deliveries:
                await apply_batch(self._database, self.feed, self._handler, moves, deliveries)
        except CursorMovedError:
            raise
        except Exception as error:
            if is_transient(error):
                self._singly = is_too_slow(error)
                raise
            return False
        self._advanced(moves)
        return True

    async def _one_by_one(self, events: Sequence[Event]) -> None:
        self._cursors = await read_cursors(self._database, self.feed)
        for event in events:
            if event.shard in self._stopped:
                continue
            error = await self._alone(event)
            if error is not None:
                await self._park(event, error)

    async def _alone(self, event: Event) -> Exception | None:
        """Apply one event; return why it cannot be applied."""
        moves = self._moves([event])
        failure: Exception | None = None
        for attempt in range(ATTEMPTS):
            await asyncio.sleep(0.02 * attempt)
            try:
                with delivery_spans(self.feed, [event]) as deliveries:
                    await apply_batch(self._database, self.feed, self._handler, moves, deliveries)
            except CursorMovedError:
                raise
            except Exception as error:
                if is_transient(error):
                    if self._stays_too_slow(event, error):
                        return error
                    raise
                failure = error
            else:
                self._too_slow.pop(event.cursor, None)
                self._advanced(moves)
                return None
        return failure

    def _stays_too_slow(self, event: Event, error: Exception) -> bool:
        """Count how often the database stopped this event alone; say when that is enough."""
        if not is_too_slow(error):
            return False
        self._too_slow[event.cursor] = self._too_slow.get(event.cursor, 0) + 1
        return self._too_slow[event.cursor] >= TOO_SLOW

    async def _park(self, event: Event, error: Exception) -> None:
        moves = self._moves([event])
        attempts = max(ATTEMPTS, self._too_slow.pop(event.cursor, 0))
        async with self._database.transaction() as tx:
            await advance(tx.connection, self.feed, moves)
            await park(tx.connection, self.feed, event, error, attempts)
            await tx.commit()
        self._cursors[event.shard] = event.cursor
        logs.failure(
            logs.Event.FEED_EVENT_PARKED,
            error,
            feed=self.feed,
            shard=event.shard,
            attempts=attempts,
        )
        in_a_row = self._parked_in_a_row.get(event.shard, 0) + 1
        self._parked_in_a_row[event.shard] = in_a_row
        if in_a_row > PARKED_IN_A_ROW:
            self._stopped.add(event.shard)
            logs.failure(logs.Event.FEED_SHARD_STOPPED, error, feed=self.feed, shard=event.shard)

    def _moves(self, events: Sequence[Event]) -> dict[int, Move]:
        """Return how the cursors move over these events."""
        moves: dict[int, Move] = {}
        for event in events:
            count = moves[event.shard].count + 1 if event.shard in moves else 1
            moves[event.shard] = Move(self._cursors[event.shard], event.cursor, count)
        return moves

    def _advanced(self, moves: Mapping[int, Move]) -> None:
        for shard, move in moves.items():
            self._cursors[shard] = move.new
            self._parked_in_a_row.pop(shard, None)

    async def _failed(self, error: Exception, stop: asyncio.Event) -> None:
        if isinstance(error, grpc.aio.AioRpcError) and reason_of(error) in _REBUILD_REASONS:
            await self._rebuild(error)
        delay_s = _BACKOFF_S[min(self._failures, len(_BACKOFF_S) - 1)]
        self._failures += 1
        if self._failures > 1:  # One failure is the ordinary end of a peer's connection.
            logs.warning(
                logs.Event.FEED_BATCH_FAILED,
                feed=self.feed,
                error=error_class(error),
                reason=reason_of(error) if isinstance(error, grpc.RpcError) else "",
                failures=self._failures,
            )
        await wait_any(delay_s * random.uniform(0.8, 1.2), stop)  # noqa: S311 - spreads load

    async def _rebuild(self, cause: grpc.aio.AioRpcError) -> None:
        """Start again from the feed's snapshot, if the handler can; otherwise say so and wait."""
        if not isinstance(self._handler, Rebuilding):
            self._failures = len(_BACKOFF_S)
            return
        logs.failure(logs.Event.FEED_BATCH_FAILED, cause, feed=self.feed, part="rebuild")
        try:
            await rebuild(self._database, self.feed, self._stub, self._handler, self._handler)
            self._stopped.clear()
            self._parked_in_a_row.clear()
        except Exception as error:  # the next turn finds the same cause and tries again
            logs.failure(logs.Event.FEED_BATCH_FAILED, error, feed=self.feed, part="rebuild")


async def _unless(work: Awaitable[T], *events: asyncio.Event) -> T | None:
    """Return what ``work`` returns; cancel it and return None if an event is set before."""
    task = asyncio.ensure_future(work)
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait([task, *waiting], return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        task.cancel()
        for item in waiting:
            item.cancel()
        await asyncio.gather(task, return_exceptions=True)
