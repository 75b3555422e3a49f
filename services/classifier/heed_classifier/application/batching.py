"""Sorts texts that come one by one together, because a batch costs less than its texts alone."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections import deque
from collections.abc import Iterable, Sequence

from heed_classifier.application.sorting import Answer, Sorting, ToSort
from heed_shared import telemetry
from heed_shared.errors import RateLimited

MOST_TOGETHER = 32
"""Texts of one batch. Together a text costs half to a third of what it costs alone (measured); more
gain nothing, and whoever comes next waits for the whole of it."""
MOST_WAITING = 256
MOST_STREAMED = 256

_Waiting = tuple[ToSort, "asyncio.Future[Answer]"]


class Batches:
    """Texts that wait are sorted in one go. Single calls go before streams, which have time.

    A caller that gives up leaves the queue. A text that cannot be sorted fails alone.
    """

    def __init__(self, sorting: Sorting) -> None:
        self._sorting = sorting
        self._single: deque[_Waiting] = deque()
        self._streamed: deque[_Waiting] = deque()
        self._room = asyncio.Semaphore(MOST_STREAMED)
        self._at_work: asyncio.Task[None] | None = None
        telemetry.observe("heed.classifier.waiting", self._observe)

    async def sort(self, item: ToSort) -> Answer:
        """Sort the text of a single call.

        Raises:
            RateLimited: Too many are waiting already.
        """
        if len(self._single) >= MOST_WAITING:
            raise RateLimited(retry_after_s=1)
        return await self._submit(self._single, item)

    async def accept(self, item: ToSort) -> asyncio.Future[Answer]:
        """Take the text of a stream as soon as there is room; returns its answer to come."""
        await self._room.acquire()
        answer = self._submit(self._streamed, item)
        answer.add_done_callback(self._make_room)
        return answer

    def _make_room(self, answer: asyncio.Future[Answer]) -> None:
        self._room.release()
        if not answer.cancelled():
            answer.exception()  # seen, even where the stream that asked has gone

    def _submit(self, queue: deque[_Waiting], item: ToSort) -> asyncio.Future[Answer]:
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        queue.append((item, answer))
        if self._at_work is None:
            # It works for everybody, so neither deadline nor trace of this call goes with it.
            nobody = contextvars.Context()
            self._at_work = asyncio.create_task(self._work(), context=nobody)
        return answer

    async def _work(self) -> None:
        try:
            while batch := self._next():
                await self._sort(batch)
        finally:
            self._at_work = None

    def _next(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        for queue in (self._single, self._streamed):
            while queue and len(batch) < MOST_TOGETHER:
                item, answer = queue.popleft()
                if not answer.done():
                    batch.append((item, answer))
        return batch

    async def _sort(self, batch: Sequence[_Waiting]) -> None:
        started = time.perf_counter()
        try:
            answers = await self._sorting.sort([item for item, _ in batch])
        except Exception as error:
            if len(batch) == 1:
                _fail(batch[0], error)
                return
            for waiting in batch:
                await self._sort([waiting])
            return
        telemetry.record("heed.classifier.duration", time.perf_counter() - started)
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)

    def _observe(self) -> Iterable[tuple[float, telemetry.Attributes]]:
        return [
            (len(self._single), {"heed.call": "single"}),
            (len(self._streamed), {"heed.call": "stream"}),
        ]


def _fail(waiting: _Waiting, error: Exception) -> None:
    _, future = waiting
    if not future.done():
        future.set_exception(error)
