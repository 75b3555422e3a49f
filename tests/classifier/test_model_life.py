"""The life of models: one training at a time, cancelled, restarted, put to use, taken back."""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2
from google.longrunning.operations_pb2_grpc import OperationsStub
from heed.classifier.v1 import classifier_service_pb2 as pb
from heed.classifier.v1.resources_pb2 import Decision, Model

from heed_classifier.adapters.training_process import ChildTrainer
from heed_classifier.domain.models import LabelledText
from heed_local.authority import Authority
from heed_shared.database import raw
from tests.classifier.model_setup import (
    CODE,
    MARK,
    PATTERN,
    PLACES,
    Make,
    finished,
    models,
    reason,
    school,
    stocked,
    train_request,
    trained,
    until_sorted_by,
)
from tests.classifier.serving import Serving, serving

LONG = 50_000
"""Generated texts of a lesson that does not end before the test ends it."""


async def test_one_training_runs_at_a_time_and_can_be_cancelled(
    make_database: Make, authority: Authority
) -> None:
    async with school(make_database("classifier"), authority, LONG) as (served, _):
        stub, request = served.stub("steward"), train_request()
        operation = await stub.TrainModel(request)
        assert (await stub.TrainModel(request)).name == operation.name
        request.seed = 9
        assert await reason(stub.TrainModel(request)) == "REQUEST_ID_REUSED"
        assert await reason(stub.TrainModel(train_request())) == "ALREADY_RUNNING"
        operations = OperationsStub(served.channel("steward"))
        metadata = await staged(operations, operation.name)
        assert metadata.stage in ("训练新模型", "评估新模型")
        clerk = OperationsStub(served.channel("clerk"))
        cancel = operations_pb2.CancelOperationRequest(name=operation.name)
        assert await reason(clerk.CancelOperation(cancel)) == "ROLE_REQUIRED"

        await operations.CancelOperation(cancel)

        ended = await finished(served, operation)
        assert ended.error.code == grpc.StatusCode.CANCELLED.value[0]
        assert not await models(served)
        await stub.TrainModel(train_request())  # the next one may start


async def staged(operations: Any, operation: str) -> pb.TrainModelMetadata:
    """How far a training is, once its process has said something."""
    metadata = pb.TrainModelMetadata()
    async with asyncio.timeout(60):
        while metadata.progress <= 0.0:
            await asyncio.sleep(0.05)
            found = await operations.GetOperation(
                operations_pb2.GetOperationRequest(name=operation)
            )
            assert found.metadata.Unpack(metadata)
    return metadata


async def test_a_training_that_a_restart_ended_says_so_and_leaves_nothing_behind(
    make_database: Make, authority: Authority
) -> None:
    made = make_database("classifier")
    async with school(made, authority, LONG) as (served, _):
        operation = await served.stub("steward").TrainModel(train_request())
        await staged(OperationsStub(served.channel("steward")), operation.name)
    async with school(made, authority) as (served, _):
        ended = await finished(served, operation)
        assert ended.error.code == grpc.StatusCode.UNAVAILABLE.value[0]
        assert not await models(served)
        await served.stub("steward").TrainModel(train_request())  # the next one may start


async def test_an_earlier_model_comes_back_at_every_replica(
    make_database: Make, authority: Authority, trained_bytes: bytes
) -> None:
    made = make_database("classifier")
    async with serving(made, authority) as served, serving(made, authority) as other:
        first, second = await stocked(served, trained_bytes)
        stub = served.stub("steward")
        await stub.PromoteModel(promotion(second))
        await until_sorted_by(served, second.name)
        await until_sorted_by(other, second.name)
        earlier = (await models(served))[first.name]
        assert earlier.state == Model.STATE_RETIRED
        assert await reason(stub.PromoteModel(promotion(first))) == "STALE_ETAG"
        for role in ("operator", "analyst", "officer"):
            assert await reason(served.stub(role).PromoteModel(promotion(earlier))) == (
                "ROLE_REQUIRED"
            )
        request = promotion(earlier, reason="新模型把停水都分到了供电")

        back = (await stub.PromoteModel(request)).model

        assert (back.state, back.promoted_by.identity) == (Model.STATE_CURRENT, "staff/steward")
        assert (await stub.PromoteModel(request)).model == back, "the same again"
        assert await reason(stub.PromoteModel(promotion(back))) == "WRONG_STATE"
        await until_sorted_by(served, first.name)
        await until_sorted_by(other, first.name)
        assert (await models(served))[second.name].state == Model.STATE_RETIRED
        async with served.feed.database.read() as connection:
            last = await (await raw(connection)).fetchrow(
                "SELECT * FROM model_promotion ORDER BY id DESC LIMIT 1"
            )
        assert (last["model"], last["previous"]) == (bare(first.name), bare(second.name))
        assert (last["identity"], last["reason"]) == ("staff/steward", request.reason)


def promotion(model: Model, **fields: Any) -> pb.PromoteModelRequest:
    given = {
        "request_id": str(uuid.uuid4()), "name": model.name, "etag": model.etag, "reason": "回退",
    }  # fmt: skip
    return pb.PromoteModelRequest(**(given | fields))


def bare(model: str) -> str:
    return model.removeprefix("models/")


async def test_damaged_bytes_leave_the_rules_at_work_and_are_never_promoted(
    make_database: Make, authority: Authority, trained_bytes: bytes
) -> None:
    async with school(make_database("classifier"), authority) as (served, _):
        first, second = await stocked(served, trained_bytes)
        await until_sorted_by(served, first.name)
        await change(served, "UPDATE model SET weights = substr(weights, 1, length(weights) / 2)")
        refused = served.stub("steward").PromoteModel(promotion(second))
        assert await reason(refused) == "WRONG_STATE"
        await change(served, "UPDATE model SET state = 3 WHERE name = 'first'")
        await change(served, "UPDATE model SET state = 2 WHERE name = 'second'")
        found = await until_sorted_by(served, "rules-1", "工地拖欠工资，请求讨薪")
        assert found.decision.method == Decision.METHOD_RULES
        assert found.matters[0].category_code == "03"
        again = await trained(served)
        assert again.promoted, "what cannot be read is beaten by anything"
        assert not again.HasField("current_report")


async def change(served: Serving, statement: str) -> None:
    async with served.feed.database.transaction() as tx:
        await (await raw(tx.connection)).execute(statement)
        await tx.commit()


async def test_texts_go_to_the_training_process_without_touching_a_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained_bytes: bytes
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    looked_at: dict[str, bytes] = {}

    def look() -> None:
        looked_at.update({path.name: path.read_bytes() for path in tmp_path.rglob("*.*")})

    async def say(_share: float, _stage: str) -> None:
        look()

    texts = [LabelledText(PATTERN.format(place), CODE) for place in PLACES]
    report = await ChildTrainer().judge(trained_bytes, texts, say)
    assert report is not None
    assert report.text_count == len(PLACES)
    assert looked_at["current.safetensors"] == trained_bytes
    assert not any(MARK.encode() in written for written in looked_at.values())
    looked_at.clear()
    look()
    assert looked_at == {}, "something was left behind"
