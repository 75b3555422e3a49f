"""The verbs: which clocks they end and start, who may do them, what they leave alone."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from heed_disposal.domain import measures
from heed_disposal.domain.case import Case
from heed_disposal.domain.handling import (
    Routing,
    accept,
    close,
    record_follow_up,
    route,
    schedule_follow_up,
)
from heed_disposal.domain.procedure_terms import RouteKind
from heed_disposal.domain.terms import (
    Actor,
    DeadlineState,
    Finding,
    FollowUpResult,
    Level,
    MeasureKind,
    MeasureStatus,
    Nature,
    State,
    Urgency,
)
from heed_disposal.domain.transitions import Action
from heed_shared.errors import InvalidField, NotFound, SecondPersonRequired, WrongState
from tests.disposal.builders import (
    HANDLER,
    LEADER,
    OFFICER,
    OTHER_OFFICER,
    UNIT,
    accepted,
    act,
    answered,
    at,
    clock,
    handbook,
    opened,
    routed,
    served,
    visit,
    warned,
)

SUPERVISOR = Actor("staff/supervisor", "孙某", "督查室")


def test_routing_ends_d01_and_starts_the_notice_clock() -> None:
    case = routed(now=at("2026-09-30"))
    assert clock(case, "D01").state is DeadlineState.MET
    assert str(clock(case, "D03").due.internal) == "2026-10-15"
    assert (case.unit, case.state) == (UNIT, State.ROUTED)


def test_routing_after_the_internal_day_is_late_even_before_the_legal_day() -> None:
    assert clock(routed(now=at("2026-10-07")), "D01").state is DeadlineState.MET_LATE


def test_an_assignment_needs_its_report_day_and_starts_that_clock() -> None:
    with pytest.raises(InvalidField, match="report_due_on"):
        route(opened(), Routing(UNIT, RouteKind.ASSIGN, None), act(), handbook())
    yesterday = date(2026, 9, 20)
    with pytest.raises(InvalidField, match="past"):
        route(opened(), Routing(UNIT, RouteKind.ASSIGN, yesterday), act(), handbook())
    day = date(2026, 11, 2)
    case = route(opened(), Routing(UNIT, RouteKind.ASSIGN, day), act(), handbook())
    assert clock(case, "D11").due.internal == day


def test_the_clock_of_the_opinion_counts_from_the_units_receipt_and_not_from_the_click() -> None:
    case = accepted(routed(now=at("2026-09-22")), now=at("2026-10-03"))
    assert clock(case, "D05").started_at == at("2026-09-22")
    assert clock(case, "D03").state is DeadlineState.MET


def test_an_office_that_handles_it_itself_counts_from_its_own_receipt() -> None:
    case = accept(opened(), act(OFFICER, at("2026-09-28")), handbook())
    assert clock(case, "D05").started_at == at("2026-09-21")
    assert clock(case, "D01").state is DeadlineState.MET


def test_accepting_ends_the_clock_of_urgent_contact() -> None:
    case = accept(opened(urgency=Urgency.U1), act(OFFICER, at("2026-09-21", 20)), handbook())
    assert clock(case, "H03").state is DeadlineState.MET


def test_an_opinion_ends_every_clock_and_plans_the_follow_up() -> None:
    case = answered(now=at("2026-09-28"))
    assert not [d for d in case.deadlines if d.open]
    assert [str(f.scheduled_on) for f in case.follow_ups] == ["2026-10-05"]
    assert case.handler == HANDLER


@pytest.mark.parametrize("nature", [Nature.SUGGESTION, Nature.ENQUIRY])
def test_suggestions_and_enquiries_are_answered_at_once(nature: Nature) -> None:
    case = answered(opened(nature=nature))
    assert case.state is State.OPINION_ISSUED
    assert {d.state for d in case.deadlines} == {DeadlineState.MET}


def test_an_appeal_is_not_answered_before_it_is_accepted() -> None:
    with pytest.raises(WrongState):
        answered(routed())


def closed(case: Case, actor: Actor, finding: Finding = Finding.UNSPECIFIED) -> Case:
    return close(case, "已答复", finding, act(actor))


def test_whoever_answered_does_not_close() -> None:
    with pytest.raises(SecondPersonRequired):
        closed(served(), HANDLER)
    assert closed(served(), OTHER_OFFICER).state is State.CONCLUDED


def test_a_closed_case_is_not_thereby_solved() -> None:
    assert not closed(served(), OTHER_OFFICER).solved


def test_a_finding_belongs_to_warnings_and_only_to_them() -> None:
    with pytest.raises(InvalidField, match="finding"):
        closed(warned(), OFFICER)
    with pytest.raises(InvalidField, match="finding"):
        closed(served(), OTHER_OFFICER, Finding.FALSE)
    case = closed(warned(), OFFICER, Finding.CONFIRMED)
    assert case.finding is Finding.CONFIRMED
    assert clock(case, "W03").state is DeadlineState.MET


def test_closing_cancels_what_is_still_owed() -> None:
    case = replace(opened(), state=State.DIVERTED)
    assert clock(closed(case, OFFICER), "D01").state is DeadlineState.CANCELLED


def follow(case: Case, result: FollowUpResult, actor: Actor = SUPERVISOR) -> Case:
    number = next(f.number for f in case.follow_ups if not f.result)
    return record_follow_up(case, number, result, "", act(actor), handbook())


@pytest.mark.parametrize(
    "actor",
    [
        HANDLER,
        Actor("staff/colleague", "钱某", UNIT),
        Actor(HANDLER.identity, "张某", "督查室"),
    ],
)
def test_nobody_of_the_handling_unit_follows_up(actor: Actor) -> None:
    with pytest.raises(SecondPersonRequired):
        follow(answered(), FollowUpResult.SOLVED, actor)


@pytest.mark.parametrize("result", list(FollowUpResult)[1:])
def test_only_a_follow_up_that_found_it_solved_makes_it_solved(result: FollowUpResult) -> None:
    assert follow(answered(), result).solved is (result is FollowUpResult.SOLVED)


def test_solved_is_looked_at_again_after_ninety_days_and_can_be_taken_back() -> None:
    case = follow(answered(), FollowUpResult.SOLVED)
    assert str(case.follow_ups[-1].scheduled_on) == "2026-12-20"
    again = follow(case, FollowUpResult.PROMISE_BROKEN)
    assert not again.solved
    assert follow(case, FollowUpResult.UNREACHABLE).solved


def test_whoever_cannot_be_reached_is_called_three_times_at_most() -> None:
    case = answered()
    for planned in (2, 3):
        case = follow(case, FollowUpResult.UNREACHABLE)
        assert len(case.follow_ups) == planned
    case = follow(case, FollowUpResult.UNREACHABLE)
    assert all(f.result for f in case.follow_ups)


def test_a_follow_up_is_recorded_once() -> None:
    case = follow(answered(), FollowUpResult.PARTLY)
    with pytest.raises(NotFound):
        record_follow_up(case, 1, FollowUpResult.SOLVED, "", act(SUPERVISOR), handbook())


def test_a_follow_up_is_not_planned_for_the_past() -> None:
    with pytest.raises(InvalidField, match="scheduled_on"):
        schedule_follow_up(opened(), date(2026, 9, 20), "承诺日", act())


DRAFT = measures.Draft(
    MeasureKind.SITE_VISIT, "到小区核实", "查明办证进度", "", UNIT, date(2026, 9, 30), visit()
)
DONE = measures.Completion("已核实")


def planned(case: Case | None = None) -> Case:
    return measures.plan(case or accepted(), DRAFT, act(OFFICER), handbook())


def decided(case: Case, actor: Actor = LEADER, *, rejected: bool = False, note: str = "") -> Case:
    return measures.decide(case, 1, measures.Decision(rejected, note), act(actor), handbook())


def test_a_plan_without_a_legal_basis_gets_that_of_its_kind() -> None:
    assert "不得进入住宅" in planned().measures[0].legal_basis


def test_the_planner_does_not_approve() -> None:
    with pytest.raises(SecondPersonRequired):
        decided(planned(), OFFICER)


def test_a_rejection_needs_a_reason() -> None:
    with pytest.raises(InvalidField, match="note"):
        decided(planned(), rejected=True, note=" ")
    rejected = decided(planned(), rejected=True, note="已有其他单位处理")
    assert rejected.measures[0].status is MeasureStatus.REJECTED


def test_a_statement_without_a_legal_basis_is_refused() -> None:
    draft = replace(DRAFT, kind=MeasureKind.STATEMENT)
    with pytest.raises(InvalidField, match="legal_basis"):
        measures.plan(accepted(), draft, act(), handbook())


def test_a_measure_is_not_planned_for_the_past() -> None:
    with pytest.raises(InvalidField, match="due_on"):
        measures.plan(accepted(), replace(DRAFT, due_on=date(2026, 9, 20)), act(), handbook())


@pytest.mark.parametrize("status", list(MeasureStatus))
def test_every_pair_of_status_and_action_of_a_measure_is_decided(status: MeasureStatus) -> None:
    case = planned()
    approver = LEADER if status in (2, 3, 4) else None
    measure = replace(case.measures[0], status=status, approved_by=approver)
    case = case.with_measure(measure)
    revision = measures.Revision("无效果", "复查仍漏水", "请专业单位检测", None, None)
    outcomes: list[tuple[Action, Callable[[], Case]]] = [
        (Action.APPROVE_MEASURE, lambda: decided(case)),
        (Action.START_MEASURE, lambda: measures.begin(case, 1, act())),
        (Action.COMPLETE_MEASURE, lambda: measures.complete(case, 1, DONE, act())),
        (Action.STOP_MEASURE, lambda: measures.stop(case, 1, "无效果", act())),
        (Action.REVISE_MEASURE, lambda: measures.revise(case, 1, revision, act(), handbook())),
    ]
    pending = ["PLANNED", "APPROVED", "STARTED"]
    before = {
        Action.APPROVE_MEASURE: (["PLANNED"], MeasureStatus.APPROVED),
        Action.START_MEASURE: (["APPROVED"], MeasureStatus.STARTED),
        Action.COMPLETE_MEASURE: (["STARTED"], MeasureStatus.COMPLETED),
        Action.STOP_MEASURE: (pending, MeasureStatus.STOPPED),
        Action.REVISE_MEASURE: (pending, MeasureStatus.STOPPED),
    }
    for action, do in outcomes:
        possible, target = before[action]
        if status.name in possible:
            assert do().measures[0].status is target
        else:
            with pytest.raises(WrongState) as refused:
                do()
            allowed = ",".join(f"STATUS_{name}" for name in possible)
            assert refused.value.metadata["allowed_states"].replace(" ", "") == allowed


def test_beginning_a_measure_means_that_the_case_is_being_handled() -> None:
    begun = measures.begin(decided(planned()), 1, act())
    assert begun.state is State.IN_PROGRESS


def test_completing_a_measure_answers_a_warning() -> None:
    case = decided(warned(Level.YELLOW))
    number = case.measures[0].number
    done = measures.complete(measures.begin(case, number, act()), number, DONE, act())
    assert clock(done, "W03").state is DeadlineState.MET


def test_a_measure_that_does_not_exist_is_not_found() -> None:
    with pytest.raises(NotFound):
        measures.begin(planned(), 9, act())
