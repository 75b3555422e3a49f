"""Escalation (催办): when a clock breaks, the role that its rule names is told, once a clock."""

from dataclasses import replace
from datetime import datetime

from heed_disposal.domain.case import Case, Step
from heed_disposal.domain.deadlines import is_overdue
from heed_disposal.domain.handbook import Handbook
from heed_disposal.domain.terms import SERVICE, Role

ESCALATE = "escalate"
"""Name of the step in the history."""


def escalate(case: Case, now: datetime, handbook: Handbook) -> Case:
    """Return the case with every broken clock told that was not told before."""
    for deadline in case.deadlines:
        if deadline.escalated_at is not None or not is_overdue(deadline, now):
            continue
        role = Role[handbook.rule_of(deadline).escalate_to]
        told = replace(deadline, escalated_at=now, escalated_to=int(role))
        note = f"{deadline.code} {deadline.title}:已逾期"
        step = Step(ESCALATE, case.state, case.state, now, SERVICE, note=note, unit=case.unit)
        case = replace(case.with_deadline(told), updated_at=now, steps=(*case.steps, step))
    return case
