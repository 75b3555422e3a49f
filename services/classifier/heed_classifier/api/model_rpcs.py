# ruff: noqa: N802 - methods are named as in the contract
"""The RPCs about trained models: training, testing, putting to use, going back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Protocol, TypeVar, cast

import grpc
from google.longrunning.operations_pb2 import Operation
from google.protobuf.message import Message
from heed.classifier.v1 import classifier_service_pb2 as pb

from heed_classifier.api import convert_models
from heed_classifier.application.models import Models, Say, Window
from heed_classifier.domain.models import LabelledText
from heed_classifier.domain.nature import Nature
from heed_shared import request_records
from heed_shared.clock import Clock, local_day
from heed_shared.database import Database, Transaction
from heed_shared.errors import InvalidField, UnknownCategory
from heed_shared.identity import current_caller
from heed_shared.operations import Operations, Progress
from heed_shared.paging import PageTokens, filter_digest, page_size
from heed_shared.reference.taxonomy import Taxonomy

Context = grpc.aio.ServicerContext[Any, Any]
R = TypeVar("R", bound=Message)
_LIST = "ListModels"
_TRAIN, _EVALUATE = "train-model", "evaluate-model"


@dataclass(frozen=True)
class ModelParts:
    """What the RPCs about models work with."""

    models: Models
    operations: Operations
    database: Database
    taxonomy: Taxonomy
    page_tokens: PageTokens
    clock: Clock


class _WithRequestId(Protocol):
    request_id: str


class ModelRpcs:
    """TrainModel, EvaluateModel, ListModels, PromoteModel."""

    _models: ModelParts

    async def TrainModel(self, request: pb.TrainModelRequest, _context: Context) -> Operation:
        """Start a training; the operation's response tells whether the new model is in use."""
        parts, started_at = self._models, datetime.now(UTC)
        window = _window(request, local_day(parts.clock.now()))
        if request.seed < 0:
            raise InvalidField("seed", "must not be negative")

        async def work(progress: Progress) -> Message:
            async def say(share: float, stage: str) -> None:
                await progress.report(convert_models.training(started_at, share, stage))

            outcome = await parts.models.train(window, request.seed or 1, say)
            return convert_models.outcome(outcome, parts.taxonomy)

        async def act(_: Transaction) -> Operation:
            metadata = convert_models.training(started_at, 0.0, "")
            return await parts.operations.start(_TRAIN, metadata, work)

        return await _once(parts.database, request, Operation, act)

    async def EvaluateModel(self, request: pb.EvaluateModelRequest, _context: Context) -> Operation:
        """Start a test of a model; the texts given are kept nowhere."""
        parts, started_at = self._models, datetime.now(UTC)
        name = _model(request.name)
        judging = await parts.models.texts_to_judge(name, _labelled(request, parts.taxonomy))

        async def work(progress: Progress) -> Message:
            say = _sayer(progress, started_at)
            report = await parts.models.judge(judging, name, say)
            return pb.EvaluateModelResponse(
                name=request.name, report=convert_models.report(report, parts.taxonomy)
            )

        async def act(_: Transaction) -> Operation:
            metadata = convert_models.evaluating(started_at, 0.0)
            return await parts.operations.start(_EVALUATE, metadata, work)

        return await _once(parts.database, request, Operation, act)

    async def ListModels(
        self, request: pb.ListModelsRequest, _context: Context
    ) -> pb.ListModelsResponse:
        """Return a page of models, latest first."""
        parts, digest, size = self._models, filter_digest(request), page_size(request.page_size)
        before = None
        if request.page_token:
            trained_at, name = parts.page_tokens.decode(_LIST, digest, request.page_token)
            before = (datetime.fromisoformat(str(trained_at)), str(name))
        found = await parts.models.store.page(before, size + 1)
        shown, token = found[:size], ""
        if len(found) > size:
            position = [shown[-1].trained_at.isoformat(), shown[-1].name]
            token = parts.page_tokens.encode(_LIST, digest, position)
        return pb.ListModelsResponse(
            models=[convert_models.model(item) for item in shown], next_page_token=token
        )

    async def PromoteModel(
        self, request: pb.PromoteModelRequest, _context: Context
    ) -> pb.PromoteModelResponse:
        """Put a model to use; every replica loads it within seconds."""
        parts, caller, name = self._models, current_caller(), _model(request.name)
        await parts.models.require_readable(name)

        async def act(tx: Transaction) -> pb.PromoteModelResponse:
            record = await parts.models.promote(tx, name, request.etag, caller, request.reason)
            return pb.PromoteModelResponse(model=convert_models.model(record, parts.taxonomy))

        return await _once(parts.database, request, pb.PromoteModelResponse, act)


async def _once(
    database: Database,
    request: Message,
    response_type: type[R],
    act: Callable[[Transaction], Awaitable[R]],
) -> R:
    """Run ``act`` and commit, or answer what it answered before to the same request_id.

    Raises:
        RequestIdReused: The request_id came before with another payload.
    """
    identity, method = current_caller().identity, request.DESCRIPTOR.full_name
    request_id = cast("_WithRequestId", request).request_id
    digest = request_records.payload_digest(request)
    async with database.transaction() as tx:
        stored = await request_records.remember(tx, identity, method, request_id, digest)
        if stored is not None:
            return response_type.FromString(stored)
        response = await act(tx)
        await request_records.store(tx, identity, method, request_id, response.SerializeToString())
        await tx.commit()
        return response


def _sayer(progress: Progress, started_at: datetime) -> Say:
    async def say(share: float, _stage: str) -> None:
        await progress.report(convert_models.evaluating(started_at, share))

    return say


def _model(name: str) -> str:
    return name.removeprefix("models/")


def _window(request: pb.TrainModelRequest, today: date) -> Window:
    first = _day(request.data_from, "data_from")
    last = _day(request.data_to, "data_to") or today
    if first is not None and first > last:
        raise InvalidField("data_from", "must not lie behind data_to")
    return Window(first, last)


def _day(text: str, field: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise InvalidField(field, "must be a day of the calendar, YYYY-MM-DD") from error


def _labelled(request: pb.EvaluateModelRequest, taxonomy: Taxonomy) -> list[LabelledText]:
    for place, item in enumerate(request.texts):
        if item.category_code not in taxonomy:
            raise UnknownCategory(item.category_code, f"texts[{place}].category_code")
    return [
        LabelledText(item.text, item.category_code, Nature(item.nature)) for item in request.texts
    ]
