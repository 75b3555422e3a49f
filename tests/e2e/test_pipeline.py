"""A petition's way through the four services, as their callers see it."""

import uuid
from datetime import timedelta

import grpc
import pytest
from heed.classifier.v1 import classifier_service_pb2
from heed.classifier.v1 import resources_pb2 as classifier
from heed.common.v1 import matter_pb2
from heed.disposal.v1 import disposal_service_pb2, disposal_service_pb2_grpc, resources_pb2
from heed.intake.v1 import intake_service_pb2
from heed.intake.v1 import resources_pb2 as intake
from heed.warning.v1 import resources_pb2 as warning
from heed.warning.v1 import warning_service_pb2

from heed_local.demo.life import live
from heed_local.demo.replay import Registered
from tests.e2e.conftest import Office

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="package")]

WAGES = "工地拖欠我们班组三个月工资,包工头失联,多次讨要无果,请求劳动监察部门帮助讨薪。"


async def cases_of(office: Office, petition: str) -> list[resources_pb2.Case]:
    request = disposal_service_pb2.ListCasesRequest(petition=petition)
    return list((await office.cases.ListCases(request)).cases)


async def test_a_petition_is_sorted_gets_a_case_and_the_petitioner_can_follow_it(
    office: Office,
) -> None:
    trace_id = uuid.uuid4().hex
    answer = await office.intake.RegisterPetition(
        office.registration(WAGES, request="请求追回拖欠工资"),
        metadata=(("traceparent", f"00-{trace_id}-{'1' * 16}-01"),),
    )
    await office.feeds.drain()

    [case] = await cases_of(office, answer.petition.name)
    assert case.category_code == "03"
    assert case.track == resources_pb2.Case.TRACK_APPEAL
    assert {deadline.code for deadline in case.deadlines} >= {"D01"}
    assert case.assessment.proposed
    assert case.assessment.reasons

    progress = await office.portal.CheckProgress(
        intake_service_pb2.CheckProgressRequest(
            receipt_number=answer.petition.receipt_number, query_code=answer.query_code
        )
    )
    stages = [step.stage for step in progress.steps]
    assert stages == [
        intake.ProgressStep.STAGE_REGISTERED,
        intake.ProgressStep.STAGE_CASE_OPENED,
    ]

    tree = await office.suite.trace_tree(trace_id)
    for service in ("intake", "classifier", "disposal", "warning"):
        assert service in tree, tree


async def test_officers_take_a_case_to_its_followed_up_end(office: Office) -> None:
    answer = await office.intake.RegisterPetition(office.registration(WAGES))
    await office.feeds.drain()
    [case] = await cases_of(office, answer.petition.name)
    registered = Registered(
        key="",
        name=answer.petition.name,
        receipt_number=answer.petition.receipt_number,
        query_code=answer.query_code,
        region_code=office.county,
        day=office.now.date(),
        trace_id="",
        truth=None,
    )
    life = await live(office.suite, registered, case)
    assert life.case.state == resources_pb2.Case.STATE_CONCLUDED
    assert life.case.solved
    stages = [step.stage for step in life.progress.steps]
    assert stages[0] == intake.ProgressStep.STAGE_REGISTERED
    assert stages[-1] == intake.ProgressStep.STAGE_CLOSED
    assert intake.ProgressStep.STAGE_OPINION_ISSUED in stages
    assert [s.reached_at.seconds for s in life.progress.steps] == sorted(
        s.reached_at.seconds for s in life.progress.steps
    )


async def test_a_correction_moves_the_count_from_the_old_cell_to_the_new_one(
    office: Office,
) -> None:
    county = "9H0102"

    async def count(category: str) -> int:
        day = office.now.date().isoformat()
        cell = warning.Cell(region_code=county, category_code=category)
        request = warning_service_pb2.QuerySeriesRequest(cell=cell, from_day=day, to_day=day)
        [entry] = (await office.warnings.QuerySeries(request)).days
        return entry.count

    # A day of its own: a small count of another county would hide this one from officers.
    await office.next_day()
    names = []
    for number in range(12):
        registration = office.registration(f"{WAGES}第{number}个工地。")
        registration.submission.region_code = county
        names.append((await office.intake.RegisterPetition(registration)).petition.name)
    await office.feeds.drain()
    assert (await count("03"), await count("11")) == (12, 0)

    for name in names[:6]:
        found = await office.sorter.GetClassification(
            classifier_service_pb2.GetClassificationRequest(name=f"{name}/classification")
        )
        await office.sorter.CorrectClassification(
            classifier_service_pb2.CorrectClassificationRequest(
                request_id=str(uuid.uuid4()),
                matter=found.classification.matters[0].name,
                etag=found.classification.etag,
                category_code="11",
                reason="实为企业破产清算问题",
            )
        )
    await office.feeds.drain()
    assert (await count("03"), await count("11")) == (6, 6)
    [case] = await cases_of(office, names[0])
    assert case.category_code == "11"


async def test_a_surge_over_history_raises_one_warning_and_opens_its_case(office: Office) -> None:
    county, category = "9H0103", "05"
    today = office.now.date()
    history = [
        warning_service_pb2.RecordedCount(
            cell=warning.Cell(region_code=county, category_code=category),
            day=(today - timedelta(days=back)).isoformat(),
            count=1 if back % 3 else 2,
        )
        for back in range(1, 200)
    ]
    await office.warnings.RecordObservations(
        warning_service_pb2.RecordObservationsRequest(
            request_id=str(uuid.uuid4()), source="history", counts=history
        )
    )
    text = "化工厂夜间偷排废气,刺鼻气味熏得睡不着,孩子咳嗽,多次投诉环保部门没有结果。"
    for _ in range(4):
        batch = []
        for number in range(9):
            registration = office.registration(f"{text}已经持续{number + 3}天。")
            registration.submission.region_code = county
            batch.append(registration)
        await office.intake.BatchRegisterPetitions(
            intake_service_pb2.BatchRegisterPetitionsRequest(requests=batch)
        )
        await office.feeds.drain()
        day = await office.next_day()
        await office.warnings.Evaluate(warning_service_pb2.EvaluateRequest(as_of=day.isoformat()))
        await office.feeds.drain()

    found = await office.warnings.ListWarnings(
        warning_service_pb2.ListWarningsRequest(
            region_prefix=county,
            category_code=category,
            states=[warning.Warning.STATE_FIRING, warning.Warning.STATE_ACKNOWLEDGED],
        )
    )
    [one] = found.warnings
    assert one.effective_level in {
        matter_pb2.WARNING_LEVEL_BLUE,
        matter_pb2.WARNING_LEVEL_YELLOW,
        matter_pb2.WARNING_LEVEL_ORANGE,
    }
    assert one.latest_evaluation.observed_count >= 27
    listed = await office.cases.ListCases(
        disposal_service_pb2.ListCasesRequest(
            region_prefix=county, track=resources_pb2.Case.TRACK_WARNING
        )
    )
    [case] = listed.cases
    assert case.warning == one.name
    assert case.measures
    assert case.follow_ups
    assert case.deadlines


async def test_rules_and_models_say_how_sure_they_are(office: Office) -> None:
    answer = await office.sorter.Classify(
        classifier_service_pb2.ClassifyRequest(request="请求讨薪", facts=WAGES)
    )
    [matter] = answer.classification.matters
    assert matter.category_code == "03"
    assert matter.band != classifier.BAND_UNSPECIFIED
    text = f"请求讨薪\n{WAGES}"
    assert matter.evidence
    for evidence in matter.evidence:
        assert text[evidence.start : evidence.end] == evidence.phrase


async def test_a_caller_without_the_role_is_refused_before_anything_is_looked_up(
    office: Office,
) -> None:
    portal = disposal_service_pb2_grpc.DisposalServiceStub(
        office.suite.channel("disposal", "portal")
    )
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await portal.GetCase(
            disposal_service_pb2.GetCaseRequest(name=f"cases/9H0101-{uuid.uuid4()}")
        )
    assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED
