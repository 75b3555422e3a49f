"""Measures (措施): planned by one, approved by another, then begun, completed, stopped or revised.

Nothing is planned by a person or begins beyond the limits of the law, and nothing begins without a
named approver who is not the planner.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from heed_disposal.domain import follow_ups, limits, rules
from heed_disposal.domain.approval import Act
from heed_disposal.domain.case import Case, Measure
from heed_disposal.domain.handbook import Handbook, meet_clocks
from heed_disposal.domain.measure_details import Details, Promise, RecordDocument
from heed_disposal.domain.terms import (
    Effect,
    Level,
    MeasureKind,
    MeasureStatus,
    State,
    StepKind,
    Track,
)
from heed_disposal.domain.transitions import Action, advance
from heed_shared.errors import (
    InvalidField,
    LawRequires,
    NotFound,
    SecondPersonRequired,
    WrongState,
)

_PENDING = (MeasureStatus.PLANNED, MeasureStatus.APPROVED, MeasureStatus.STARTED)

MEASURE_MOVES: Mapping[Action, Mapping[MeasureStatus, MeasureStatus]] = {
    Action.APPROVE_MEASURE: {MeasureStatus.PLANNED: MeasureStatus.APPROVED},
    Action.START_MEASURE: {MeasureStatus.APPROVED: MeasureStatus.STARTED},
    Action.COMPLETE_MEASURE: {MeasureStatus.STARTED: MeasureStatus.COMPLETED},
    Action.STOP_MEASURE: dict.fromkeys(_PENDING, MeasureStatus.STOPPED),
    Action.REVISE_MEASURE: dict.fromkeys(_PENDING, MeasureStatus.STOPPED),
}
"""Status after an action, by the status before; a rejection is an approval answered with no."""

LEAST_DATA = "个人信息保护法第六条"
HIGHEST_COST = 1e12
"""Yuan; beyond it is a slip of the keyboard."""


@dataclass(frozen=True)
class Draft:
    """A measure as a person plans it."""

    kind: MeasureKind
    title: str
    purpose: str
    legal_basis: str
    owner_unit: str
    due_on: date
    details: Details | None = None
    proportionality_note: str = ""
    personal_data_used: tuple[str, ...] = ()


@dataclass(frozen=True)
class Decision:
    """What is decided of a planned measure."""

    rejected: bool
    note: str


@dataclass(frozen=True)
class Completion:
    """What a completed measure brought."""

    result: str
    side_effects: str = ""
    cost: float = 0.0
    effect: Effect = Effect.UNSPECIFIED
    promises: tuple[Promise, ...] = ()
    documents: tuple[RecordDocument, ...] = ()


@dataclass(frozen=True)
class Revision:
    """What is to be done instead; None keeps what the revised measure has."""

    reason: str
    evidence: str
    title: str
    due_on: date | None
    details: Details | None


def plan(case: Case, draft: Draft, act: Act, handbook: Handbook) -> Case:
    """Add a measure that waits for approval.

    Raises:
        LawRequires: it goes beyond what the law allows such a measure.
    """
    moved = advance(case, Action.PLAN_MEASURE, act.actor, act.now)
    if draft.due_on < act.today:
        raise InvalidField("due_on", "must not lie in the past")
    if draft.kind is MeasureKind.STATEMENT and not draft.legal_basis.strip():
        raise InvalidField("legal_basis", "a statement must name its sources and its legal basis")
    limits.check(draft.kind, draft.details, act.now)
    if draft.personal_data_used and not draft.proportionality_note.strip():
        raise LawRequires(
            "proportionality_note", "使用个人信息须说明为何必要且影响最小", LEAST_DATA
        )
    return moved.with_measure(
        Measure(
            number=case.next_number(case.measures),
            kind=draft.kind,
            status=MeasureStatus.PLANNED,
            title=draft.title,
            purpose=draft.purpose,
            legal_basis=draft.legal_basis or handbook.playbooks.kinds[draft.kind].legal_basis,
            owner_unit=draft.owner_unit,
            due_on=draft.due_on,
            playbook="",
            planned_by=act.actor,
            approver_role=handbook.playbooks.approver_role(draft.kind, response_level(case)),
            details=draft.details,
            proportionality_note=draft.proportionality_note,
            personal_data_used=draft.personal_data_used,
        )
    )


def decide(case: Case, number: int, decision: Decision, act: Act, handbook: Handbook) -> Case:
    """Approve or reject a planned measure; never by its planner.

    Raises:
        SecondPersonRequired: it would be.
        LawRequires: such a measure at this response level is approved by a higher unit.
    """
    moved = advance(case, Action.APPROVE_MEASURE, act.actor, act.now)
    measure = _found(case, number)
    status = _next_status(case, measure, Action.APPROVE_MEASURE)
    if decision.rejected and not decision.note.strip():
        raise InvalidField("note", "a rejection needs a reason")
    if measure.planned_by.identity == act.actor.identity:
        raise SecondPersonRequired(f"{case.name}/measures/{number}")
    if decision.rejected:
        status = MeasureStatus.REJECTED
    else:
        approver = handbook.playbooks.approver(measure.kind, response_level(case))
        approver.require(act, case.handling_region, "measure")
    return moved.with_measure(
        replace(measure, status=status, approved_by=act.actor, approval_note=decision.note)
    )


def response_level(case: Case) -> Level:
    """Return the response level of a case, the lowest where it was not assessed."""
    return case.assessment.level if case.assessment else Level.BLUE


def begin(case: Case, number: int, act: Act) -> Case:
    """Record that an approved measure has begun; an accepted case is then being handled.

    Raises:
        LawRequires: a proposal of a playbook still lacks what the law demands of its kind.
    """
    measure = _found(case, number)
    kind = StepKind.IN_PROGRESS if case.state is State.ACCEPTED else StepKind.NONE
    moved = advance(case, Action.START_MEASURE, act.actor, act.now, kind=kind)
    status = _next_status(case, measure, Action.START_MEASURE)
    limits.check(measure.kind, measure.details, act.now)
    limits.check_begin(measure.details, act.now)
    return moved.with_measure(replace(measure, status=status, started_at=act.now))


def complete(case: Case, number: int, done: Completion, act: Act) -> Case:
    """Record what a measure brought: it answers a warning, and promises will be asked about."""
    moved = advance(case, Action.COMPLETE_MEASURE, act.actor, act.now)
    measure = _found(case, number)
    status = _next_status(case, measure, Action.COMPLETE_MEASURE)
    if not math.isfinite(done.cost) or not 0 <= done.cost <= HIGHEST_COST:
        raise InvalidField("cost", "must be an amount in yuan")
    if case.track is Track.WARNING:
        moved = meet_clocks(moved, act.now, *rules.RESPONSE.values())
    for index, promise in enumerate(done.promises):
        if promise.due_on < act.today:
            raise InvalidField(f"promises[{index}].due_on", "must not lie in the past")
        moved = follow_ups.ask_about(moved, number, promise)
    return moved.with_measure(
        replace(
            measure,
            status=status,
            ended_at=act.now,
            result=done.result,
            side_effects=done.side_effects,
            cost=done.cost,
            effect=done.effect,
            promises=done.promises,
            documents=done.documents,
        )
    )


def stop(case: Case, number: int, reason: str, act: Act) -> Case:
    """Stop a measure that is no longer wanted, has no effect or does harm."""
    moved = advance(case, Action.STOP_MEASURE, act.actor, act.now, note=reason)
    measure = _found(case, number)
    status = _next_status(case, measure, Action.STOP_MEASURE)
    return moved.with_measure(replace(measure, status=status, stop_reason=reason, ended_at=act.now))


def revise(case: Case, number: int, revision: Revision, act: Act, handbook: Handbook) -> Case:
    """Stop a measure and plan its revision, which waits for approval like any other.

    Raises:
        LawRequires: the revision goes beyond what the law allows such a measure.
    """
    note = f"{revision.reason}({revision.evidence})"
    moved = advance(case, Action.REVISE_MEASURE, act.actor, act.now, note=note)
    measure = _found(case, number)
    status = _next_status(case, measure, Action.REVISE_MEASURE)
    due_on = revision.due_on or measure.due_on
    if due_on < act.today:
        raise InvalidField("due_on", "must not lie in the past")
    details = revision.details or measure.details
    limits.check(measure.kind, details, act.now)
    moved = moved.with_measure(replace(measure, status=status, stop_reason=note, ended_at=act.now))
    return moved.with_measure(
        replace(
            measure,
            number=case.next_number(case.measures),
            status=MeasureStatus.PLANNED,
            title=revision.title,
            due_on=due_on,
            details=details,
            planned_by=act.actor,
            approved_by=None,
            approval_note="",
            approver_role=handbook.playbooks.approver_role(measure.kind, response_level(case)),
            started_at=None,
            revision_of=measure.number,
        )
    )


def _found(case: Case, number: int) -> Measure:
    for measure in case.measures:
        if measure.number == number:
            return measure
    raise NotFound(f"{case.name}/measures/{number}")


def _next_status(case: Case, measure: Measure, action: Action) -> MeasureStatus:
    moves = MEASURE_MOVES[action]
    if measure.status not in moves:
        allowed = [f"STATUS_{status.name}" for status in moves]
        name = f"{case.name}/measures/{measure.number}"
        raise WrongState(f"STATUS_{measure.status.name}", allowed, name)
    return moves[measure.status]
