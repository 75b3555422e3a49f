"""Measures over the wire: what they brought is kept, promises are asked about, effects compared."""

from typing import Any

import grpc
import pytest
from heed.common.v1 import matter_pb2
from heed.disposal.v1 import disposal_service_pb2 as pb
from heed.disposal.v1 import resources_pb2 as resources

from heed_disposal.domain import follow_ups, handling, measures
from heed_disposal.domain.ending import erase
from heed_disposal.domain.measure_details import Promise
from heed_disposal.domain.terms import (
    Effect,
    FollowUpResult,
    Grade,
    Importance,
    Level,
    MeasureKind,
    Urgency,
)
from heed_shared.errors import LawRequires, reason_of
from tests.disposal.builders import (
    LEADER,
    MONDAY,
    REGION,
    UNIT,
    accepted,
    act,
    answered,
    at,
    handbook,
    opened,
    served,
    visit,
)
from tests.disposal.serving import Serving, on, plan_request, visit_details

Measure = resources.Measure
Case = resources.Case


def complete_request(case: Case, **told: Any) -> pb.CompleteMeasureRequest:
    brought: dict[str, Any] = {
        "result": "已核实漏水属实",
        "side_effects": "施工噪声",
        "cost": 1200.5,
        "effect": Measure.EFFECT_PARTLY,
        "promises": [resources.MeasurePromise(text="十月底前修好", due_on="2026-10-31")],
        "documents": [resources.RecordDocument(title="现场记录", sha256=b"\x07" * 32)],
    }
    return pb.CompleteMeasureRequest(**on(case), measure=case.measures[-1].name, **brought | told)


async def completed(disposal: Serving, **told: Any) -> Case:
    request = complete_request(await disposal.started(), **told)
    return (await disposal.stub().CompleteMeasure(request)).case


async def test_what_a_measure_brought_is_told_and_its_promise_is_asked_about(
    disposal: Serving,
) -> None:
    case = await completed(disposal)
    stored = (await disposal.stub().GetCase(pb.GetCaseRequest(name=case.name))).case
    measure = stored.measures[-1]
    assert measure.details == visit_details()
    assert (measure.cost, measure.effect) == (1200.5, Measure.EFFECT_PARTLY)
    assert measure.documents[0].sha256 == b"\x07" * 32
    assert measure.started_at.ToDatetime(tzinfo=MONDAY.tzinfo) == MONDAY
    assert measure.ended_at.ToDatetime(tzinfo=MONDAY.tzinfo) == MONDAY
    asked = stored.follow_ups[-1]
    assert (asked.scheduled_on, asked.measure, asked.attempt) == ("2026-10-31", measure.name, 1)
    assert "十月底前修好" in asked.occasion


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"cost": float("inf")}, "cost"),
        ({"cost": float("nan")}, "cost"),
        ({"cost": -1}, "cost"),
        (
            {"promises": [resources.MeasurePromise(text="修好", due_on="2026-09-20")]},
            "promises[0].due_on",
        ),
        (
            {"promises": [resources.MeasurePromise(text="修\x00好", due_on="2026-09-30")]},
            "promises[0].text",
        ),
    ],
)
async def test_what_cannot_have_been_brought_is_refused_by_field(
    disposal: Serving, told: dict[str, Any], field: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await completed(disposal, **told)
    assert reason_of(refused.value) == "INVALID_FIELD"
    assert field in (refused.value.details() or "")


async def test_a_visit_by_one_is_refused_with_the_article(disposal: Serving) -> None:
    details = visit_details()
    details.site_visit.staff.pop()
    request = plan_request(await disposal.accepted(), details=details)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await disposal.stub().PlanMeasure(request)
    assert reason_of(refused.value) == "LAW_REQUIRES"
    assert "details.site_visit.staff" in (refused.value.details() or "")
    assert "信访工作条例第二十八条" in (refused.value.details() or "")


async def test_effects_stand_beside_similar_cases_without_the_measure(disposal: Serving) -> None:
    for effect in (Measure.EFFECT_SOLVED, Measure.EFFECT_NONE):
        await completed(disposal, effect=effect, promises=[])
    case = await completed(disposal, effect=Measure.EFFECT_SOLVED, promises=[])
    case = await disposal.served(await disposal.answered(case))
    without = await disposal.served()
    other_category = await disposal.served(
        await disposal.answered(
            await disposal.accepted(
                await disposal.routed(await disposal.opened(category_code="02"))
            )
        )
    )
    await disposal.advance(at("2026-09-25"))
    await disposal.concluded(case)
    await disposal.advance(at("2026-10-05"))
    await disposal.concluded(without)
    await disposal.concluded(other_category)
    case = (await disposal.stub().GetCase(pb.GetCaseRequest(name=case.name))).case
    asked = pb.RecordFollowUpRequest(
        **on(case), follow_up=case.follow_ups[-1].name, result=resources.FollowUp.RESULT_SOLVED
    )
    await disposal.stub("supervisor").RecordFollowUp(asked)
    request = pb.GetPlaybookEffectRequest(region_prefix=REGION)
    (found,) = (await disposal.stub("analyst").GetPlaybookEffect(request)).effects
    assert (found.playbook, found.kind) == ("", Measure.KIND_SITE_VISIT)
    counts = (found.completed_count, found.solved_count, found.none_count)
    assert counts == (3, 2, 1)
    assert (found.median_days, found.median_days_without) == (4.0, 14.0)
    assert (found.follow_up_solved_share, found.follow_up_solved_share_without) == (1.0, -1.0)
    early = pb.GetPlaybookEffectRequest(from_day="2025-01-01", to_day="2025-12-31")
    assert not (await disposal.stub("analyst").GetPlaybookEffect(early)).effects
    outside = await disposal.stub("analyst", "310000").GetPlaybookEffect(
        pb.GetPlaybookEffectRequest()
    )
    assert not outside.effects


def test_an_answer_moves_the_follow_up_but_not_the_day_of_a_promise() -> None:
    promise = Promise("十月底前修好", at("2026-10-31").date())
    case = follow_ups.ask_about(accepted(), 1, promise)
    for later in (answered(case), served(answered(case))):
        kept = [f for f in later.follow_ups if f.measure]
        assert [f.scheduled_on for f in kept] == [promise.due_on]


def test_a_person_is_called_three_times_about_the_same_thing_and_no_more() -> None:
    promise = Promise("十月底前修好", at("2026-10-31").date())
    case = follow_ups.ask_about(served(), 7, promise)
    attempts = []
    while pending := [
        f for f in case.follow_ups if f.measure == 7 and f.result is FollowUpResult.UNSPECIFIED
    ]:
        attempts.append(pending[-1].attempt)
        number, unreached = pending[-1].number, FollowUpResult.UNREACHABLE
        case = handling.record_follow_up(case, number, unreached, "", act(LEADER), handbook())
    assert attempts == [1, 2, 3]
    others = [f for f in case.follow_ups if not f.measure]
    assert [f.attempt for f in others] == [1]


SIGNED = handling.Signed(Grade.LOW, Grade.LOW, Grade.LOW, Level.BLUE, ("已核实",))


@pytest.mark.parametrize(
    "facts", [{"urgency": Urgency.U0}, {"urgency": Urgency.U1}, {"importance": Importance.MAJOR}]
)
def test_urgent_and_major_matters_have_a_second_reader(facts: dict[str, Any]) -> None:
    with pytest.raises(LawRequires, match="second_reader"):
        handling.assess(opened(**facts), SIGNED, act(LEADER), handbook())


async def test_the_second_reader_is_another_person_and_is_told(disposal: Serving) -> None:
    case = await disposal.opened()
    request = pb.AssessCaseRequest(
        **on(case),
        severity=resources.Assessment.GRADE_HIGH,
        scope=resources.Assessment.GRADE_LOW,
        development=resources.Assessment.GRADE_LOW,
        response_level=matter_pb2.WARNING_LEVEL_YELLOW,
        reasons=["现场已核实"],
    )
    request.second_reader.identity = "staff/leader"
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await disposal.stub("leader").AssessCase(request)
    assert reason_of(refused.value) == "SECOND_PERSON_REQUIRED"
    assessment = (await disposal.stub().AssessCase(request)).case.assessment
    assert assessment.second_reader.identity == "staff/leader"
    assert not assessment.second_reader_required


def test_an_erased_petition_leaves_of_its_measures_what_was_not_written() -> None:
    promise = Promise("十月底前给陈某修好", at("2026-10-31").date())
    draft = measures.Draft(
        MeasureKind.SITE_VISIT,
        "到小区",
        "核实",
        "",
        UNIT,
        promise.due_on,
        visit(),
        "必要",
        ("住址",),
    )
    case = measures.plan(accepted(), draft, act(), handbook())
    case = measures.decide(case, 1, measures.Decision(False, "同意"), act(LEADER), handbook())
    case = measures.begin(case, 1, act())
    done = measures.Completion("属实", "噪声", 10.0, Effect.PARTLY, (promise,), ())
    case = erase(measures.complete(case, 1, done, act()), MONDAY)
    text = str(case.measures) + str(case.follow_ups)
    for written in ("陈某", "小区", "噪声", "必要", "属实", "staff/inspector"):
        assert written not in text
    (kept,) = case.measures
    assert (kept.kind, kept.effect, kept.cost) == (MeasureKind.SITE_VISIT, Effect.PARTLY, 10.0)
    assert [item.due_on for item in kept.promises] == [promise.due_on]
