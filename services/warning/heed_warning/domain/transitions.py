"""Which action is possible in which state of a warning, and where it leads: data, and one look-up.

People and evaluations move a warning by this table alone; what is not in it is refused. There is
one state and no flags beside it, so that no combination of two of them can contradict itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, StrEnum


class State(IntEnum):
    """State of a warning; the numbers are the contract's."""

    PENDING = 1
    FIRING = 2
    ACKNOWLEDGED = 3
    RESOLVED = 4
    JUDGED = 5


class Action(StrEnum):
    """What can be done to a warning: the first five by an evaluation or a clock, then by people."""

    FIRE = "fire"
    CHANGE_LEVEL = "change_level"
    CLEAR = "clear"
    GIVE_WAY = "give_way"
    """What was judged harmless ends because its cell got worse; a new warning takes its place."""
    ESCALATE = "escalate"
    ACKNOWLEDGE = "acknowledge"
    CONFIRM_LEVEL = "confirm_level"
    JUDGE = "judge"
    RESOLVE = "resolve"


TRANSITIONS: Mapping[tuple[State, Action], State] = {
    (State.PENDING, Action.FIRE): State.FIRING,
    (State.FIRING, Action.CHANGE_LEVEL): State.FIRING,
    (State.FIRING, Action.CLEAR): State.RESOLVED,
    (State.FIRING, Action.ESCALATE): State.FIRING,
    (State.FIRING, Action.ACKNOWLEDGE): State.ACKNOWLEDGED,
    (State.FIRING, Action.CONFIRM_LEVEL): State.FIRING,
    (State.FIRING, Action.JUDGE): State.JUDGED,
    (State.FIRING, Action.RESOLVE): State.RESOLVED,
    (State.ACKNOWLEDGED, Action.CHANGE_LEVEL): State.ACKNOWLEDGED,
    (State.ACKNOWLEDGED, Action.CLEAR): State.RESOLVED,
    (State.ACKNOWLEDGED, Action.CONFIRM_LEVEL): State.ACKNOWLEDGED,
    (State.ACKNOWLEDGED, Action.JUDGE): State.JUDGED,
    (State.ACKNOWLEDGED, Action.RESOLVE): State.RESOLVED,
    (State.JUDGED, Action.CHANGE_LEVEL): State.JUDGED,
    (State.JUDGED, Action.CLEAR): State.RESOLVED,
    (State.JUDGED, Action.GIVE_WAY): State.RESOLVED,
    (State.JUDGED, Action.CONFIRM_LEVEL): State.JUDGED,
    (State.JUDGED, Action.JUDGE): State.JUDGED,
    (State.JUDGED, Action.RESOLVE): State.RESOLVED,
    # A verdict may come after the end: figures of precision learn from it all the same.
    (State.RESOLVED, Action.JUDGE): State.RESOLVED,
}
"""Where each possible action leads. A pending warning that lapses leaves nothing behind."""


def target(state: State, action: Action) -> State | None:
    """Return the state after an action; None where the state does not allow it."""
    return TRANSITIONS.get((state, action))


def states_allowing(action: Action) -> tuple[State, ...]:
    """Return the states in which an action is possible, in order of their numbers."""
    return tuple(state for state in State if (state, action) in TRANSITIONS)
