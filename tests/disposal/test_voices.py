"""Ratings, lessons, the history and the family of a case, over the wire."""

from typing import Any

import grpc
import pytest
from heed.disposal.v1 import disposal_service_pb2 as pb
from heed.disposal.v1 import resources_pb2 as resources

from heed_shared.errors import reason_of
from tests.disposal.builders import REGION, at
from tests.disposal.serving import Serving, on

Rating = resources.Rating


def rate_request(case: resources.Case, **told: Any) -> pb.RateCaseRequest:
    grades: dict[str, Any] = {
        "office": Rating.GRADE_SATISFIED,
        "unit": Rating.GRADE_DISSATISFIED,
        "comment": "没有解决",
    }
    return pb.RateCaseRequest(**on(case), **(grades | told))


async def rated(disposal: Serving) -> resources.Case:
    case = await disposal.served()
    return (await disposal.stub("portal").RateCase(rate_request(case))).case


async def test_a_rating_is_told_to_supervisors_and_to_nobody_who_handles_the_case(
    disposal: Serving,
) -> None:
    case = await rated(disposal)
    assert case.rated
    seen = await disposal.stub("handler").GetCase(pb.GetCaseRequest(name=case.name))
    assert "没有解决" not in str(seen)
    answer = await disposal.stub("supervisor").ListRatings(pb.ListRatingsRequest())
    (rating,) = answer.ratings
    assert (rating.case, rating.unit, rating.comment) == (
        case.name,
        Rating.GRADE_DISSATISFIED,
        "没有解决",
    )
    for person in ("handler", "officer", "leader", "analyst"):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await disposal.stub(person).ListRatings(pb.ListRatingsRequest())
        assert reason_of(refused.value) == "ROLE_REQUIRED"


async def test_another_rating_replaces_the_first_and_none_at_all_is_refused(
    disposal: Serving,
) -> None:
    case = await rated(disposal)
    again = rate_request(case, unit=Rating.GRADE_SATISFIED, comment="")
    case = (await disposal.stub("portal").RateCase(again)).case
    answer = await disposal.stub("supervisor").ListRatings(pb.ListRatingsRequest())
    assert [item.unit for item in answer.ratings] == [Rating.GRADE_SATISFIED]
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await disposal.stub("portal").RateCase(pb.RateCaseRequest(**on(case)))
    assert reason_of(refused.value) == "INVALID_FIELD"
    assert "office" in (refused.value.details() or "")


async def test_ratings_and_lessons_of_another_region_are_not_listed(disposal: Serving) -> None:
    case = await rated(disposal)
    lesson = pb.RecordLessonRequest(**on(case), text="同类问题集中", proposal="完善备案")
    await disposal.stub("supervisor").RecordLesson(lesson)
    outside = disposal.stub("supervisor", "310000")
    assert not (await outside.ListRatings(pb.ListRatingsRequest())).ratings
    assert not (await outside.ListLessons(pb.ListLessonsRequest())).lessons
    inside = await disposal.stub("leader", REGION).ListLessons(pb.ListLessonsRequest())
    assert [item.text for item in inside.lessons] == ["同类问题集中"]


async def test_lists_go_page_by_page_and_lose_nothing(disposal: Serving) -> None:
    for number in range(3):
        case = await disposal.opened()
        request = pb.RecordLessonRequest(**on(case), text=f"经验{number}")
        await disposal.stub("supervisor").RecordLesson(request)
    found, token = [], ""
    while True:
        wanted = pb.ListLessonsRequest(page_size=2, page_token=token)
        page = await disposal.stub("supervisor").ListLessons(wanted)
        found += [item.text for item in page.lessons]
        token = page.next_page_token
        if not token:
            break
    assert found == ["经验2", "经验1", "经验0"]


async def test_the_history_tells_every_step_with_who_and_when(disposal: Serving) -> None:
    case = await disposal.served()
    request = pb.ListCaseStepsRequest(name=case.name)
    steps = (await disposal.stub("supervisor").ListCaseSteps(request)).steps
    assert [step.action for step in steps] == [
        "open",
        "route",
        "accept",
        "issue_opinion",
        "serve",
    ]
    assert steps[-1].actor.identity == "staff/handler"
    assert steps[-1].to_state == resources.Case.STATE_SERVED


async def test_a_child_keeps_its_clocks_and_links_go_one_level_deep(disposal: Serving) -> None:
    parent, child, third = [await disposal.opened() for _ in range(3)]
    request = pb.LinkCaseRequest(**on(child), parent=parent.name, reason="同一项目")
    linked = (await disposal.stub().LinkCase(request)).case
    assert linked.parent == parent.name
    assert [d.due_internal for d in linked.deadlines] == [d.due_internal for d in child.deadlines]
    seen = await disposal.stub().GetCase(pb.GetCaseRequest(name=parent.name))
    assert list(seen.case.children) == [child.name]
    for below, above in ((third, child), (parent, third), (third, third)):
        wrong = pb.LinkCaseRequest(**on(below), parent=above.name, reason="同一项目")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await disposal.stub().LinkCase(wrong)
        assert reason_of(refused.value) == "INVALID_FIELD"
    back = pb.LinkCaseRequest(**on(linked), reason="取消关联")
    assert not (await disposal.stub().LinkCase(back)).case.parent


async def test_a_case_opened_again_keeps_its_earlier_opinion(disposal: Serving) -> None:
    case = await disposal.reviewed(result=resources.Review.RESULT_REVOKED)
    assert case.state == resources.Case.STATE_IN_PROGRESS
    assert case.deadlines[-1].code == "D05"
    await disposal.answered(case)
    async with disposal.database.read() as connection:
        rows = await connection.exec_driver_sql("SELECT number FROM case_opinion ORDER BY number")
        assert [row.number for row in rows] == [1, 2]


async def test_a_broken_clock_is_told_once_to_the_role_of_its_rule(disposal: Serving) -> None:
    case = await disposal.accepted()
    await disposal.advance(at("2026-11-20", 23))
    seen = await disposal.stub().GetCase(pb.GetCaseRequest(name=case.name))
    assert not any(d.HasField("escalated_at") for d in seen.case.deadlines)
    await disposal.advance(at("2026-11-21"))
    await disposal.advance(at("2026-11-22"))
    seen = await disposal.stub().GetCase(pb.GetCaseRequest(name=case.name))
    told = [d for d in seen.case.deadlines if d.HasField("escalated_at")]
    assert [(d.code, d.escalated_to) for d in told] == [("D05", 5)]
    request = pb.ListCaseStepsRequest(name=case.name)
    steps = (await disposal.stub("supervisor").ListCaseSteps(request)).steps
    assert [step.action for step in steps].count("escalate") == 1
    status = await disposal.stub("operator").GetDeadlineEscalationStatus(
        pb.GetDeadlineEscalationStatusRequest()
    )
    assert (status.broken_count, status.escalated_count) == (1, 1)
    assert not status.missing
    assert status.checked_at.ToDatetime() == at("2026-11-22").replace(tzinfo=None)


async def test_the_watchdog_tells_when_the_escalation_did_not_run(disposal: Serving) -> None:
    case = await disposal.accepted()
    await disposal.advance(at("2026-11-22"))
    async with disposal.database.transaction() as tx:
        await tx.connection.exec_driver_sql("UPDATE case_deadline SET escalated_at = NULL")
        await tx.commit()
    status = await disposal.stub("operator").GetDeadlineEscalationStatus(
        pb.GetDeadlineEscalationStatusRequest()
    )
    assert list(status.missing) == [case.name]
    assert (status.broken_count, status.escalated_count) == (1, 0)


async def test_deadlines_are_listed_by_unit_and_band(disposal: Serving) -> None:
    await disposal.opened()
    routed = await disposal.routed()
    await disposal.advance(at("2026-10-05"))
    stub = disposal.stub()
    by_unit = await stub.ListDeadlines(pb.ListDeadlinesRequest(unit=routed.unit))
    assert {item.case for item in by_unit.deadlines} == {routed.name}
    band = resources.Deadline.BAND_SERIOUS
    burning = await stub.ListDeadlines(pb.ListDeadlinesRequest(band=band))
    assert burning.deadlines
    assert all(item.deadline.band >= band for item in burning.deadlines)
    critical = pb.ListDeadlinesRequest(band=resources.Deadline.BAND_CRITICAL)
    assert not (await stub.ListDeadlines(critical)).deadlines
