"""Measures (措施): planned by one, approved by another, then begun and completed.

The limits of the guide are checked where they can be: a statement needs its sources, and nothing
begins without a named approver who is not the planner.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from heed_disposal.domain import rules
from heed_disposal.domain.case import Case, Measure
from heed_disposal.domain.handbook import Handbook, meet_clocks
from heed_disposal.domain.handling import Act
from heed_disposal.domain.terms import Level, MeasureKind, MeasureStatus, State, StepKind, Track
from heed_disposal.domain.transitions import Action, advance
from heed_shared.errors import InvalidField, NotFound, SecondPersonRequired, WrongState

MEASURE_MOVES: Mapping[Action, Mapping[MeasureStatus, MeasureStatus]] = {
    Action.APPROVE_MEASURE: {MeasureStatus.PLANNED: MeasureStatus.APPROVED},
    Action.START_MEASURE: {MeasureStatus.APPROVED: MeasureStatus.STARTED},
    Action.COMPLETE_MEASURE: {MeasureStatus.STARTED: MeasureStatus.COMPLETED},
}
"""Status after an action, by the status before; a rejection is an approval answered with no."""


@dataclass(frozen=True)
class Draft:
    """A measure as a person plans it."""

    kind: MeasureKind
    title: str
    purpose: str
    legal_basis: str
    owner_unit: str
    due_on: date


def plan(case: Case, draft: Draft, act: Act, handbook: Handbook) -> Case:
    """Add a measure that waits for approval."""
    moved = advance(case, Action.PLAN_MEASURE, act.actor, act.now)
    if draft.due_on < act.today:
        raise InvalidField("due_on", "must not lie in the past")
    if draft.kind is MeasureKind.STATEMENT and not draft.legal_basis.strip():
        raise InvalidField("legal_basis", "a statement must name its sources and its legal basis")
    level = case.assessment.level if case.assessment else Level.BLUE
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
            approver_role=handbook.playbooks.approver_role(draft.kind, level),
        )
    )


def decide(case: Case, number: int, *, rejected: bool, note: str, act: Act) -> Case:
    """Approve or reject a planned measure; never by its planner."""
    moved = advance(case, Action.APPROVE_MEASURE, act.actor, act.now)
    measure = _found(case, number)
    status = _next_status(case, measure, Action.APPROVE_MEASURE)
    if rejected and not note.strip():
        raise InvalidField("note", "a rejection needs a reason")
    if measure.planned_by.identity == act.actor.identity:
        raise SecondPersonRequired(f"{case.name}/measures/{number}")
    if rejected:
        status = MeasureStatus.REJECTED
    return moved.with_measure(
        replace(measure, status=status, approved_by=act.actor, approval_note=note)
    )


def begin(case: Case, number: int, act: Act) -> Case:
    """Record that an approved measure has begun; an accepted case is then being handled."""
    measure = _found(case, number)
    kind = StepKind.IN_PROGRESS if case.state is State.ACCEPTED else StepKind.NONE
    moved = advance(case, Action.START_MEASURE, act.actor, act.now, kind=kind)
    status = _next_status(case, measure, Action.START_MEASURE)
    return moved.with_measure(replace(measure, status=status))


def complete(case: Case, number: int, result: str, act: Act) -> Case:
    """Record the result of a measure; a warning is thereby answered."""
    moved = advance(case, Action.COMPLETE_MEASURE, act.actor, act.now)
    measure = _found(case, number)
    status = _next_status(case, measure, Action.COMPLETE_MEASURE)
    if case.track is Track.WARNING:
        moved = meet_clocks(moved, act.now, *rules.RESPONSE.values())
    return moved.with_measure(replace(measure, status=status, result=result))


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
