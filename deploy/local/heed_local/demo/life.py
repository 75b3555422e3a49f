"""Takes one petition from registration to its followed-up end, as the people in an office would."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from heed.common.v1 import matter_pb2
from heed.disposal.v1 import disposal_service_pb2 as verbs
from heed.disposal.v1 import disposal_service_pb2_grpc, resources_pb2
from heed.intake.v1 import intake_service_pb2, intake_service_pb2_grpc

from heed_local.demo.acts import SECOND_READER
from heed_local.demo.feeds import FeedMonitor
from heed_local.demo.replay import Registered
from heed_local.launcher import Suite
from heed_shared.clock import SHANGHAI


@dataclass(frozen=True)
class Life:
    """One petition with its case and what the petitioner sees."""

    petition: Registered
    case: resources_pb2.Case
    progress: intake_service_pb2.CheckProgressResponse


def choose(
    cases: Sequence[resources_pb2.Case], registered: Sequence[Registered]
) -> tuple[Registered, resources_pb2.Case] | None:
    """Picks the latest traced petition whose case is an ordinary appeal."""
    by_petition = {
        case.matter.rsplit("/matters/", 1)[0]: case
        for case in cases
        if case.track == resources_pb2.Case.TRACK_APPEAL
    }
    for petition in reversed(registered):
        if petition.trace_id and petition.name in by_petition:
            return petition, by_petition[petition.name]
    return None


async def live(suite: Suite, petition: Registered, case: resources_pb2.Case) -> Life:
    """Routes, accepts, assesses, answers, follows up and closes; then asks as the petitioner."""
    office = disposal_service_pb2_grpc.DisposalServiceStub(suite.channel("disposal", "officer"))
    unit = disposal_service_pb2_grpc.DisposalServiceStub(suite.channel("disposal", "handler"))
    supervisor = disposal_service_pb2_grpc.DisposalServiceStub(
        suite.channel("disposal", "supervisor")
    )
    received = case.received_at.ToDatetime(tzinfo=SHANGHAI)

    def head(now: resources_pb2.Case) -> dict[str, Any]:
        return {"name": now.name, "etag": now.etag, "request_id": str(uuid.uuid4())}

    case = (
        await office.RouteCase(
            verbs.RouteCaseRequest(
                **head(case),
                unit=case.proposed_unit or "责任单位",
                kind=verbs.ROUTE_KIND_ASSIGN,
                report_due_on=(received + timedelta(days=45)).date().isoformat(),
            )
        )
    ).case
    case = (await unit.AcceptCase(verbs.AcceptCaseRequest(**head(case)))).case
    case = (
        await office.AssessCase(
            verbs.AssessCaseRequest(
                **head(case),
                severity=case.assessment.severity or resources_pb2.Assessment.GRADE_LOW,
                scope=case.assessment.scope or resources_pb2.Assessment.GRADE_LOW,
                development=case.assessment.development or resources_pb2.Assessment.GRADE_LOW,
                response_level=case.assessment.response_level or matter_pb2.WARNING_LEVEL_BLUE,
                reasons=list(case.assessment.reasons) or ["经核查,情况属实,影响范围有限"],
                second_reader=SECOND_READER if case.assessment.second_reader_required else None,
            )
        )
    ).case
    case = (
        await unit.IssueOpinion(
            verbs.IssueOpinionRequest(
                **head(case),
                outcome=resources_pb2.Opinion.OUTCOME_SUPPORTED,
                text="经调查,反映的问题属实,已责成责任单位整改并书面答复。",
                legal_basis="《信访工作条例》第三十二条",
            )
        )
    ).case
    served = verbs.ServeOpinionRequest(
        **head(case), method=resources_pb2.Service.METHOD_IN_PERSON, note="当面签收"
    )
    case = (await unit.ServeOpinion(served)).case
    report = verbs.FileClosingReportRequest(**head(case), text="交办事项已办结,整改到位。")
    case = (await unit.FileClosingReport(report)).case
    case = (
        await supervisor.RecordFollowUp(
            verbs.RecordFollowUpRequest(
                **head(case),
                follow_up=case.follow_ups[0].name,
                result=resources_pb2.FollowUp.RESULT_SOLVED,
                note="电话回访,问题已解决。",
            )
        )
    ).case
    case = (
        await supervisor.CloseCase(
            verbs.CloseCaseRequest(**head(case), reason="处理意见已送达,回访确认问题已解决。")
        )
    ).case
    return Life(petition=petition, case=case, progress=await _progress(suite, petition))


async def _progress(suite: Suite, petition: Registered) -> intake_service_pb2.CheckProgressResponse:
    await FeedMonitor(suite).drain()
    portal = intake_service_pb2_grpc.IntakeServiceStub(suite.channel("intake", "portal"))
    return await portal.CheckProgress(
        intake_service_pb2.CheckProgressRequest(
            receipt_number=petition.receipt_number, query_code=petition.query_code
        ),
        timeout=10,
    )
