"""Extending, pausing and resuming a clock, as far as its rule allows it and with who approved."""

from dataclasses import dataclass, replace

from heed_disposal.domain.approval import Act
from heed_disposal.domain.case import Case
from heed_disposal.domain.deadlines import Deadline, Pause
from heed_disposal.domain.handbook import Handbook
from heed_disposal.domain.terms import Actor, DeadlineState, StepKind
from heed_disposal.domain.transitions import Action, advance
from heed_shared.errors import InvalidField, LawRequires, SecondPersonRequired, WrongState


@dataclass(frozen=True)
class Extension:
    """What is asked for, and the head of the unit who approved it."""

    code: str
    days: int
    reason: str
    approved_by: Actor | None


def extend(case: Case, extension: Extension, act: Act, handbook: Handbook) -> Case:
    """Extend a running clock once, by at most what its rule allows (article 34).

    Raises:
        LawRequires: the rule allows no extension or a shorter one, or nobody approved it.
        SecondPersonRequired: the person that asks approved it alone.
        WrongState: the clock is not running or was extended before.
    """
    moved = advance(
        case,
        Action.EXTEND_DEADLINE,
        act.actor,
        act.now,
        note=extension.reason,
        kind=StepKind.EXTENDED,
    )
    deadline = _clock(case, extension.code, DeadlineState.RUNNING)
    rule = handbook.rule_of(deadline)
    if extension.days > rule.extension_days:
        raise LawRequires(
            "days",
            f"该期限最多延长{rule.extension_days}日",
            rule.extension_citation or rule.citation,
        )
    approver = extension.approved_by
    if approver is None or not approver.identity.strip():
        raise LawRequires("approved_by", "延期须经单位负责人批准", rule.extension_citation)
    if approver.identity == act.actor.identity:
        raise SecondPersonRequired(f"{case.name} {extension.code}")
    if deadline.extended_days:
        raise WrongState("EXTENDED", ["NOT_EXTENDED"], f"{case.name} {extension.code}")
    extended = replace(
        deadline,
        extended_days=extension.days,
        extension_reason=extension.reason,
        extension_approved_by=approver,
    )
    return moved.with_deadline(replace(extended, due=handbook.dates(extended)))


def pause(case: Case, code: str, cause: str, reason: str, act: Act, handbook: Handbook) -> Case:
    """Stop a running clock for a cause that its rule names.

    Raises:
        LawRequires: the rule does not name the cause.
        WrongState: the clock is not running.
    """
    moved = advance(case, Action.PAUSE_DEADLINE, act.actor, act.now, note=reason)
    deadline = _clock(case, code, DeadlineState.RUNNING)
    rule = handbook.rule_of(deadline)
    if cause not in rule.pause_causes:
        allowed = "、".join(rule.pause_causes)
        text = f"该期限只能因{allowed}中止" if allowed else "该期限不得中止"
        raise LawRequires("cause", text, rule.citation)
    pauses = (*deadline.pauses, Pause(act.now, None, cause, reason))
    paused = replace(deadline, pauses=pauses, state=DeadlineState.PAUSED, due=None)
    return moved.with_deadline(paused)


def resume(case: Case, code: str, reason: str, act: Act, handbook: Handbook) -> Case:
    """Let a paused clock go on; the days it stood still are not counted."""
    moved = advance(case, Action.RESUME_DEADLINE, act.actor, act.now, note=reason)
    deadline = _clock(case, code, DeadlineState.PAUSED)
    *earlier, last = deadline.pauses
    pauses = (*earlier, replace(last, resumed_at=act.now))
    running = replace(deadline, pauses=pauses, state=DeadlineState.RUNNING)
    return moved.with_deadline(replace(running, due=handbook.dates(running)))


def _clock(case: Case, code: str, wanted: DeadlineState) -> Deadline:
    """Return the open clock of a code, which has to be in a state.

    Raises:
        InvalidField: the case owes nothing under this code.
        WrongState: it is in another state.
    """
    open_clocks = [item for item in case.deadlines if item.code == code and item.open]
    if not open_clocks:
        raise InvalidField("code", "is no open clock of this case")
    deadline = open_clocks[-1]
    if deadline.state is not wanted:
        subject = f"{case.name} {code}"
        raise WrongState(f"STATE_{deadline.state.name}", [f"STATE_{wanted.name}"], subject)
    return deadline
