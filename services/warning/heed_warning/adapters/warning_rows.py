"""Warnings as rows of the table `warning`, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from heed_warning.application.ports import Kept
from heed_warning.domain.escalation import EscalationStep, next_due
from heed_warning.domain.evaluator import Outcome
from heed_warning.domain.indicators import Family, IndicatorOutcome, Reading
from heed_warning.domain.life import CellWarning, Evaluation, Staff, Verdict
from heed_warning.domain.panel import Cell
from heed_warning.domain.policy import Level
from heed_warning.domain.transitions import State

COLUMNS = (
    "region_code, uid, category_code, state, proposed_level, effective_level, red_confirmed, "
    "first_exceeded_on, fired_on, resolved_on, exceeded_streak, lower_streak, lower_level, "
    "rest_level, peak_count, evaluation, verdict, acknowledged_by, level_confirmed_by, judged_by, "
    "note, fired_at, acknowledged_at, group_name, silenced_by, inhibited_by, announced_level, "
    "acknowledge_due_at, escalation_steps, next_step_due_at, version, updated_at"
)


def row_of(warning: CellWarning, updated_at: datetime) -> tuple[object, ...]:
    """Return a warning as a row, in the order of COLUMNS."""
    return (
        warning.cell.region,
        warning.uid,
        warning.cell.category,
        warning.state,
        warning.proposed,
        warning.effective,
        warning.red_confirmed,
        warning.first_exceeded_on,
        warning.fired_on,
        warning.resolved_on,
        warning.exceeded_streak,
        warning.lower_streak,
        warning.lower_level,
        warning.rest_level,
        warning.peak_count,
        _evaluation_json(warning.evaluation),
        warning.verdict,
        staff_json(warning.acknowledged_by),
        staff_json(warning.level_confirmed_by),
        staff_json(warning.judged_by),
        warning.note,
        warning.fired_at,
        warning.acknowledged_at,
        warning.group,
        warning.silenced_by,
        warning.inhibited_by,
        warning.announced,
        warning.acknowledge_due_at,
        _steps_json(warning.steps),
        next_due(warning.steps),
        warning.version,
        updated_at,
    )


def kept_of(row: Any) -> Kept:
    """Return the warning of a row with all columns."""
    warning = CellWarning(
        uid=row.uid,
        cell=Cell(row.region_code, row.category_code),
        state=State(row.state),
        proposed=Level(row.proposed_level),
        effective=Level(row.effective_level),
        first_exceeded_on=row.first_exceeded_on,
        evaluation=_evaluation(Cell(row.region_code, row.category_code), loads(row.evaluation)),
        peak_count=row.peak_count,
        exceeded_streak=row.exceeded_streak,
        lower_streak=row.lower_streak,
        lower_level=Level(row.lower_level),
        rest_level=Level(row.rest_level),
        red_confirmed=row.red_confirmed,
        fired_on=row.fired_on,
        resolved_on=row.resolved_on,
        verdict=Verdict(row.verdict),
        acknowledged_by=staff_of(loads(row.acknowledged_by)),
        level_confirmed_by=staff_of(loads(row.level_confirmed_by)),
        judged_by=staff_of(loads(row.judged_by)),
        note=row.note,
        fired_at=row.fired_at,
        acknowledged_at=row.acknowledged_at,
        group=row.group_name,
        silenced_by=row.silenced_by,
        inhibited_by=row.inhibited_by,
        announced=Level(row.announced_level),
        acknowledge_due_at=row.acknowledge_due_at,
        steps=_steps(loads(row.escalation_steps)),
        version=row.version,
    )
    return Kept(warning, row.updated_at)


def loads(value: Any) -> Any:
    """Read a jsonb column, which arrives as text where no codec is set on the connection."""
    return json.loads(value) if isinstance(value, str) else value


def _evaluation_json(evaluation: Evaluation) -> str:
    fields = asdict(evaluation)
    del fields["cell"]
    return json.dumps(fields | {"as_of": evaluation.as_of.isoformat()}, ensure_ascii=False)


def _evaluation(cell: Cell, fields: dict[str, Any]) -> Evaluation:
    read = {
        "as_of": date.fromisoformat(fields["as_of"]),
        "outcome": Outcome(fields["outcome"]),
        "level": Level(fields["level"]),
        "indicators": tuple(_reading(item) for item in fields.get("indicators", ())),
    }
    return Evaluation(cell=cell, **(fields | read))


def _reading(fields: dict[str, Any]) -> Reading:
    family, outcome = Family(fields["family"]), IndicatorOutcome(fields["outcome"])
    return Reading(**(fields | {"family": family, "outcome": outcome}))


def staff_json(staff: Staff | None) -> str | None:
    """Return staff as a jsonb column holds them."""
    return json.dumps(asdict(staff), ensure_ascii=False) if staff else None


def staff_of(fields: dict[str, str] | None) -> Staff | None:
    """Return the staff of a jsonb column."""
    return Staff(**fields) if fields else None


def _steps_json(steps: Sequence[EscalationStep]) -> str:
    return json.dumps(
        [
            {
                "step": item.step,
                "role": item.role,
                "due_at": item.due_at.isoformat(),
                "done_at": item.done_at.isoformat() if item.done_at else None,
            }
            for item in steps
        ]
    )


def _steps(items: Sequence[dict[str, Any]]) -> tuple[EscalationStep, ...]:
    return tuple(
        EscalationStep(
            step=item["step"],
            role=item["role"],
            due_at=datetime.fromisoformat(item["due_at"]),
            done_at=datetime.fromisoformat(item["done_at"]) if item["done_at"] else None,
        )
        for item in items
    )
