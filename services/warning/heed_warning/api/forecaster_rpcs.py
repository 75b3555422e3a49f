# ruff: noqa: N802 - methods are named as in the contract
"""RPCs about trained forecasters."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from google.longrunning.operations_pb2 import Operation
from google.protobuf.message import Message
from heed.warning.v1 import warning_service_pb2 as pb

from heed_shared.database import Transaction
from heed_shared.identity import current_caller
from heed_shared.operations import Progress
from heed_shared.paging import filter_digest, page_size
from heed_warning.api import convert
from heed_warning.api.once import once
from heed_warning.api.parts import Parts
from heed_warning.domain.forecaster_record import ForecasterState

_LIST = "ListForecasters"
_TRAIN = "train-forecaster"


class ForecasterRpcs:
    """TrainForecaster, ListForecasters, PromoteForecaster."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def TrainForecaster(self, request: pb.TrainForecasterRequest, _context: Any) -> Operation:
        """Start training; the operation's response tells whether the result is in use."""
        parts = self._parts
        panel = await parts.school.lesson(convert.to_day_or_none(request.data_to, "data_to"))
        started_at = datetime.now(UTC)

        async def work(progress: Progress) -> Message:
            async def report(share: float) -> None:
                await progress.report(_metadata(started_at, share))

            record = await parts.school.train(
                panel, seed=request.seed, max_seconds=request.max_seconds, report=report
            )
            return pb.TrainForecasterResponse(
                forecaster=convert.from_forecaster(record),
                promoted=record.state is ForecasterState.CURRENT,
            )

        async def act(_: Transaction) -> Operation:
            return await parts.operations.start(_TRAIN, _metadata(started_at, 0.0), work)

        return await once(parts.database, request, Operation, act)

    async def ListForecasters(
        self, request: pb.ListForecastersRequest, _context: Any
    ) -> pb.ListForecastersResponse:
        """Return a page of trained models, newest first."""
        parts, digest = self._parts, filter_digest(request)
        size, before = page_size(request.page_size), None
        if request.page_token:
            trained_at, uid = parts.page_tokens.decode(_LIST, digest, request.page_token)
            before = (datetime.fromisoformat(str(trained_at)), UUID(str(uid)))
        async with parts.database.read() as connection:
            found = await parts.forecasters.list(connection, before, size + 1)
        shown, token = found[:size], ""
        if len(found) > size:
            position = [shown[-1].trained_at.isoformat(), str(shown[-1].uid)]
            token = parts.page_tokens.encode(_LIST, digest, position)
        return pb.ListForecastersResponse(
            forecasters=[convert.from_forecaster(record) for record in shown],
            next_page_token=token,
        )

    async def PromoteForecaster(
        self, request: pb.PromoteForecasterRequest, _context: Any
    ) -> pb.PromoteForecasterResponse:
        """Put a forecaster to use."""

        async def act(tx: Transaction) -> pb.PromoteForecasterResponse:
            used = await self._parts.school.promote(
                tx, current_caller(), request.name, request.etag, request.reason
            )
            return pb.PromoteForecasterResponse(forecaster=convert.from_forecaster(used))

        return await once(self._parts.database, request, pb.PromoteForecasterResponse, act)


def _metadata(started_at: datetime, progress: float) -> pb.TrainForecasterMetadata:
    metadata = pb.TrainForecasterMetadata(progress=progress)
    metadata.started_at.FromDatetime(started_at)
    return metadata
