"""Every mutating RPC against every way to call it wrong, over TLS and on Postgres."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.message import Message
from heed.common.v1 import matter_pb2
from heed.disposal.v1 import disposal_service_pb2 as pb
from heed.disposal.v1 import resources_pb2 as resources

from heed_disposal.domain.terms import Role
from heed_disposal.domain.transitions import ROLES, Action
from heed_local.authority import Authority
from heed_shared.errors import reason_of
from tests.database_templates import DatabaseTemplates
from tests.disposal.serving import (
    PERSONS,
    Serving,
    new_id,
    on,
    opinion_request,
    plan_request,
    route_request,
    serving,
    visit_details,
)

# One server and one database for all of it: every test works on a case of its own.
pytestmark = pytest.mark.asyncio(loop_scope="module")
Case = resources.Case


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def disposal(
    database_templates: DatabaseTemplates, authority: Authority
) -> AsyncIterator[Serving]:
    """Disposal that serves, its clock standing at MONDAY."""
    made = database_templates.copy("disposal")
    async with serving(authority, made) as running:
        yield running
    database_templates.drop(made)


@dataclass(frozen=True)
class VerbCase:
    """One RPC: the case that it needs, a right request, who may call, and a wrong field."""

    rpc: str
    action: Action
    prepared: Callable[[Serving], Awaitable[Case]]
    request: Callable[[Case], Any]
    person: str
    wrong: dict[str, Any]


def resume_request(case: Case) -> pb.ResumeDeadlineRequest:
    return pb.ResumeDeadlineRequest(**on(case), code="D10", reason="听证已结束")


async def with_hearing(disposal: Serving) -> Case:
    """A re-check whose clock stands still for a hearing."""
    case = await disposal.recheck_requested()
    request = pb.PauseDeadlineRequest(**on(case), code="D10", cause="hearing", reason="依法听证")
    return (await disposal.stub().PauseDeadline(request)).case


async def supervised(disposal: Serving) -> Case:
    case = await disposal.accepted()
    return (await disposal.stub("supervisor").SuperviseCase(supervise_request(case))).case


def supervise_request(case: Case) -> pb.SuperviseCaseRequest:
    return pb.SuperviseCaseRequest(
        **on(case), kind=resources.Supervision.KIND_IMPROVE_WORK, text="请加快办理"
    )


async def objected(disposal: Serving) -> Case:
    request = object_request(await disposal.routed())
    return (await disposal.stub("handler").ObjectToRoute(request)).case


def object_request(case: Case) -> pb.ObjectToRouteRequest:
    return pb.ObjectToRouteRequest(**on(case), reason="不属于本单位职权范围")


async def assigned(disposal: Serving) -> Case:
    case = await disposal.opened()
    request = route_request(case, kind=pb.ROUTE_KIND_ASSIGN, report_due_on="2026-10-30")
    case = (await disposal.stub().RouteCase(request)).case
    return await disposal.accepted(case)


async def unsolved(disposal: Serving) -> Case:
    """A concluded case of which a follow-up found that it is not solved."""
    case = await disposal.concluded()
    request = pb.RecordFollowUpRequest(
        **on(case),
        follow_up=case.follow_ups[-1].name,
        result=resources.FollowUp.RESULT_NOT_SOLVED,
    )
    return (await disposal.stub("supervisor").RecordFollowUp(request)).case


def notify_request(case: Case) -> pb.NotifyPetitionerRequest:
    notice = resources.Notice(
        kind=resources.Notice.KIND_DIVERTED,
        text="请向劳动人事争议仲裁委员会申请仲裁",
        legal_basis="信访工作条例第三十一条",
        body="东城区劳动人事争议仲裁委员会",
        route=matter_pb2.LEGAL_ROUTE_ARBITRATION,
        limitation="自知道或者应当知道权利被侵害之日起一年内",
        remedy="可在一年内申请仲裁",
    )
    return pb.NotifyPetitionerRequest(**on(case), notice=notice)


def extend_request(case: Case) -> pb.ExtendDeadlineRequest:
    request = pb.ExtendDeadlineRequest(
        **on(case), code="D05", days=30, reason="案情复杂,需委托鉴定"
    )
    request.approved_by.identity = "staff/unit-head"
    request.approved_by.unit = "住建局"
    return request


def assess_request(case: Case) -> pb.AssessCaseRequest:
    return pb.AssessCaseRequest(
        **on(case),
        severity=resources.Assessment.GRADE_HIGH,
        scope=resources.Assessment.GRADE_LOW,
        development=resources.Assessment.GRADE_LOW,
        response_level=matter_pb2.WARNING_LEVEL_YELLOW,
        reasons=["现场已核实"],
    )


VERBS = [
    VerbCase("RouteCase", Action.ROUTE, Serving.opened, route_request, "officer", {"unit": ""}),
    VerbCase(
        "AcceptCase",
        Action.ACCEPT,
        Serving.routed,
        lambda case: pb.AcceptCaseRequest(**on(case)),
        "handler",
        {"etag": ""},
    ),
    VerbCase(
        "AssessCase", Action.ASSESS, Serving.opened, assess_request, "leader", {"severity": 0}
    ),
    VerbCase(
        "PlanMeasure",
        Action.PLAN_MEASURE,
        Serving.accepted,
        plan_request,
        "officer",
        {"due_on": "2026-02-30"},
    ),
    VerbCase(
        "ApproveMeasure",
        Action.APPROVE_MEASURE,
        Serving.planned,
        lambda case: pb.ApproveMeasureRequest(**on(case), measure=case.measures[-1].name),
        "leader",
        {"measure": "cases/other/measures/1"},
    ),
    VerbCase(
        "StartMeasure",
        Action.START_MEASURE,
        Serving.approved,
        lambda case: pb.StartMeasureRequest(**on(case), measure=case.measures[-1].name),
        "officer",
        {"measure": "nonsense"},
    ),
    VerbCase(
        "CompleteMeasure",
        Action.COMPLETE_MEASURE,
        Serving.started,
        lambda case: pb.CompleteMeasureRequest(
            **on(case), measure=case.measures[-1].name, result="已核实"
        ),
        "officer",
        {"result": ""},
    ),
    VerbCase(
        "StopMeasure",
        Action.STOP_MEASURE,
        Serving.planned,
        lambda case: pb.StopMeasureRequest(
            **on(case), measure=case.measures[-1].name, reason="没有效果"
        ),
        "leader",
        {"reason": " "},
    ),
    VerbCase(
        "ReviseMeasure",
        Action.REVISE_MEASURE,
        Serving.approved,
        lambda case: pb.ReviseMeasureRequest(
            **on(case),
            measure=case.measures[-1].name,
            reason="没有效果",
            evidence="现场复查仍漏水",
            title="请检测单位到场",
            due_on="2026-10-10",
            details=visit_details(),
        ),
        "officer",
        {"due_on": "2026-09-20"},
    ),
    VerbCase(
        "IssueOpinion",
        Action.ISSUE_OPINION,
        Serving.accepted,
        opinion_request,
        "handler",
        {"legal_basis": ""},
    ),
    VerbCase(
        "ScheduleFollowUp",
        Action.SCHEDULE_FOLLOW_UP,
        Serving.opened,
        lambda case: pb.ScheduleFollowUpRequest(
            **on(case), scheduled_on="2026-10-20", occasion="承诺日"
        ),
        "supervisor",
        {"scheduled_on": "2020-01-01"},
    ),
    VerbCase(
        "RecordFollowUp",
        Action.RECORD_FOLLOW_UP,
        Serving.answered,
        lambda case: pb.RecordFollowUpRequest(
            **on(case),
            follow_up=case.follow_ups[-1].name,
            result=resources.FollowUp.RESULT_PARTLY,
        ),
        "supervisor",
        {"result": 0},
    ),
    VerbCase(
        "CloseCase",
        Action.CLOSE,
        Serving.served,
        lambda case: pb.CloseCaseRequest(**on(case), reason="已答复"),
        "officer",
        {"finding": 1},
    ),
    VerbCase(
        "ObjectToRoute", Action.OBJECT, Serving.routed, object_request, "handler", {"reason": ""}
    ),
    VerbCase(
        "DecideObjection",
        Action.AGREE_TO_OBJECTION,
        objected,
        lambda case: pb.DecideObjectionRequest(**on(case), agreed=True, reason="同意另行转送"),
        "officer",
        {"reason": ""},
    ),
    VerbCase(
        "NotifyPetitioner", Action.DIVERT, Serving.routed, notify_request, "handler", {"etag": ""}
    ),
    VerbCase(
        "ServeOpinion",
        Action.SERVE,
        Serving.answered,
        lambda case: pb.ServeOpinionRequest(**on(case), method=resources.Service.METHOD_IN_PERSON),
        "handler",
        {"served_on": "2026-09-20"},
    ),
    VerbCase(
        "ExtendDeadline",
        Action.EXTEND_DEADLINE,
        Serving.accepted,
        extend_request,
        "handler",
        {"code": "D99"},
    ),
    VerbCase(
        "PauseDeadline",
        Action.PAUSE_DEADLINE,
        Serving.recheck_requested,
        lambda case: pb.PauseDeadlineRequest(
            **on(case), code="D10", cause="hearing", reason="依法听证"
        ),
        "officer",
        {"code": "D05"},
    ),
    VerbCase(
        "ResumeDeadline",
        Action.RESUME_DEADLINE,
        with_hearing,
        resume_request,
        "officer",
        {"code": "D01"},
    ),
    VerbCase(
        "RequestReview",
        Action.REQUEST_REVIEW,
        Serving.served,
        lambda case: pb.RequestReviewRequest(
            **on(case), reason="答复与事实不符", reviewing_unit="市住建局"
        ),
        "officer",
        {"requested_on": "2026-09-20"},
    ),
    VerbCase(
        "IssueReview",
        Action.ISSUE_REVIEW,
        Serving.review_requested,
        lambda case: pb.IssueReviewRequest(
            **on(case),
            result=resources.Review.RESULT_UPHELD,
            text="予以维持",
            legal_basis="信访工作条例第三十五条",
        ),
        "second-officer",
        {"legal_basis": ""},
    ),
    VerbCase(
        "RequestRecheck",
        Action.REQUEST_RECHECK,
        Serving.reviewed,
        lambda case: pb.RequestRecheckRequest(
            **on(case), reason="仍不服", rechecking_unit="省住建厅"
        ),
        "officer",
        {"requested_on": "2027-01-01"},
    ),
    VerbCase(
        "IssueRecheck",
        Action.ISSUE_RECHECK,
        Serving.recheck_requested,
        lambda case: pb.IssueRecheckRequest(
            **on(case),
            result=resources.Review.RESULT_UPHELD,
            text="予以维持",
            legal_basis="信访工作条例第三十六条",
        ),
        "second-officer",
        {"text": ""},
    ),
    VerbCase(
        "ReopenCase",
        Action.REOPEN,
        unsolved,
        lambda case: pb.ReopenCaseRequest(
            **on(case), ground=pb.REOPEN_GROUND_NOT_SOLVED, reason="回访未解决"
        ),
        "officer",
        {"reason": ""},
    ),
    VerbCase(
        "SuperviseCase",
        Action.SUPERVISE,
        Serving.accepted,
        supervise_request,
        "supervisor",
        {"answer_due_on": "2020-01-01"},
    ),
    VerbCase(
        "AnswerSupervision",
        Action.ANSWER_SUPERVISION,
        supervised,
        lambda case: pb.AnswerSupervisionRequest(
            **on(case), supervision=1, adopted=True, text="已改进"
        ),
        "handler",
        {"supervision": 9},
    ),
    VerbCase(
        "FileClosingReport",
        Action.FILE_CLOSING_REPORT,
        assigned,
        lambda case: pb.FileClosingReportRequest(**on(case), text="办结报告"),
        "handler",
        {"text": ""},
    ),
    VerbCase(
        "ReportMajorMatter",
        Action.REPORT_MAJOR_MATTER,
        Serving.opened,
        lambda case: pb.ReportMajorMatterRequest(
            **on(case),
            stage=resources.MajorReport.STAGE_FIRST,
            addressees=["区委区政府", "信访工作联席会议办公室"],
            text="某小区停水,涉及三百户,已组织抢修。",
        ),
        "officer",
        {"text": ""},
    ),
    VerbCase(
        "RateCase",
        Action.RATE,
        Serving.served,
        lambda case: pb.RateCaseRequest(
            **on(case), unit=resources.Rating.GRADE_DISSATISFIED, comment="没有解决"
        ),
        "portal",
        {"comment": " "},
    ),
    VerbCase(
        "RecordLesson",
        Action.RECORD_LESSON,
        Serving.opened,
        lambda case: pb.RecordLessonRequest(**on(case), text="同类问题集中", proposal="完善备案"),
        "supervisor",
        {"text": ""},
    ),
    VerbCase(
        "LinkCase",
        Action.LINK,
        Serving.opened,
        lambda case: pb.LinkCaseRequest(**on(case), reason="取消关联"),
        "officer",
        {"reason": ""},
    ),
    VerbCase(
        "ArchiveCase",
        Action.ARCHIVE,
        Serving.followed_up,
        lambda case: pb.ArchiveCaseRequest(**on(case)),
        "officer",
        {"etag": ""},
    ),
]
MEASURE_RPCS = (
    "ApproveMeasure",
    "StartMeasure",
    "CompleteMeasure",
    "StopMeasure",
    "ReviseMeasure",
)
BY_RPC = pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.rpc)


async def call(
    disposal: Serving, verb: VerbCase, request: Message, person: str = "", region: str = ""
) -> Any:
    stub = disposal.stub(person or verb.person, region)
    return await getattr(stub, verb.rpc)(request)


async def refused(attempt: Awaitable[Any]) -> tuple[str, grpc.StatusCode, grpc.aio.AioRpcError]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await attempt
    return reason_of(caught.value), caught.value.code(), caught.value


def changed(request: Any, **fields: Any) -> Any:
    copy = type(request)()
    copy.CopyFrom(request)
    for field, value in fields.items():
        setattr(copy, field, value)
    return copy


@BY_RPC
async def test_a_right_call_changes_the_case_once_however_often_it_is_repeated(
    disposal: Serving, verb: VerbCase
) -> None:
    case = await verb.prepared(disposal)
    request = verb.request(case)
    first = await call(disposal, verb, request)
    assert first.case.etag != case.etag
    again = await call(disposal, verb, request)
    assert again == first
    stored = await disposal.stub().GetCase(pb.GetCaseRequest(name=case.name))
    assert stored.case.etag == first.case.etag


@BY_RPC
async def test_a_request_id_with_another_payload_is_refused(
    disposal: Serving, verb: VerbCase
) -> None:
    case = await verb.prepared(disposal)
    request = verb.request(case)
    await call(disposal, verb, request)
    reused = changed(request, etag="another")
    reason, code, _ = await refused(call(disposal, verb, reused))
    assert (reason, code) == ("REQUEST_ID_REUSED", grpc.StatusCode.ALREADY_EXISTS)


async def test_a_repetition_from_another_region_is_told_nothing(disposal: Serving) -> None:
    verb = VERBS[0]
    request = verb.request(await verb.prepared(disposal))
    await call(disposal, verb, request)
    moved = call(disposal, verb, request, region="310101")
    assert (await refused(moved))[0] == "NOT_FOUND"


@BY_RPC
async def test_an_old_etag_is_aborted_and_changes_nothing(
    disposal: Serving, verb: VerbCase
) -> None:
    case = await verb.prepared(disposal)
    await call(disposal, verb, verb.request(case))
    stale = changed(verb.request(case), request_id=new_id())
    reason, code, _ = await refused(call(disposal, verb, stale))
    assert (reason, code) == ("STALE_ETAG", grpc.StatusCode.ABORTED)


@BY_RPC
async def test_a_wrong_field_is_named(disposal: Serving, verb: VerbCase) -> None:
    case = await verb.prepared(disposal)
    reason, code, error = await refused(
        call(disposal, verb, changed(verb.request(case), **verb.wrong))
    )
    assert (reason, code) == ("INVALID_FIELD", grpc.StatusCode.INVALID_ARGUMENT)
    assert next(iter(verb.wrong)) in (error.details() or "")


@BY_RPC
async def test_only_the_roles_of_the_rule_get_in(disposal: Serving, verb: VerbCase) -> None:
    case = await verb.prepared(disposal)
    allowed = {f"ROLE_{role.name}" for role in ROLES[verb.action]}
    for person, (_, _, role) in PERSONS.items():
        if role not in allowed:
            reason, code, _ = await refused(call(disposal, verb, verb.request(case), person))
            assert (reason, code) == ("ROLE_REQUIRED", grpc.StatusCode.PERMISSION_DENIED)
    reason, code, _ = await refused(call(disposal, verb, verb.request(case), "service/client"))
    assert (reason, code) == ("UNAUTHENTICATED", grpc.StatusCode.UNAUTHENTICATED)


@BY_RPC
async def test_out_of_region_is_the_same_as_missing(disposal: Serving, verb: VerbCase) -> None:
    case = await verb.prepared(disposal)
    missing = changed(verb.request(case), name=case.name[:-4] + "0000", request_id=new_id())
    if verb.rpc in MEASURE_RPCS:
        missing.measure = f"{missing.name}/measures/1"
    if verb.rpc == "RecordFollowUp":
        missing.follow_up = f"{missing.name}/followUps/1"
    outside = await refused(call(disposal, verb, verb.request(case), region="310000"))
    absent = await refused(call(disposal, verb, missing))
    assert outside[:2] == absent[:2] == ("NOT_FOUND", grpc.StatusCode.NOT_FOUND)
    text = (outside[2].details() or "").replace(case.name, "")
    assert text == (absent[2].details() or "").replace(missing.name, "")


SAME_RPC = {
    Action.REFUSE_OBJECTION,
    Action.NOT_ACCEPT,
    Action.NO_LONGER_ACCEPT,
    Action.REVOKE_BY_REVIEW,
    Action.REVOKE_BY_RECHECK,
}
"""Actions that an RPC of another row does too, by a field of its request."""


async def test_the_matrix_has_every_verb_of_the_contract() -> None:
    service = pb.DESCRIPTOR.services_by_name["DisposalService"]
    writing = {
        name
        for name, method in service.methods_by_name.items()
        if method.GetOptions().idempotency_level != MethodOptions.NO_SIDE_EFFECTS
    }
    assert {verb.rpc for verb in VERBS} == writing - {"OpenCase"}
    assert {verb.action for verb in VERBS} == set(Action) - {Action.WITHDRAW} - SAME_RPC
    assert Role.SERVICE_DISPOSAL not in {role for verb in VERBS for role in ROLES[verb.action]}
