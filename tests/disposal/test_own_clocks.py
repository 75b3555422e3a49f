"""Clocks that start by themselves: direct notice (D02) and the report of major matters (D12)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from heed_disposal.domain.assessment import Growth
from heed_disposal.domain.case import Case
from heed_disposal.domain.handling import accept, close
from heed_disposal.domain.major_reports import Told, report
from heed_disposal.domain.opening import follow_matter
from heed_disposal.domain.procedure import archive, notify
from heed_disposal.domain.procedure_terms import LegalRoute, NoticeKind, ReportStage
from heed_disposal.domain.records import Notice
from heed_disposal.domain.terms import (
    DeadlineState,
    Finding,
    Importance,
    Nature,
    State,
    Urgency,
)
from heed_shared.errors import LawRequires, WrongState
from tests.disposal.builders import (
    HANDLER,
    MONDAY,
    act,
    answered,
    at,
    clock,
    facts,
    handbook,
    opened,
    routed,
    served,
    warned,
)

DIVERTED = Notice(
    kind=NoticeKind.DIVERTED,
    text="请申请仲裁",
    legal_basis="信访工作条例第三十一条",
    body="仲裁委员会",
    route=LegalRoute.ARBITRATION,
    limitation="一年内",
    remedy="可申请仲裁",
)
FIRST = Told(ReportStage.FIRST, ("区委区政府",), "某小区停水,涉及三百户")


def codes(case: Case) -> set[str]:
    return {deadline.code for deadline in case.deadlines if deadline.open}


def major() -> Case:
    return opened(importance=Importance.MAJOR)


def test_what_came_to_a_unit_directly_gets_its_notice_from_the_day_of_receipt() -> None:
    case = accept(opened(), act(HANDLER, at("2026-09-29")), handbook())
    notice = clock(case, "D02")
    assert (notice.started_at, notice.state) == (MONDAY, DeadlineState.MET)
    assert notice.met_at == at("2026-09-29")
    # The fifteenth day is 2026-10-06; the legal date of 10-08 does not make it timely.
    late = clock(accept(opened(), act(HANDLER, at("2026-10-07")), handbook()), "D02")
    assert late.state is DeadlineState.MET_LATE


def test_a_refusal_or_a_diversion_is_a_direct_notice_too() -> None:
    case = notify(opened(), DIVERTED, act(HANDLER, at("2026-09-22")), handbook())
    assert clock(case, "D02").state is DeadlineState.MET


def test_what_was_sent_to_a_unit_has_the_clock_of_the_transfer_alone() -> None:
    case = accept(routed(), act(HANDLER, at("2026-09-22")), handbook())
    assert "D02" not in {deadline.code for deadline in case.deadlines}
    assert clock(case, "D03").state is DeadlineState.MET


@pytest.mark.parametrize(
    ("changes", "owed"),
    [
        ({"importance": Importance.MAJOR}, True),
        ({"urgency": Urgency.U0}, True),
        ({"importance": Importance.MAJOR, "nature": Nature.ENQUIRY}, True),
        ({"importance": Importance.IMPORTANT, "urgency": Urgency.U1}, False),
        ({}, False),
    ],
)
def test_a_major_or_dangerous_matter_has_to_be_reported(
    changes: dict[str, object], owed: bool
) -> None:
    assert ("D12" in codes(opened(**changes))) is owed  # type: ignore[arg-type]
    if owed:
        found = clock(opened(**changes), "D12")  # type: ignore[arg-type]
        assert found.due.at == MONDAY + timedelta(hours=2)


def test_the_case_of_a_warning_has_no_such_clock() -> None:
    assert "D12" not in codes(warned())


def test_a_correction_starts_the_clock_and_takes_it_back() -> None:
    raised = follow_matter(
        opened(), facts(importance=Importance.MAJOR), Growth(), MONDAY, handbook()
    )
    assert "D12" in codes(raised)
    lowered = follow_matter(raised, facts(), Growth(), MONDAY, handbook())
    assert clock(lowered, "D12").state is DeadlineState.CANCELLED
    late = follow_matter(
        answered(), facts(importance=Importance.MAJOR), Growth(), MONDAY, handbook()
    )
    assert "D12" in codes(late)


def test_the_first_report_meets_the_clock_and_says_to_whom() -> None:
    case = report(major(), FIRST, act(now=at("2026-09-21", 11)))
    assert clock(case, "D12").state is DeadlineState.MET
    assert case.procedure.major_reports[0].addressees == ("区委区政府",)
    late = report(major(), FIRST, act(now=at("2026-09-21", 13)))
    assert clock(late, "D12").state is DeadlineState.MET_LATE


def test_reports_come_first_then_further_then_last() -> None:
    case = major()
    with pytest.raises(WrongState, match="STAGE_FIRST"):
        report(case, replace(FIRST, stage=ReportStage.FURTHER), act())
    for stage in (ReportStage.FIRST, ReportStage.FURTHER, ReportStage.FURTHER, ReportStage.FINAL):
        case = report(case, replace(FIRST, stage=stage), act())
    assert [item.number for item in case.procedure.major_reports] == [1, 2, 3, 4]
    for stage in ReportStage:
        with pytest.raises(WrongState):
            report(case, replace(FIRST, stage=stage), act())


def test_a_report_to_nobody_is_refused_with_its_article() -> None:
    for addressees in ((), (" ",)):
        with pytest.raises(LawRequires, match="第二十五条"):
            report(major(), replace(FIRST, addressees=addressees), act())


def test_the_duty_to_report_outlives_the_answer_and_the_closing() -> None:
    case = notify(major(), DIVERTED, act(HANDLER), handbook())
    assert codes(case) == {"D12"}
    closed = close(
        served(answered(accept(major(), act(HANDLER), handbook()))),
        "已答复",
        Finding.UNSPECIFIED,
        act(),
    )
    assert (closed.state, codes(closed)) == (State.CONCLUDED, {"D12"})
    asked = replace(closed, follow_ups=())
    with pytest.raises(LawRequires, match="第二十五条"):
        archive(asked, act())
    assert archive(report(asked, FIRST, act()), act()).state is State.ARCHIVED
