"""The life of trained models: learning from corrections, being better, going back."""

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
from heed.classifier.v1.resources_pb2 import Decision, Model

from heed_classifier.adapters.model_table import store_model
from heed_classifier.application.ports import MaskedPetition
from heed_classifier.learning.starter import ensure_starter
from heed_local.authority import Authority
from heed_shared.database import raw
from heed_shared.errors import reason_of
from tests.classifier.builders import petition
from tests.classifier.intake_server import MaskedTexts, intake_server
from tests.classifier.serving import Serving, correction, get, name, serving
from tests.classifier.test_starter import TINY
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
    made: MadeDatabase, authority: Authority
) -> AsyncIterator[tuple[Serving, MaskedTexts]]:
    """A classifier that can train: small lessons, and an intake that gives texts."""
    answers = MaskedTexts()
    async with (
        intake_server(authority, answers) as target,
        serving(
            made, authority, HEED_INTAKE_TARGET=target, HEED_CLASSIFIER_TRAINING_TEXTS="600"
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


async def corrected(served: Serving, count: int) -> list[MaskedPetition]:
    """Register petitions of the pattern, and have a person correct each."""
    items = [petition(PATTERN.format(place)) for place in PLACES[:count]]
    await served.feed.register(*items)
    for item in items:
        seen = await get(served, item)
        assert seen.matters[0].category_code != CODE, "the pattern must be new"
        await served.stub().CorrectClassification(correction(seen, category_code=CODE))
    return items


async def reason(call: Any) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return reason_of(caught.value)


async def models(served: Serving) -> dict[str, Model]:
    listed = await served.stub("steward").ListModels(pb.ListModelsRequest())
    return {model.name: model for model in listed.models}


async def test_what_people_corrected_is_right_after_the_next_training(
    make_database: Make, authority: Authority
) -> None:
    async with school(make_database("classifier"), authority) as (served, answers):
        starter = await ensure_starter(served.feed.database, TINY)
        before = await until_sorted_by(served, f"models/{starter}", PATTERN.format("别处"))
        assert before.matters[0].category_code != CODE
        bystander = petition(PATTERN.format("广场"))
        await served.feed.register(bystander)
        items = await corrected(served, 14)
        for sealed in items[:2]:
            del served.feed.intake.texts[sealed.key]

        response = await trained(served)

        assert response.promoted
        model = response.model
        assert (model.state, model.corrected_count) == (Model.STATE_CURRENT, 10)
        assert model.text_count > 610, "generated ones and corrected ones"
        assert model.report.macro_f1 > response.current_report.macro_f1
        assert {name(item) for item in items} <= set(answers.asked)
        after = await until_sorted_by(served, model.name, PATTERN.format("别处"))
        assert after.matters[0].category_code == CODE
        assert after.decision.method == Decision.METHOD_MODEL
        kept = await get(served, bystander)
        assert kept.decision.method == Decision.METHOD_RULES, "sorted anew in silence"
        assert kept.matters[0].category_code != CODE
        states = {key: item.state for key, item in (await models(served)).items()}
        assert states == {
            model.name: Model.STATE_CURRENT,
            f"models/{starter}": Model.STATE_RETIRED,
        }
        await no_text_is_kept(served)


async def no_text_is_kept(served: Serving) -> None:
    async with served.feed.database.read() as connection:
        inner = await raw(connection)
        for table in ("operation", "request_record", "model", "model_promotion", "correction"):
            rows = await inner.fetch(f"SELECT to_jsonb(t)::text AS line FROM {table} t")
            assert rows
            for row in rows:
                assert MARK not in row["line"], table
                assert MARK.encode().hex() not in row["line"], table


async def test_a_model_says_on_what_it_was_trained_and_how_well_it_did(
    make_database: Make, authority: Authority
) -> None:
    async with school(make_database("classifier"), authority) as (served, _):
        first = (await trained(served, seed=5)).model
        assert first.state == Model.STATE_CURRENT, "the first one has nothing to beat"
        assert (first.seed, first.data_from, first.corrected_count) == (5, "", 0)
        assert first.code_version
        assert first.taxonomy_version
        assert len(first.report.categories) >= 15
        for item in first.report.categories:
            assert item.category_title
            assert item.text_count > 0
        mean = sum(item.f1 for item in first.report.categories) / len(first.report.categories)
        assert first.report.macro_f1 == pytest.approx(mean)

        again = await trained(served, seed=5)

        assert not again.promoted, "the same model is not better"
        assert again.model.state == Model.STATE_CANDIDATE
        assert again.current_report == again.model.report
        listed = await models(served)
        assert list(listed) == [again.model.name, first.name], "latest first"
        assert not listed[first.name].report.categories
        page = await served.stub("steward").ListModels(pb.ListModelsRequest(page_size=1))
        rest = await served.stub("steward").ListModels(
            pb.ListModelsRequest(page_size=1, page_token=page.next_page_token)
        )
        assert [item.name for item in (*page.models, *rest.models)] == list(listed)


async def test_one_training_runs_at_a_time_and_can_be_cancelled(
    make_database: Make, authority: Authority
) -> None:
    async with school(make_database("classifier"), authority) as (served, _):
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
    async with asyncio.timeout(20):
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
    async with school(made, authority) as (served, _):
        operation = await served.stub("steward").TrainModel(train_request())
        await staged(OperationsStub(served.channel("steward")), operation.name)
    async with school(made, authority) as (served, _):
        ended = await finished(served, operation)
        assert ended.error.code == grpc.StatusCode.UNAVAILABLE.value[0]
        assert not await models(served)
        await served.stub("steward").TrainModel(train_request())  # the next one may start


async def stocked(served: Serving, weights: bytes) -> tuple[Model, Model]:
    """Two models in the schema; the first is in use."""
    now = datetime.now(UTC)
    database = served.feed.database
    await store_model(database, "first", weights, {}, {}, now - timedelta(days=1))
    await store_model(database, "second", weights, {}, {}, now)
    listed = await models(served)
    return listed["models/first"], listed["models/second"]


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


async def test_a_model_is_tested_on_texts_given_or_on_later_corrections(
    make_database: Make, authority: Authority, trained_bytes: bytes
) -> None:
    async with school(make_database("classifier"), authority) as (served, _):
        model, _ = await stocked(served, trained_bytes)
        stub = served.stub("steward")
        texts = [
            pb.LabelledText(text="工地拖欠工资三个月，包工头失联", category_code="03"),
            pb.LabelledText(text=PATTERN.format("别处"), category_code=CODE),
        ]
        report = await evaluated(served, model, texts)
        assert (report.text_count, report.accuracy) == (2, 0.5)
        assert {item.category_code for item in report.categories} == {"03", CODE}
        nobody = evaluation(model, name="models/nobody")
        assert await reason(stub.EvaluateModel(nobody)) == "NOT_FOUND"
        texts[1].category_code = "ZZ"
        assert await reason(stub.EvaluateModel(evaluation(model, texts=texts))) == (
            "UNKNOWN_CATEGORY"
        )
        assert await reason(stub.EvaluateModel(evaluation(model))) == "INSUFFICIENT_HISTORY"
        await corrected(served, 4)
        report = await evaluated(served, model, [])
        assert (report.text_count, report.accuracy) == (4, 0.0)


def evaluation(model: Model, **fields: Any) -> pb.EvaluateModelRequest:
    given = {"request_id": str(uuid.uuid4()), "name": model.name}
    return pb.EvaluateModelRequest(**(given | fields))


async def evaluated(served: Serving, model: Model, texts: list[pb.LabelledText]) -> Any:
    stub = served.stub("steward")
    operation = await finished(served, await stub.EvaluateModel(evaluation(model, texts=texts)))
    assert not operation.HasField("error"), operation.error.message
    response = pb.EvaluateModelResponse()
    assert operation.response.Unpack(response)
    assert response.name == model.name
    return response.report


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
