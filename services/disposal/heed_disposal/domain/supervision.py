"""Supervision (督办): a suggestion at any time, and the unit's written answer (article 40)."""

from dataclasses import dataclass, replace
from datetime import date

from heed_disposal.domain import rules
from heed_disposal.domain.approval import Act
from heed_disposal.domain.case import Case
from heed_disposal.domain.handbook import Handbook, meet_clock
from heed_disposal.domain.procedure_terms import SupervisionKind
from heed_disposal.domain.records import Supervision
from heed_disposal.domain.terms import StepKind
from heed_disposal.domain.transitions import Action, advance
from heed_shared.errors import InvalidField, WrongState


@dataclass(frozen=True)
class Suggestion:
    """What a supervisor suggests."""

    kind: SupervisionKind
    text: str
    answer_due_on: date | None


def supervise(case: Case, suggestion: Suggestion, act: Act, handbook: Handbook) -> Case:
    """Record a suggestion and start the clock of its answer (D13)."""
    moved = advance(
        case, Action.SUPERVISE, act.actor, act.now, note=suggestion.text, kind=StepKind.SUPERVISED
    )
    if suggestion.answer_due_on is not None and suggestion.answer_due_on < act.today:
        raise InvalidField("answer_due_on", "must not lie in the past")
    clock = moved.next_number(moved.deadlines)
    moved = handbook.start_clock(moved, rules.SUPERVISION, act.now, suggestion.answer_due_on)
    due = next(item.due for item in moved.deadlines if item.number == clock)
    supervision = Supervision(
        number=len(case.procedure.supervisions) + 1,
        kind=suggestion.kind,
        text=suggestion.text,
        supervised_by=act.actor,
        supervised_at=act.now,
        answer_due_on=due.internal if due else act.today,
        clock=clock,
    )
    supervisions = (*case.procedure.supervisions, supervision)
    return replace(moved, procedure=replace(case.procedure, supervisions=supervisions))


def answer(case: Case, number: int, text: str, act: Act, *, adopted: bool) -> Case:
    """Record the unit's written answer; its clock is met."""
    moved = advance(case, Action.ANSWER_SUPERVISION, act.actor, act.now)
    supervisions = list(case.procedure.supervisions)
    if not 1 <= number <= len(supervisions):
        raise InvalidField("supervision", "is no supervision of this case")
    present = supervisions[number - 1]
    if present.answered_at is not None:
        raise WrongState("ANSWERED", ["OPEN"], f"{case.name} supervision {number}")
    supervisions[number - 1] = replace(
        present, answer=text, adopted=adopted, answered_by=act.actor, answered_at=act.now
    )
    procedure = replace(case.procedure, supervisions=tuple(supervisions))
    return meet_clock(replace(moved, procedure=procedure), present.clock, act.now)
