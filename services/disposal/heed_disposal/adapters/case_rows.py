"""Turns cases and their parts into rows and back; nothing else."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row

from heed_disposal.adapters.counting_rows import mark_of, mark_value
from heed_disposal.domain.case import (
    Assessment,
    Case,
    FollowUp,
    Opinion,
    Step,
)
from heed_disposal.domain.terms import (
    Actor,
    Finding,
    FollowUpResult,
    Grade,
    Importance,
    Level,
    Nature,
    Outcome,
    People,
    State,
    StepKind,
    Track,
    Urgency,
)

Values = dict[str, Any]


def actor_value(actor: Actor | None) -> Values | None:
    """Return an actor as it is stored."""
    if actor is None:
        return None
    return {
        "identity": actor.identity,
        "display_name": actor.display_name,
        "unit": actor.unit,
    }


def actor_of(value: Mapping[str, str] | None) -> Actor | None:
    """Return a stored actor."""
    return Actor(**value) if value else None


def certain_actor(value: Mapping[str, str]) -> Actor:
    """Return a stored actor that is always there."""
    return Actor(**value)


_PLAIN_CASE = (
    "region", "uid", "version", "matter", "petition", "warning", "handling_region",
    "category_code", "title", "hazard", "sure", "incident", "repeat_of", "proposed_unit", "unit",
    "unit_received_at", "received_at", "opened_at", "updated_at", "solved", "erased",
    "report_required", "concluded_at", "reopened", "rated", "parent", "withdrawn", "told_at",
    "recount_on",
)  # fmt: skip
_CASE_ENUMS = {
    "track": Track,
    "state": State,
    "nature": Nature,
    "urgency": Urgency,
    "importance": Importance,
    "people": People,
    "finding": Finding,
}


def case_values(case: Case) -> Values:
    """Return the row of a case without its parts."""
    values: Values = {name: getattr(case, name) for name in _PLAIN_CASE}
    values |= {name: int(getattr(case, name)) for name in _CASE_ENUMS}
    return values | {
        "handler": actor_value(case.handler),
        "joined_warnings": list(case.joined_warnings),
        "marks": [mark_value(mark) for mark in case.marks],
    }


def case_of(row: Row[Any], parts: Values) -> Case:
    """Return the case of a row with its parts."""
    values: Values = {name: getattr(row, name) for name in _PLAIN_CASE}
    values |= {name: kind(getattr(row, name)) for name, kind in _CASE_ENUMS.items()}
    values["joined_warnings"] = tuple(row.joined_warnings)
    values["marks"] = tuple(mark_of(value) for value in row.marks)
    return Case(**values, handler=actor_of(row.handler), **parts)


def part_key(case: Case, number: int) -> Values:
    """Return the key of a numbered part of a case."""
    return {"region": case.region, "uid": case.uid, "number": number}


def assessment_values(case: Case, assessment: Assessment) -> Values:
    """Return the row of an assessment."""
    return part_key(case, assessment.number) | {
        "severity": int(assessment.severity),
        "scope": int(assessment.scope),
        "development": int(assessment.development),
        "level": int(assessment.level),
        "reasons": list(assessment.reasons),
        "uncertainties": list(assessment.uncertainties),
        "proposed": assessment.proposed,
        "assessed_by": actor_value(assessment.assessed_by),
        "assessed_at": assessment.assessed_at,
        "second_reader": actor_value(assessment.second_reader),
    }


def assessment_of(row: Row[Any]) -> Assessment:
    """Return the assessment of a row."""
    return Assessment(
        number=row.number,
        severity=Grade(row.severity),
        scope=Grade(row.scope),
        development=Grade(row.development),
        level=Level(row.level),
        reasons=tuple(row.reasons),
        uncertainties=tuple(row.uncertainties),
        proposed=row.proposed,
        assessed_by=actor_of(row.assessed_by),
        assessed_at=row.assessed_at,
        second_reader=actor_of(row.second_reader),
    )


def follow_up_values(case: Case, follow_up: FollowUp) -> Values:
    """Return the row of a follow-up."""
    return part_key(case, follow_up.number) | {
        "scheduled_on": follow_up.scheduled_on,
        "occasion": follow_up.occasion,
        "result": int(follow_up.result),
        "note": follow_up.note,
        "recorded_by": actor_value(follow_up.recorded_by),
        "recorded_at": follow_up.recorded_at,
        "measure": follow_up.measure,
        "attempt": follow_up.attempt,
    }


def follow_up_of(row: Row[Any]) -> FollowUp:
    """Return the follow-up of a row."""
    return FollowUp(
        number=row.number,
        scheduled_on=row.scheduled_on,
        occasion=row.occasion,
        result=FollowUpResult(row.result),
        note=row.note,
        recorded_by=actor_of(row.recorded_by),
        recorded_at=row.recorded_at,
        measure=row.measure,
        attempt=row.attempt,
    )


def opinion_values(case: Case, opinion: Opinion) -> Values:
    """Return the row of an opinion."""
    return {
        "region": case.region,
        "uid": case.uid,
        "number": opinion.number,
        "outcome": int(opinion.outcome),
        "text": opinion.text,
        "legal_basis": opinion.legal_basis,
        "issued_by": actor_value(opinion.issued_by),
        "issued_at": opinion.issued_at,
    }


def opinion_of(row: Row[Any]) -> Opinion:
    """Return the opinion of a row."""
    return Opinion(
        outcome=Outcome(row.outcome),
        text=row.text,
        legal_basis=row.legal_basis,
        issued_by=certain_actor(row.issued_by),
        issued_at=row.issued_at,
        number=row.number,
    )


def step_values(case: Case, step: Step) -> Values:
    """Return the row of a step."""
    return {
        "region": case.region,
        "uid": case.uid,
        "action": step.action,
        "from_state": int(step.from_state) if step.from_state else None,
        "to_state": int(step.to_state),
        "stepped_at": step.at,
        "actor": actor_value(step.actor),
        "note": step.note,
        "kind": int(step.kind),
        "unit": step.unit,
        "due_at": step.due_at,
    }


def step_of(row: Row[Any]) -> Step:
    """Return the step of a row."""
    return Step(
        action=row.action,
        from_state=State(row.from_state) if row.from_state else None,
        to_state=State(row.to_state),
        at=row.stepped_at,
        actor=certain_actor(row.actor),
        note=row.note,
        kind=StepKind(row.kind),
        unit=row.unit,
        due_at=row.due_at,
    )
