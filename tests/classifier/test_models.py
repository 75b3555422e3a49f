"""Training: what people corrected is learned, a new model must be better, nothing is kept."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from heed.classifier.v1 import classifier_service_pb2 as pb
from heed.classifier.v1.resources_pb2 import Decision, Model

from heed_classifier.application.ports import MaskedPetition
from heed_classifier.learning.starter import ensure_starter
from heed_local.authority import Authority
from heed_shared.database import raw
from tests.classifier.builders import petition
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
    trained,
    until_sorted_by,
)
from tests.classifier.serving import Serving, correction, get, name
from tests.classifier.test_starter import TINY


async def corrected(served: Serving, count: int) -> list[MaskedPetition]:
    """Register petitions of the pattern, and have a person correct each."""
    items = [petition(PATTERN.format(place)) for place in PLACES[:count]]
    await served.feed.register(*items)
    for item in items:
        seen = await get(served, item)
        assert seen.matters[0].category_code != CODE, "the pattern must be new"
        await served.stub().CorrectClassification(correction(seen, category_code=CODE))
    return items


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
