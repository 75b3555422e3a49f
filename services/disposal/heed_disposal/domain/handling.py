"""The verbs of a case officer, a unit, a leader and a supervisor, as pure functions of the case.

Each checks the state, does one thing, and says it in the history. Permission by role and region is
checked before; a second person is checked here, because it depends on who did what.
"""

from dataclasses import dataclass, replace
from datetime import date

from heed_disposal.domain import follow_ups, rules
from heed_disposal.domain.approval import Act
from heed_disposal.domain.assessment import needs_second_reader
from heed_disposal.domain.case import Assessment, Case, FollowUp, Opinion
from heed_disposal.domain.handbook import Handbook, cancel_clocks, meet_clocks
from heed_disposal.domain.procedure_terms import RouteKind
from heed_disposal.domain.terms import (
    Actor,
    Finding,
    FollowUpResult,
    Grade,
    Level,
    Outcome,
    StepKind,
    Track,
)
from heed_disposal.domain.transitions import Action, advance
from heed_shared.errors import InvalidField, LawRequires, NotFound, SecondPersonRequired

SECOND_READING = "内部规定:紧急、重大事项双人评估"


@dataclass(frozen=True)
class Routing:
    """Where a case is to go."""

    unit: str
    kind: RouteKind
    report_due_on: date | None


@dataclass(frozen=True)
class Signed:
    """An assessment as a person signs it."""

    severity: Grade
    scope: Grade
    development: Grade
    level: Level
    reasons: tuple[str, ...]
    second_reader: Actor | None = None


@dataclass(frozen=True)
class Answer:
    """What an opinion says."""

    outcome: Outcome
    text: str
    legal_basis: str


def route(case: Case, routing: Routing, act: Act, handbook: Handbook) -> Case:
    """Send the case to a unit: ends D01, starts the unit's notice clock, and D11 if assigned."""
    if routing.kind is RouteKind.ASSIGN and routing.report_due_on is None:
        raise InvalidField("report_due_on", "is required when a case is assigned (art. 22(3))")
    if routing.report_due_on is not None and routing.report_due_on < act.today:
        raise InvalidField("report_due_on", "must not lie in the past")
    unit = routing.unit
    moved = replace(case, unit=unit, unit_received_at=act.now)
    moved = advance(moved, Action.ROUTE, act.actor, act.now, note=unit, kind=StepKind.ROUTED)
    moved = meet_clocks(moved, act.now, rules.ROUTING)
    if case.track is not Track.WARNING:
        moved = handbook.start_clock(moved, rules.NOTICE, act.now)
    if routing.kind is RouteKind.ASSIGN:
        moved = handbook.start_clock(moved, rules.REPORT, act.now, routing.report_due_on)
        moved = replace(moved, report_required=True)
    return handbook.replan(moved)


def accept(case: Case, act: Act, handbook: Handbook) -> Case:
    """Accept and notify: ends the notice clock and starts that of the opinion."""
    moved = advance(case, Action.ACCEPT, act.actor, act.now, kind=StepKind.ACCEPTED)
    moved = replace(moved, handler=act.actor)
    moved = meet_clocks(
        moved,
        act.now,
        rules.ROUTING,
        rules.NOTICE,
        rules.URGENT_CONTACT,
        rules.DANGER_CONTACT,
    )
    moved = handbook.told_directly(moved, case.state, act.now)
    return handbook.sync_clocks(moved)


def assess(case: Case, signed: Signed, act: Act, handbook: Handbook) -> Case:
    """Sign an assessment; what the suite proposed is planned anew at the signed level.

    Raises:
        LawRequires: the matter is urgent or major and nobody else has read it, or the response
            level is one that only a higher unit decides.
        SecondPersonRequired: the second reader is who signs.
    """
    moved = advance(case, Action.ASSESS, act.actor, act.now)
    reader = signed.second_reader
    if reader is not None and reader.identity == act.actor.identity:
        raise SecondPersonRequired(case.name)
    if needs_second_reader(case) and (reader is None or not reader.identity.strip()):
        raise LawRequires("second_reader", "紧急或者重大事项的评估须由第二人复核", SECOND_READING)
    approver = handbook.playbooks.approvers[signed.level]
    if approver.levels_above:
        approver.require(act, case.handling_region, "response_level")
    doubts = case.assessment.uncertainties if case.assessment else ()
    assessment = Assessment(
        number=case.assessment.number + 1 if case.assessment else 1,
        severity=signed.severity,
        scope=signed.scope,
        development=signed.development,
        level=signed.level,
        reasons=signed.reasons,
        uncertainties=doubts,
        proposed=False,
        assessed_by=act.actor,
        assessed_at=act.now,
        second_reader=reader,
    )
    return handbook.replan(replace(moved, assessment=assessment))


def issue_opinion(case: Case, answer: Answer, act: Act, handbook: Handbook) -> Case:
    """Issue the dated written answer: ends every clock that waits for it, plans the follow-up."""
    # Only an appeal gets an opinion of the procedure; others are simply answered.
    kind = StepKind.OPINION_ISSUED if case.track is Track.APPEAL else StepKind.ANSWERED
    moved = advance(case, Action.ISSUE_OPINION, act.actor, act.now, kind=kind)
    number = case.opinion.number + 1 if case.opinion else 1
    opinion = Opinion(answer.outcome, answer.text, answer.legal_basis, act.actor, act.now, number)
    moved = replace(moved, opinion=opinion, handler=act.actor)
    moved = meet_clocks(moved, act.now, *rules.MET_BY_ANSWER)
    moved = follow_ups.without_planned(moved, promises_too=False)
    return follow_ups.plan_after(
        moved, rules.FOLLOW_UP, follow_ups.AFTER_SERVICE, act.now, handbook
    )


def schedule_follow_up(case: Case, on: date, occasion: str, act: Act) -> Case:
    """Plan a follow-up."""
    if on < act.today:
        raise InvalidField("scheduled_on", "must not lie in the past")
    moved = advance(case, Action.SCHEDULE_FOLLOW_UP, act.actor, act.now)
    return follow_ups.schedule(moved, on, occasion)


def record_follow_up(
    case: Case, number: int, result: FollowUpResult, note: str, act: Act, handbook: Handbook
) -> Case:
    """Record what a follow-up found; never by somebody of the handling unit."""
    follow_up = _planned_follow_up(case, number)
    moved = advance(case, Action.RECORD_FOLLOW_UP, act.actor, act.now, kind=StepKind.FOLLOWED_UP)
    same_person = case.handler is not None and case.handler.identity == act.actor.identity
    if same_person or act.actor.unit in _handling_units(case):
        raise SecondPersonRequired(f"{case.name}/followUps/{number}")
    asked = replace(follow_up, result=result, note=note, recorded_by=act.actor, recorded_at=act.now)
    return follow_ups.react(moved.with_follow_up(asked), asked, act.now, handbook)


def _planned_follow_up(case: Case, number: int) -> FollowUp:
    for follow_up in case.follow_ups:
        if follow_up.number == number and follow_up.result is FollowUpResult.UNSPECIFIED:
            return follow_up
    raise NotFound(f"{case.name}/followUps/{number}")


def _handling_units(case: Case) -> set[str]:
    """Return the units that handled the case: where it was sent and whose person answered."""
    return {case.unit, case.handler.unit if case.handler else ""} - {""}


def close(case: Case, reason: str, finding: Finding, act: Act) -> Case:
    """Conclude the case, by somebody other than its handler. Closed is not solved."""
    from_warning = case.track is Track.WARNING
    moved = advance(case, Action.CLOSE, act.actor, act.now, note=reason, kind=StepKind.CLOSED)
    if from_warning and finding is Finding.UNSPECIFIED:
        raise InvalidField("finding", "is required for a case opened from a warning")
    if not from_warning and finding is not Finding.UNSPECIFIED:
        raise InvalidField("finding", "belongs to cases opened from a warning only")
    if case.handler is not None and case.handler.identity == act.actor.identity:
        raise SecondPersonRequired(case.name)
    if case.report_required and case.procedure.closing_report is None:
        raise LawRequires("name", "交办事项须先提交办结报告", "信访工作条例第二十二条第一款第三项")
    if from_warning:
        moved = meet_clocks(moved, act.now, *rules.RESPONSE.values())
    return cancel_clocks(replace(moved, finding=finding, concluded_at=act.now), rules.MAJOR_REPORT)
