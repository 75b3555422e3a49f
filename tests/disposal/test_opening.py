"""Opening cases and following their source: which clocks, what is proposed, what stays."""

from dataclasses import replace
from datetime import date

import pytest

from heed_disposal.domain.assessment import Growth
from heed_disposal.domain.case import Case
from heed_disposal.domain.ending import erase, withdraw
from heed_disposal.domain.handling import Signed, assess
from heed_disposal.domain.measures import Decision, Draft, decide, plan
from heed_disposal.domain.opening import follow_level, follow_matter, note_resolved
from heed_disposal.domain.terms import (
    DeadlineState,
    Grade,
    Importance,
    Level,
    MeasureKind,
    MeasureStatus,
    Nature,
    People,
    State,
    Track,
    Urgency,
)
from tests.disposal.builders import (
    LEADER,
    MONDAY,
    OFFICER,
    accepted,
    act,
    at,
    clock,
    facts,
    handbook,
    opened,
    routed,
    visit,
    warned,
    warning_facts,
)

LATER = at("2026-09-25")


def running(case: Case) -> dict[str, str]:
    return {d.code: str(d.due.internal) for d in case.deadlines if d.open and d.due}


@pytest.mark.parametrize(
    ("nature", "urgency", "track", "clocks"),
    [
        (Nature.APPEAL_REQUEST, Urgency.U2, Track.APPEAL, {"D01": "2026-10-06"}),
        (Nature.UNSPECIFIED, Urgency.U2, Track.APPEAL, {"D01": "2026-10-06"}),
        (
            Nature.SUGGESTION,
            Urgency.U2,
            Track.SUGGESTION,
            {"D01": "2026-10-06", "H02": "2026-10-15"},
        ),
        (Nature.ENQUIRY, Urgency.U2, Track.ENQUIRY, {"H01": "2026-09-29"}),
        (
            Nature.APPEAL_REQUEST,
            Urgency.U1,
            Track.APPEAL,
            {"D01": "2026-10-06", "H03": "2026-09-22"},
        ),
        (
            Nature.APPEAL_REQUEST,
            Urgency.U0,
            Track.APPEAL,
            {"D01": "2026-10-06", "H04": "2026-09-21", "D12": "2026-09-21"},
        ),
    ],
)
def test_nature_and_urgency_decide_track_and_clocks(
    nature: Nature, urgency: Urgency, track: Track, clocks: dict[str, str]
) -> None:
    case = opened(nature=nature, urgency=urgency)
    assert case.track is track
    assert running(case) == clocks


def test_clocks_run_from_receipt_and_not_from_opening() -> None:
    case = opened(now=LATER)
    assert clock(case, "D01").started_at == MONDAY
    assert case.opened_at == LATER


@pytest.mark.parametrize(
    ("nature", "day"),
    [
        (Nature.APPEAL_REQUEST, date(2026, 12, 12)),
        (Nature.SUGGESTION, date(2026, 10, 22)),
        (Nature.ENQUIRY, date(2026, 10, 6)),
    ],
)
def test_a_follow_up_is_planned_after_the_answer_is_due(nature: Nature, day: date) -> None:
    assert [f.scheduled_on for f in opened(nature=nature).follow_ups] == [day]


def test_an_ordinary_case_gets_no_measures_and_a_severe_one_gets_proposals() -> None:
    assert opened().measures == ()
    severe = opened(importance=Importance.MAJOR, people=People.OVER_100)
    assert severe.assessment is not None
    assert severe.assessment.level is Level.ORANGE
    assert {m.status for m in severe.measures} == {MeasureStatus.PLANNED}
    assert all(m.playbook for m in severe.measures)


def test_a_growing_incident_raises_the_proposal() -> None:
    grown = opened(growth=Growth(40, 15))
    assert grown.assessment is not None
    assert grown.assessment.level is Level.YELLOW
    assert "同一事件已归并40件" in grown.assessment.reasons


def test_the_same_facts_again_change_nothing() -> None:
    case = opened()
    assert follow_matter(case, facts(), Growth(), LATER, handbook()) is case


def test_a_correction_changes_category_track_clocks_and_proposals() -> None:
    told = facts(nature=Nature.ENQUIRY, category_code="06", urgency=Urgency.U1)
    case = follow_matter(opened(), told, Growth(), LATER, handbook())
    assert (case.track, case.category_code) == (Track.ENQUIRY, "06")
    assert running(case) == {"H01": "2026-09-29", "H03": "2026-09-22"}
    assert clock(case, "D01").state is DeadlineState.CANCELLED
    assert case.assessment is not None
    assert (case.assessment.number, case.assessment.severity) == (2, Grade.MEDIUM)


def test_a_correction_back_starts_the_clock_again_from_receipt() -> None:
    there = follow_matter(opened(), facts(nature=Nature.ENQUIRY), Growth(), LATER, handbook())
    back = follow_matter(there, facts(), Growth(), LATER, handbook())
    assert running(back) == {"D01": "2026-10-06"}
    assert clock(back, "D01").started_at == MONDAY


def test_a_correction_of_an_accepted_case_to_an_appeal_starts_the_clock_of_the_opinion() -> None:
    case = accepted(routed(opened(nature=Nature.SUGGESTION)), now=LATER)
    assert "D05" not in running(case)
    corrected = follow_matter(case, facts(), Growth(), LATER, handbook())
    assert running(corrected) == {"D05": "2026-11-20"}


def test_a_signed_assessment_and_an_approved_measure_stay_after_a_correction() -> None:
    case = opened(importance=Importance.MAJOR, people=People.OVER_100)
    signed = Signed(Grade.HIGH, Grade.HIGH, Grade.LOW, Level.ORANGE, ("现场已核实",), OFFICER)
    case = assess(case, signed, act(LEADER), handbook())
    case = decide(case, case.measures[0].number, Decision(False, ""), act(LEADER), handbook())
    approved = case.measures[0]
    corrected = follow_matter(
        replace(case, steps=()), facts(category_code="05"), Growth(), LATER, handbook()
    )
    assert corrected.assessment == case.assessment
    assert approved in corrected.measures
    assert {m.playbook for m in corrected.measures if m.playbook.startswith("environment")}
    assert not [m for m in corrected.measures if m.playbook == "housing@1" and m != approved]


def test_a_closed_case_does_not_follow_corrections() -> None:
    closed = replace(opened(), state=State.CONCLUDED)
    assert follow_matter(closed, facts(category_code="05"), Growth(), LATER, handbook()) is closed


@pytest.mark.parametrize(
    ("level", "clocks"),
    [
        (Level.BLUE, {"W04": "2026-09-29"}),
        (Level.YELLOW, {"W03": "2026-09-24"}),
        (Level.ORANGE, {"W02": "2026-09-22"}),
        (Level.RED, {"W01": "2026-09-21"}),
    ],
)
def test_a_warning_becomes_a_case_with_the_clock_of_its_level(
    level: Level, clocks: dict[str, str]
) -> None:
    case = warned(level)
    assert case.track is Track.WARNING
    assert running(case) == clocks
    assert case.measures
    assert case.follow_ups
    assert case.assessment is not None
    assert case.assessment.level is level


def test_a_higher_level_starts_its_shorter_clock_and_adds_measures() -> None:
    case = follow_level(warned(Level.BLUE), warning_facts(Level.ORANGE), LATER, handbook())
    assert running(case) == {"W02": "2026-09-26"}
    assert clock(case, "W04").state is DeadlineState.CANCELLED
    assert {m.kind.name for m in case.measures} >= {"SUPERVISION", "STATEMENT", "BACKLOG_CHECK"}


def test_a_lower_level_leaves_the_clock_that_runs() -> None:
    case = follow_level(warned(Level.ORANGE), warning_facts(Level.BLUE), LATER, handbook())
    assert running(case) == {"W02": "2026-09-22"}
    assert case.assessment is not None
    assert case.assessment.level is Level.BLUE


def test_a_level_that_rises_and_falls_starts_no_clock_twice() -> None:
    risen = follow_level(warned(Level.BLUE), warning_facts(Level.ORANGE), LATER, handbook())
    fallen = follow_level(risen, warning_facts(Level.BLUE), LATER, handbook())
    again = follow_level(fallen, warning_facts(Level.ORANGE), LATER, handbook())
    assert [d.code for d in again.deadlines] == ["W04", "W02"]


def test_the_same_level_again_changes_nothing() -> None:
    case = warned(Level.YELLOW)
    assert follow_level(case, warning_facts(Level.YELLOW), LATER, handbook()) is case


def test_a_resolved_warning_is_noted_and_its_case_stays_open_for_a_person() -> None:
    noted = note_resolved(warned(), LATER)
    assert noted.open
    assert "解除" in noted.steps[-1].note


def test_a_withdrawal_ends_everything_owed_and_solves_nothing() -> None:
    case = withdraw(opened(importance=Importance.MAJOR, people=People.OVER_100), LATER)
    assert case.state is State.CONCLUDED
    assert not case.solved
    assert not running(case)
    assert not case.follow_ups
    assert {m.status for m in case.measures} == {MeasureStatus.STOPPED}
    assert withdraw(case, LATER) is case


def test_erasure_deletes_what_came_from_the_text_and_keeps_the_dates() -> None:
    case = erase(opened(incident="incidents/x", importance=Importance.MAJOR), LATER)
    assert "房产证" not in repr(case)
    assert (case.state, case.incident, case.assessment) == (State.CONCLUDED, "", None)
    assert {d.code for d in case.deadlines} == {"D01", "D12"}
    assert not any(d.open for d in case.deadlines)
    assert erase(case, LATER) is case
    assert follow_matter(case, facts(), Growth(), LATER, handbook()) is case


def test_a_measure_that_waits_gets_the_approver_of_the_signed_level() -> None:
    due_on = date(2026, 9, 30)
    draft = Draft(MeasureKind.SITE_VISIT, "到小区核实", "查明进度", "", "住建局", due_on, visit())
    case = plan(opened(), draft, act(), handbook())
    assert "科室" in case.measures[0].approver_role
    signed = Signed(Grade.HIGH, Grade.LOW, Grade.LOW, Level.YELLOW, ("已核实",))
    case = assess(case, signed, act(LEADER), handbook())
    assert "分管" in case.measures[0].approver_role
    assert case.measures[0].title == "到小区核实"
