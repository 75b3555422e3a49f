"""Turns measures into rows and back; what a kind has of its own is one body of JSON."""

from typing import Any

from sqlalchemy import Row

from heed_disposal.adapters.case_rows import (
    Values,
    actor_of,
    actor_value,
    certain_actor,
    part_key,
)
from heed_disposal.adapters.records import body_of, record_of
from heed_disposal.domain.case import Case, Measure
from heed_disposal.domain.measure_details import DETAILS, Promise, RecordDocument
from heed_disposal.domain.terms import Effect, MeasureKind, MeasureStatus

_PLAIN = (
    "title", "purpose", "legal_basis", "owner_unit", "due_on", "playbook", "approver_role",
    "approval_note", "result", "proportionality_note", "started_at", "ended_at", "side_effects",
    "cost", "stop_reason", "revision_of",
)  # fmt: skip


def measure_values(case: Case, measure: Measure) -> Values:
    """Return the row of a measure."""
    plain = {name: getattr(measure, name) for name in _PLAIN}
    return (
        part_key(case, measure.number)
        | plain
        | {
            "kind": int(measure.kind),
            "status": int(measure.status),
            "planned_by": actor_value(measure.planned_by),
            "approved_by": actor_value(measure.approved_by),
            "details": body_of(measure.details) if measure.details else None,
            "personal_data_used": list(measure.personal_data_used),
            "effect": int(measure.effect),
            "promises": [body_of(item) for item in measure.promises],
            "documents": [body_of(item) for item in measure.documents],
        }
    )


def measure_of(row: Row[Any]) -> Measure:
    """Return the measure of a row."""
    plain = {name: getattr(row, name) for name in _PLAIN}
    kind = MeasureKind(row.kind)
    return Measure(
        number=row.number,
        kind=kind,
        status=MeasureStatus(row.status),
        planned_by=certain_actor(row.planned_by),
        approved_by=actor_of(row.approved_by),
        details=record_of(DETAILS[kind], row.details) if row.details else None,
        personal_data_used=tuple(row.personal_data_used),
        effect=Effect(row.effect),
        promises=tuple(record_of(Promise, item) for item in row.promises),
        documents=tuple(record_of(RecordDocument, item) for item in row.documents),
        **plain,
    )
