# ruff: noqa: N802 - methods are named as in the contract
"""Texts that are not stored: one, or a stream answered in order and no faster than it is read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
from heed.classifier.v1 import classifier_service_pb2 as pb

from heed_classifier.api.convert import Converter
from heed_classifier.application.sorting import Answer, ToSort
from heed_classifier.domain.text import PetitionText
from heed_shared import logs, telemetry
from heed_shared.clock import local_day
from heed_shared.errors import HeedError, Internal, UnknownRegion, to_status, translate
from heed_shared.rpc.stopping import current_stopping
from heed_shared.rpc.validation import validate

if TYPE_CHECKING:
    from heed_classifier.api.servicer import Classifier

Context = grpc.aio.ServicerContext[Any, Any]
WINDOW = 64
"""Texts of one stream that were read and whose answers the client has not taken yet."""
_END = None


@dataclass(frozen=True)
class _Accepted:
    """A text on its way, or what is wrong with it."""

    sequence: int
    region_code: str
    answer: asyncio.Future[Answer] | HeedError


class StreamRpcs:
    """Classify and ClassifyStream."""

    _classifier: Classifier
    _convert: Converter

    async def Classify(self, request: pb.ClassifyRequest, _context: Context) -> pb.ClassifyResponse:
        """Sort a text that is not stored."""
        item = to_sort(request, self._classifier)
        answer = await self._classifier.batches.sort(item)
        return pb.ClassifyResponse(classification=self._convert.answer(answer, request.region_code))

    async def ClassifyStream(
        self, request_iterator: AsyncIterator[pb.ClassifyStreamRequest], _context: Context
    ) -> AsyncIterator[pb.ClassifyStreamResponse]:
        """Sort many texts; when the server stops, what was read is answered and the stream ends."""
        stream = _Stream(self._classifier, request_iterator)
        async with aclosing(stream.accepted(current_stopping())) as accepted:
            async for item in accepted:
                yield await self._answered(item)

    async def _answered(self, item: _Accepted) -> pb.ClassifyStreamResponse:
        answer = item.answer
        if isinstance(answer, asyncio.Future):
            try:
                found = self._convert.answer(await answer, item.region_code)
                return pb.ClassifyStreamResponse(sequence=item.sequence, classification=found)
            except Exception as caught:  # the stream goes on behind a text that cannot be sorted
                known = translate(caught)
                if known is None:
                    logs.failure(logs.Event.RPC_FAILED, caught)
                answer = known or Internal()
        status = to_status(answer, telemetry.current_trace_id())
        return pb.ClassifyStreamResponse(sequence=item.sequence, error=status)


class _Stream:
    """Reads ahead of the client's reading by a bounded number of texts."""

    def __init__(
        self, classifier: Classifier, requests: AsyncIterator[pb.ClassifyStreamRequest]
    ) -> None:
        self._classifier = classifier
        self._requests = requests
        self._slots = asyncio.Semaphore(WINDOW)
        self._queue: asyncio.Queue[_Accepted | None] = asyncio.Queue()  # bounded by the slots

    async def accepted(self, stopping: asyncio.Event) -> AsyncGenerator[_Accepted]:
        """Texts in order; a text gives its slot back when the next one is asked for."""
        reader = asyncio.create_task(self._read())
        stopper = asyncio.create_task(self._stop(stopping, reader))
        try:
            while (item := await self._queue.get()) is not _END:
                yield item
                self._slots.release()
            with suppress(asyncio.CancelledError):
                await reader
        finally:
            reader.cancel()
            stopper.cancel()
            self._forget()

    async def _read(self) -> None:
        try:
            while True:
                await self._slots.acquire()
                request = await anext(self._requests, _END)
                if request is _END:
                    return
                self._queue.put_nowait(await self._accept(request))
        finally:
            self._queue.put_nowait(_END)

    async def _accept(self, request: pb.ClassifyStreamRequest) -> _Accepted:
        text = request.text
        answer: asyncio.Future[Answer] | HeedError
        try:
            validate(text, "text")
            item = to_sort(text, self._classifier, "text.region_code")
            answer = await self._classifier.batches.accept(item)
        except HeedError as error:
            answer = error
        return _Accepted(request.sequence, text.region_code, answer)

    @staticmethod
    async def _stop(stopping: asyncio.Event, reader: asyncio.Task[None]) -> None:
        """Read no more once the server stops."""
        await stopping.wait()
        reader.cancel()

    def _forget(self) -> None:
        """Take back what nobody will read."""
        while not self._queue.empty():
            item = self._queue.get_nowait()
            if item is not _END and isinstance(item.answer, asyncio.Future):
                item.answer.cancel()


def to_sort(
    request: pb.ClassifyRequest, classifier: Classifier, region_field: str = "region_code"
) -> ToSort:
    """The text of a request.

    Raises:
        UnknownRegion: Its region is in no table.
    """
    if request.region_code and request.region_code not in classifier.regions:
        raise UnknownRegion(request.region_code, region_field)
    return ToSort(
        PetitionText(request.request, request.facts),
        request.region_code,
        int(request.people_bucket),
        day=local_day(classifier.clock.now()),
    )
