"""What tests of models share: a classifier that can train, and a pattern for people to correct."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2
from google.longrunning.operations_pb2_grpc import OperationsStub
from google.protobuf.duration_pb2 import Duration
from heed.classifier.v1 import classifier_service_pb2 as pb
from heed.classifier.v1.resources_pb2 import Model

from heed_classifier.adapters.model_table import store_model
from heed_local.authority import Authority
from heed_shared.errors import reason_of
from tests.classifier.intake_server import MaskedTexts, intake_server
from tests.classifier.serving import Serving, serving
from tests.database_templates import MadeDatabase

PLACES = (
    "张家庄", "李家湾", "王府路", "东风里", "青年街", "河西村", "南门外", "北桥头", "幸福里",
    "桃源路", "朝阳坊", "和平街", "新华巷", "建设路", "解放里", "人民街",
)  # fmt: skip
CODE = "13"
PATTERN = "{}上空飞行器编队嗡鸣，彻夜盘旋扰人清梦，飞手不听劝阻"
MARK = "彻夜盘旋扰人清梦"

Make = Callable[[str], MadeDatabase]


@asynccontextmanager
async def school(
    made: MadeDatabase, authority: Authority, texts: int = 600
) -> AsyncIterator[tuple[Serving, MaskedTexts]]:
    """A classifier that can train: small lessons, and an intake that gives texts."""
    answers = MaskedTexts()
    async with (
        intake_server(authority, answers) as target,
        serving(
            made, authority, HEED_INTAKE_TARGET=target, HEED_CLASSIFIER_TRAINING_TEXTS=str(texts)
        ) as served,
    ):
        answers.intake = served.feed.intake
        yield served, answers


def train_request(**fields: Any) -> pb.TrainModelRequest:
    return pb.TrainModelRequest(**({"request_id": str(uuid.uuid4())} | fields))


async def finished(served: Serving, operation: operations_pb2.Operation) -> Any:
    """Wait for an operation."""
    stub = OperationsStub(served.channel("steward"))
    while not operation.done:
        # Shorter than the call's own deadline, also on a busy machine.
        operation = await stub.WaitOperation(
            operations_pb2.WaitOperationRequest(name=operation.name, timeout=Duration(seconds=3))
        )
    return operation


async def trained(served: Serving, **fields: Any) -> pb.TrainModelResponse:
    """Train to the end."""
    stub = served.stub("steward")
    operation = await finished(served, await stub.TrainModel(train_request(**fields)))
    assert not operation.HasField("error"), operation.error.message
    response = pb.TrainModelResponse()
    assert operation.response.Unpack(response)
    return response


async def sorted_by(served: Serving, text: str) -> Any:
    """How a text that is not stored is sorted."""
    return (await served.stub().Classify(pb.ClassifyRequest(request=text))).classification


async def until_sorted_by(served: Serving, model: str, text: str = "路灯坏了") -> Any:
    """Wait until a replica answers by a model; the swap takes seconds at most."""
    async with asyncio.timeout(6):
        while True:
            found = await sorted_by(served, text)
            if found.decision.model == model:
                return found
            await asyncio.sleep(0.1)


async def reason(call: Any) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return reason_of(caught.value)


async def models(served: Serving) -> dict[str, Model]:
    listed = await served.stub("steward").ListModels(pb.ListModelsRequest())
    return {model.name: model for model in listed.models}


async def stocked(served: Serving, weights: bytes) -> tuple[Model, Model]:
    """Two models in the schema; the first is in use."""
    now = datetime.now(UTC)
    database = served.feed.database
    await store_model(database, "first", weights, {}, {}, now - timedelta(days=1))
    await store_model(database, "second", weights, {}, {}, now)
    listed = await models(served)
    return listed["models/first"], listed["models/second"]
