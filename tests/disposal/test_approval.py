"""Who may approve is data: the role and the level of the unit; and never who has planned."""

import tomllib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import grpc
import pytest
import pytest_asyncio
from heed.common.v1 import matter_pb2
from heed.disposal.v1 import disposal_service_pb2 as pb
from heed.disposal.v1 import resources_pb2 as resources

from heed_disposal.domain import measures
from heed_disposal.domain.approval import Act, Approver, stricter
from heed_disposal.domain.case import Case
from heed_disposal.domain.handling import Signed, assess
from heed_disposal.domain.playbooks import PlaybookFileError, read_playbooks
from heed_disposal.domain.terms import Grade, Level, MeasureKind, MeasureStatus, Role
from heed_local.authority import Authority
from heed_shared.errors import LawRequires, info_of
from tests.database_templates import DatabaseTemplates
from tests.disposal.builders import LEADER, MONDAY, OTHER_OFFICER, handbook, opened, warned
from tests.disposal.serving import Serving, on, plan_request, serving
from tests.disposal.test_playbooks import SHIPPED

YES = measures.Decision(rejected=False, note="")
NO = measures.Decision(rejected=True, note="不必要")
SIGNED = Signed(Grade.HIGH, Grade.HIGH, Grade.HIGH, Level.RED, ("已确认",), OTHER_OFFICER)


def leader(prefix: str) -> Act:
    return Act(LEADER, MONDAY, frozenset({Role.LEADER}), prefix)


def decided(case: Case, decision: measures.Decision, act: Act) -> MeasureStatus:
    number = case.measures[0].number
    case = measures.decide(case, number, decision, act, handbook())
    return case.measures[0].status


@pytest.mark.parametrize("prefix", ["", "11", "1101"])
def test_level_one_is_approved_by_a_leader_of_a_higher_level(prefix: str) -> None:
    assert decided(warned(Level.RED), YES, leader(prefix)) is MeasureStatus.APPROVED
    assert assess(opened(), SIGNED, leader(prefix), handbook()).assessment


def test_level_one_is_not_approved_by_a_leader_of_the_place_itself() -> None:
    for attempt in (
        lambda: decided(warned(Level.RED), YES, leader("110101")),
        lambda: assess(opened(), SIGNED, leader("110101"), handbook()),
    ):
        with pytest.raises(LawRequires, match=r"上一级党委政府.*第二十五条"):
            attempt()


@pytest.mark.parametrize("level", [Level.BLUE, Level.YELLOW, Level.ORANGE])
def test_lower_levels_are_approved_at_the_place(level: Level) -> None:
    assert decided(warned(level), YES, leader("110101")) is MeasureStatus.APPROVED


def test_a_leader_of_the_place_may_still_reject_at_level_one() -> None:
    assert decided(warned(Level.RED), NO, leader("110101")) is MeasureStatus.REJECTED


def test_a_prefecture_is_approved_for_by_its_province_and_a_province_by_the_country() -> None:
    red = handbook().playbooks.approver(MeasureKind.RELIEF, Level.RED)
    for region, enough, too_low in (("110100", "11", "1101"), ("110000", "", "11")):
        red.require(leader(enough), region, "measure")
        with pytest.raises(LawRequires):
            red.require(leader(too_low), region, "measure")


def test_no_other_role_approves_wherever_it_stands() -> None:
    officer = Act(OTHER_OFFICER, MONDAY, frozenset({Role.CASE_OFFICER}), "")
    with pytest.raises(LawRequires):
        decided(warned(Level.BLUE), YES, officer)


def test_the_stricter_of_two_rules_holds() -> None:
    level, kind = Approver("上级", 2, "甲"), Approver("发言人", 1, "乙")
    assert stricter(level, kind) == Approver("发言人", 2, "甲")
    assert stricter(replace(level, levels_above=0), kind) == kind
    assert stricter(level, None) == level


@pytest.mark.parametrize("told", [{"title": ""}, {"title": "x", "levels_above": 4}])
def test_an_approver_that_cannot_be_is_refused_when_the_playbooks_load(
    told: dict[str, Any],
) -> None:
    for place in ("approver", "kind"):
        changed = tomllib.loads(SHIPPED)
        if place == "approver":
            changed["approver"]["RED"] = told
        else:
            changed["kind"]["STATEMENT"]["approver"] = told
        with pytest.raises(PlaybookFileError, match="levels_above"):
            read_playbooks(changed)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def disposal(
    database_templates: DatabaseTemplates, authority: Authority
) -> AsyncIterator[Serving]:
    """Disposal that serves, its clock standing at MONDAY."""
    made = database_templates.copy("disposal")
    async with serving(authority, made) as running:
        yield running
    database_templates.drop(made)


async def refused(attempt: Any) -> tuple[str, str, str]:
    """The reason, the citation and the text of a refusal."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await attempt
    info = info_of(caught.value)
    return info.reason, info.metadata.get("citation", ""), caught.value.details() or ""


def assess_request(case: resources.Case) -> pb.AssessCaseRequest:
    return pb.AssessCaseRequest(
        **on(case),
        severity=resources.Assessment.GRADE_HIGH,
        scope=resources.Assessment.GRADE_HIGH,
        development=resources.Assessment.GRADE_HIGH,
        response_level=matter_pb2.WARNING_LEVEL_RED,
        reasons=["已确认群体性损害"],
    )


@pytest.mark.asyncio(loop_scope="module")
async def test_level_one_over_the_wire_takes_a_leader_of_a_higher_level(disposal: Serving) -> None:
    case = await disposal.accepted()
    for person, region in (("officer", ""), ("leader", "110101")):
        stub = disposal.stub(person, region)
        reason, citation, text = await refused(stub.AssessCase(assess_request(case)))
        assert (reason, "第二十五条" in citation) == ("LAW_REQUIRES", True)
        assert "response_level" in text
    case = (await disposal.stub("leader", "1101").AssessCase(assess_request(case))).case
    case = (await disposal.stub().PlanMeasure(plan_request(case))).case
    request = pb.ApproveMeasureRequest(**on(case), measure=case.measures[-1].name)
    reason, citation, _ = await refused(disposal.stub("leader", "110101").ApproveMeasure(request))
    assert (reason, "第二十五条" in citation) == ("LAW_REQUIRES", True)
    approved = await disposal.stub("leader", "1101").ApproveMeasure(request)
    assert approved.case.measures[-1].status == resources.Measure.STATUS_APPROVED


@pytest.mark.asyncio(loop_scope="module")
async def test_what_lacks_its_approver_source_or_consent_is_refused_with_the_article(
    disposal: Serving,
) -> None:
    case = await disposal.accepted()
    extension = pb.ExtendDeadlineRequest(**on(case), code="D05", days=30, reason="案情复杂")
    told = await refused(disposal.stub("handler").ExtendDeadline(extension))
    assert told[:2] == ("LAW_REQUIRES", "信访工作条例第三十四条")

    statement = resources.MeasureDetails()
    statement.public_statement.sentences.add(text="供水将于今晚恢复")
    meeting = resources.MeasureDetails()
    meeting.petitioner_meeting.place = "区信访接待大厅"
    for kind, details, field, article in (
        (resources.Measure.KIND_STATEMENT, statement, "source", "政府信息公开条例"),
        (resources.Measure.KIND_PETITIONER_MEETING, meeting, "consent_given", "宪法第三十七条"),
        (resources.Measure.KIND_MEDIATION, meeting, "consent_given", "信访工作条例第三十三条"),
    ):
        request = plan_request(case, kind=kind, details=details, legal_basis="依法")
        reason, citation, text = await refused(disposal.stub().PlanMeasure(request))
        assert reason == "LAW_REQUIRES"
        assert article in citation
        assert field in text
