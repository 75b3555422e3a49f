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

_ANY_TRACK: dict[Action, Moves] = {
    Action.ROUTE: _go(State.ROUTED, State.OPENED, State.OBJECTED),
    Action.ACCEPT: _go(State.ACCEPTED, State.OPENED, State.ROUTED),
    Action.ASSESS: _stay(*BEFORE_ANSWER),
    Action.PLAN_MEASURE: _stay(*BEFORE_ANSWER, *ANSWERED),
    Action.APPROVE_MEASURE: _stay(*BEFORE_ANSWER, *ANSWERED),
    Action.START_MEASURE: _WORK_BEGINS,
    Action.COMPLETE_MEASURE: _stay(*BEFORE_ANSWER, *ANSWERED),
    Action.SCHEDULE_FOLLOW_UP: _stay(*BEFORE_ANSWER, *ANSWERED, State.CONCLUDED),
    Action.RECORD_FOLLOW_UP: _stay(State.IN_PROGRESS, *ANSWERED, State.CONCLUDED),
}

_PETITION: dict[Action, Moves] = {
    **_ANY_TRACK,
    Action.CLOSE: _go(
        State.CONCLUDED,
        State.OPINION_ISSUED,
        State.SERVED,
        State.REVIEW_ISSUED,
        State.RECHECK_ISSUED,
        *ENDED_OTHERWISE,
    ),
    Action.WITHDRAW: _go(State.CONCLUDED, *BEFORE_ANSWER, *ANSWERED, *ENDED_OTHERWISE),
}

MOVES: Mapping[Track, Mapping[Action, Moves]] = {
    # Only what a unit has accepted gets an opinion of the petition procedure (art. 32, 34).
    Track.APPEAL: {
        **_PETITION,
        Action.ISSUE_OPINION: _go(State.OPINION_ISSUED, State.ACCEPTED, State.IN_PROGRESS),
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
    return replace(case, state=target, updated_at=now, steps=(*case.steps, step))
