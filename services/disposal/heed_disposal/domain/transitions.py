"""Which action is possible in which state, on which track, for whom: data, and one rule on it.

A case that is concluded is not thereby solved: only a follow-up says that.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from heed_disposal.domain.case import Case, Step
from heed_disposal.domain.terms import Actor, Role, State, StepKind, Track
from heed_shared.errors import RoleRequired, WrongState


class Action(StrEnum):
    """What can be done to a case."""

    ROUTE = "route"
    ACCEPT = "accept"
    ASSESS = "assess"
    PLAN_MEASURE = "plan_measure"
    APPROVE_MEASURE = "approve_measure"
    START_MEASURE = "start_measure"
    COMPLETE_MEASURE = "complete_measure"
    ISSUE_OPINION = "issue_opinion"
    SCHEDULE_FOLLOW_UP = "schedule_follow_up"
    RECORD_FOLLOW_UP = "record_follow_up"
    CLOSE = "close"
    WITHDRAW = "withdraw"
    OBJECT = "object"
    AGREE_TO_OBJECTION = "agree_to_objection"
    REFUSE_OBJECTION = "refuse_objection"
    NOT_ACCEPT = "not_accept"
    NO_LONGER_ACCEPT = "no_longer_accept"
    DIVERT = "divert"
    STOP_MEASURE = "stop_measure"
    REVISE_MEASURE = "revise_measure"
    SERVE = "serve"
    EXTEND_DEADLINE = "extend_deadline"
    PAUSE_DEADLINE = "pause_deadline"
    RESUME_DEADLINE = "resume_deadline"
    REQUEST_REVIEW = "request_review"
    ISSUE_REVIEW = "issue_review"
    REVOKE_BY_REVIEW = "revoke_by_review"
    REQUEST_RECHECK = "request_recheck"
    ISSUE_RECHECK = "issue_recheck"
    REVOKE_BY_RECHECK = "revoke_by_recheck"
    RATE = "rate"
    REOPEN = "reopen"
    SUPERVISE = "supervise"
    ANSWER_SUPERVISION = "answer_supervision"
    FILE_CLOSING_REPORT = "file_closing_report"
    REPORT_MAJOR_MATTER = "report_major_matter"
    LINK = "link"
    ARCHIVE = "archive"
    RECORD_LESSON = "record_lesson"


_HANDLERS = frozenset({Role.CASE_OFFICER, Role.UNIT_HANDLER})

ROLES: Mapping[Action, frozenset[Role]] = {
    Action.ROUTE: frozenset({Role.CASE_OFFICER}),
    Action.ACCEPT: frozenset({Role.CASE_OFFICER, Role.UNIT_HANDLER}),
    Action.ASSESS: frozenset({Role.CASE_OFFICER, Role.LEADER}),
    Action.PLAN_MEASURE: frozenset({Role.CASE_OFFICER, Role.UNIT_HANDLER}),
    Action.APPROVE_MEASURE: frozenset({Role.LEADER}),
    Action.START_MEASURE: frozenset({Role.CASE_OFFICER, Role.UNIT_HANDLER}),
    Action.COMPLETE_MEASURE: frozenset({Role.CASE_OFFICER, Role.UNIT_HANDLER}),
    Action.ISSUE_OPINION: frozenset({Role.CASE_OFFICER, Role.UNIT_HANDLER}),
    Action.SCHEDULE_FOLLOW_UP: frozenset({Role.CASE_OFFICER, Role.SUPERVISOR}),
    Action.RECORD_FOLLOW_UP: frozenset({Role.CASE_OFFICER, Role.SUPERVISOR}),
    Action.CLOSE: frozenset({Role.CASE_OFFICER, Role.SUPERVISOR}),
    Action.WITHDRAW: frozenset({Role.SERVICE_DISPOSAL}),
    Action.OBJECT: frozenset({Role.UNIT_HANDLER}),
    Action.AGREE_TO_OBJECTION: frozenset({Role.CASE_OFFICER}),
    Action.REFUSE_OBJECTION: frozenset({Role.CASE_OFFICER}),
    Action.NOT_ACCEPT: _HANDLERS,
    Action.NO_LONGER_ACCEPT: _HANDLERS,
    Action.DIVERT: _HANDLERS,
    Action.STOP_MEASURE: frozenset({*_HANDLERS, Role.LEADER}),
    Action.REVISE_MEASURE: _HANDLERS,
    Action.SERVE: _HANDLERS,
    Action.EXTEND_DEADLINE: _HANDLERS,
    Action.PAUSE_DEADLINE: _HANDLERS,
    Action.RESUME_DEADLINE: _HANDLERS,
    Action.REQUEST_REVIEW: frozenset({Role.INTAKE_CLERK, Role.CASE_OFFICER}),
    Action.ISSUE_REVIEW: _HANDLERS,
    Action.REVOKE_BY_REVIEW: _HANDLERS,
    Action.REQUEST_RECHECK: frozenset({Role.INTAKE_CLERK, Role.CASE_OFFICER}),
    Action.ISSUE_RECHECK: _HANDLERS,
    Action.REVOKE_BY_RECHECK: _HANDLERS,
    Action.RATE: frozenset({Role.PORTAL, Role.INTAKE_CLERK}),
    Action.REOPEN: frozenset({Role.CASE_OFFICER, Role.SUPERVISOR}),
    Action.SUPERVISE: frozenset({Role.SUPERVISOR}),
    Action.ANSWER_SUPERVISION: _HANDLERS,
    Action.FILE_CLOSING_REPORT: _HANDLERS,
    Action.REPORT_MAJOR_MATTER: frozenset({Role.CASE_OFFICER, Role.LEADER}),
    Action.LINK: frozenset({Role.CASE_OFFICER}),
    Action.ARCHIVE: frozenset({Role.CASE_OFFICER}),
    Action.RECORD_LESSON: frozenset({Role.CASE_OFFICER, Role.SUPERVISOR, Role.LEADER}),
}
"""Who may act; the same as the access rules of the contract, which a test compares."""

BEFORE_ANSWER = (State.OPENED, State.ROUTED, State.OBJECTED, State.ACCEPTED, State.IN_PROGRESS)
ANSWERED = (
    State.OPINION_ISSUED,
    State.SERVED,
    State.REVIEW_REQUESTED,
    State.REVIEW_ISSUED,
    State.RECHECK_REQUESTED,
    State.RECHECK_ISSUED,
)
ENDED_OTHERWISE = (State.NOT_ACCEPTED, State.NO_LONGER_ACCEPTED, State.DIVERTED)
TOLD = frozenset(
    {
        StepKind.ROUTED,
        StepKind.ACCEPTED,
        StepKind.IN_PROGRESS,
        StepKind.EXTENDED,
        StepKind.OPINION_ISSUED,
        StepKind.ANSWERED,
        StepKind.NOTIFIED,
        StepKind.SERVED,
        StepKind.REVIEW_ISSUED,
        StepKind.REOPENED,
    }
)
"""Steps that tell the petitioner how the handling goes; to be asked or supervised is none."""
PETITION_TRACKS = (Track.APPEAL, Track.SUGGESTION, Track.ENQUIRY)

Moves = dict[State, State]


def _stay(*states: State) -> Moves:
    return {state: state for state in states}


def _go(target: State, *states: State) -> Moves:
    return dict.fromkeys(states, target)


_WORK_BEGINS = {
    **_stay(*BEFORE_ANSWER, *ANSWERED),
    State.ACCEPTED: State.IN_PROGRESS,
}

_EVERY_STATE = tuple(State)
_NOT_ARCHIVED = tuple(state for state in State if state is not State.ARCHIVED)
_MET = (*BEFORE_ANSWER, *ANSWERED)

_ANY_TRACK: dict[Action, Moves] = {
    Action.ROUTE: _go(State.ROUTED, State.OPENED),
    Action.OBJECT: _go(State.OBJECTED, State.ROUTED),
    # Only the sender's agreement lets a matter go back (art. 23).
    Action.AGREE_TO_OBJECTION: _go(State.OPENED, State.OBJECTED),
    Action.REFUSE_OBJECTION: _go(State.ROUTED, State.OBJECTED),
    Action.ACCEPT: _go(State.ACCEPTED, State.OPENED, State.ROUTED),
    Action.ASSESS: _stay(*BEFORE_ANSWER),
    Action.PLAN_MEASURE: _stay(*_MET),
    Action.APPROVE_MEASURE: _stay(*_MET),
    Action.START_MEASURE: _WORK_BEGINS,
    Action.COMPLETE_MEASURE: _stay(*_MET),
    Action.STOP_MEASURE: _stay(*_MET, State.CONCLUDED),
    Action.REVISE_MEASURE: _stay(*_MET),
    Action.EXTEND_DEADLINE: _stay(*_MET),
    Action.PAUSE_DEADLINE: _stay(*_MET),
    Action.RESUME_DEADLINE: _stay(*_MET),
    Action.SUPERVISE: _stay(*_NOT_ARCHIVED),
    Action.ANSWER_SUPERVISION: _stay(*_NOT_ARCHIVED),
    Action.FILE_CLOSING_REPORT: _stay(*_MET),
    Action.REPORT_MAJOR_MATTER: _stay(*_NOT_ARCHIVED),
    Action.SCHEDULE_FOLLOW_UP: _stay(*_MET, State.CONCLUDED),
    Action.RECORD_FOLLOW_UP: _stay(State.IN_PROGRESS, *ANSWERED, State.CONCLUDED),
    Action.LINK: _stay(*_NOT_ARCHIVED),
    Action.RECORD_LESSON: _stay(*_EVERY_STATE),
    Action.ARCHIVE: _go(State.ARCHIVED, State.CONCLUDED),
}

_PETITION: dict[Action, Moves] = {
    **_ANY_TRACK,
    Action.NOT_ACCEPT: _go(State.NOT_ACCEPTED, State.OPENED, State.ROUTED),
    Action.NO_LONGER_ACCEPT: _go(State.NO_LONGER_ACCEPTED, State.OPENED, State.ROUTED),
    # That another route is the right one may come out while the matter is being handled.
    Action.DIVERT: _go(
        State.DIVERTED, State.OPENED, State.ROUTED, State.ACCEPTED, State.IN_PROGRESS
    ),
    Action.RATE: _stay(*ANSWERED, *ENDED_OTHERWISE, State.CONCLUDED),
    # New facts make it another matter (art. 36), also after the file was archived.
    Action.REOPEN: _go(State.IN_PROGRESS, State.CONCLUDED, State.ARCHIVED),
    Action.CLOSE: _go(
        State.CONCLUDED,
        State.OPINION_ISSUED,
        State.SERVED,
        State.REVIEW_ISSUED,
        State.RECHECK_ISSUED,
        *ENDED_OTHERWISE,
    ),
    Action.WITHDRAW: _go(State.CONCLUDED, *_MET, *ENDED_OTHERWISE),
}

MOVES: Mapping[Track, Mapping[Action, Moves]] = {
    Track.APPEAL: {
        **_PETITION,
        # Only what a unit has accepted gets an opinion of the petition procedure (art. 32, 34).
        Action.ISSUE_OPINION: _go(State.OPINION_ISSUED, State.ACCEPTED, State.IN_PROGRESS),
        Action.SERVE: _go(State.SERVED, State.OPINION_ISSUED),
        # The right of review outlives the closing of the case; its window is checked apart.
        Action.REQUEST_REVIEW: _go(State.REVIEW_REQUESTED, State.SERVED, State.CONCLUDED),
        Action.ISSUE_REVIEW: _go(State.REVIEW_ISSUED, State.REVIEW_REQUESTED),
        Action.REVOKE_BY_REVIEW: _go(State.IN_PROGRESS, State.REVIEW_REQUESTED),
        Action.REQUEST_RECHECK: _go(State.RECHECK_REQUESTED, State.REVIEW_ISSUED, State.CONCLUDED),
        Action.ISSUE_RECHECK: _go(State.RECHECK_ISSUED, State.RECHECK_REQUESTED),
        Action.REVOKE_BY_RECHECK: _go(State.IN_PROGRESS, State.RECHECK_REQUESTED),
        # What was never served was never answered.
        Action.CLOSE: _go(
            State.CONCLUDED,
            State.SERVED,
            State.REVIEW_ISSUED,
            State.RECHECK_ISSUED,
            *ENDED_OTHERWISE,
        ),
    },
    # A suggestion is replied to (art. 29) and an enquiry is answered, by whoever can, at once.
    Track.SUGGESTION: {
        **_PETITION,
        Action.ISSUE_OPINION: _go(State.OPINION_ISSUED, *BEFORE_ANSWER),
    },
    Track.ENQUIRY: {
        **_PETITION,
        Action.ISSUE_OPINION: _go(State.OPINION_ISSUED, *BEFORE_ANSWER),
    },
    # A warning has no petitioner: no opinion, no withdrawal; it closes with a finding.
    Track.WARNING: {
        **_ANY_TRACK,
        Action.RECORD_FOLLOW_UP: _stay(*BEFORE_ANSWER, State.CONCLUDED),
        Action.CLOSE: _go(State.CONCLUDED, *BEFORE_ANSWER),
    },
}


def next_state(case: Case, action: Action) -> State:
    """Return the state after ``action``.

    Raises:
        WrongState: the action is not possible now; it names the states from which it is.
    """
    moves = MOVES[case.track].get(action, {})
    if case.state not in moves:
        allowed = [f"STATE_{state.name}" for state in moves]
        raise WrongState(f"STATE_{case.state.name}", allowed, case.name)
    return moves[case.state]


def require_role(action: Action, roles: Collection[int]) -> None:
    """Check that one of the caller's roles may act; the contract's rule is the first wall.

    Raises:
        RoleRequired: none may.
    """
    wanted = ROLES[action]
    if not wanted & set(roles):
        raise RoleRequired([f"ROLE_{role.name}" for role in sorted(wanted)], action.value)


def advance(
    case: Case,
    action: Action,
    actor: Actor,
    now: datetime,
    *,
    note: str = "",
    kind: StepKind = StepKind.NONE,
) -> Case:
    """Return the case moved by ``action``, with the step in its history."""
    target = next_state(case, action)
    step = Step(
        action=action.value,
        from_state=case.state,
        to_state=target,
        at=now,
        actor=actor,
        note=note,
        kind=kind,
        unit=case.unit,
    )
    told_at = now if kind in TOLD else case.told_at
    return replace(case, state=target, updated_at=now, told_at=told_at, steps=(*case.steps, step))
