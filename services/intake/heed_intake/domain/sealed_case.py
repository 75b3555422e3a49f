"""A petition in the sealed lane (检举控告件): its states, what may be done in which, and who may.

States and moves are data: an action that the table does not have from a state is refused, and the
refusal names the states from which it is possible.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from uuid import UUID

from heed_shared.errors import NotFound, SecondPersonRequired, WrongState
from heed_shared.identity import Caller
from heed_shared.ids import petition_name, require_etag

BY_PERSON = "person"
"""Why a petition is sealed that a person sealed."""
RETALIATION = "retaliation"
"""Why a report of retaliation (打击报复) is sealed."""


class SealedState(IntEnum):
    """State (状态) in the sealed lane; the numbers are those of the contract."""

    SEALED = 1
    ACCEPTED = 2
    FORWARDED = 3
    CLOSED = 4
    TOLD = 5
    WITHDRAWN = 6


class SealedAction(StrEnum):
    """What a person does with it."""

    ACCEPT = "accept"
    FORWARD = "forward"
    CLOSE = "close"
    TELL = "tell"
    ADD_ACCUSED = "add_accused"
    UNSEAL = "unseal"


_STAY = {state: state for state in SealedState}


def _go(target: SealedState, *states: SealedState) -> Mapping[SealedState, SealedState]:
    return dict.fromkeys(states, target)


# Taken back, it is examined all the same: a withdrawal stands in the way of nothing but unsealing.
MOVES: Mapping[SealedAction, Mapping[SealedState, SealedState]] = {
    SealedAction.ACCEPT: _go(SealedState.ACCEPTED, SealedState.SEALED, SealedState.WITHDRAWN),
    # The competent unit may turn out to be another one, so it can be sent on.
    SealedAction.FORWARD: _go(
        SealedState.FORWARDED,
        SealedState.SEALED,
        SealedState.ACCEPTED,
        SealedState.FORWARDED,
        SealedState.WITHDRAWN,
    ),
    SealedAction.CLOSE: _go(SealedState.CLOSED, SealedState.ACCEPTED, SealedState.FORWARDED),
    SealedAction.TELL: _go(SealedState.TOLD, SealedState.CLOSED),
    SealedAction.ADD_ACCUSED: _STAY,
    # What was accepted or sent on as an accusation no longer leaves as something else.
    SealedAction.UNSEAL: _go(SealedState.SEALED, SealedState.SEALED),
}


@dataclass(frozen=True)
class SealedDue:
    """What is due now: the rule, its title in Chinese, and the last moment that is in time."""

    rule: str
    what: str
    due_at: datetime


@dataclass(frozen=True)
class Accused:
    """Whom a petition accuses, as far as somebody named them: units and persons."""

    units: tuple[str, ...] = ()
    persons: tuple[str, ...] = ()


@dataclass(frozen=True)
class SealedCase:
    """A petition of the sealed lane without its content."""

    region_code: str
    uid: UUID
    receipt_number: str
    handling_region_code: str
    received_at: datetime
    registered_at: datetime
    sealed_at: datetime
    sealed_because: tuple[str, ...]
    sealed_by: str
    """Identity of the person who sealed it; empty when no person did."""
    stage: SealedState
    """How far it is handled; never WITHDRAWN, which is the petitioner's word and not a stage."""
    withdrawn_at: datetime | None
    named: bool
    destination_unit: str
    about_receipt: str
    closed_at: datetime | None
    due: SealedDue | None
    version: int

    @property
    def name(self) -> str:
        """Resource name."""
        return petition_name(self.region_code, self.uid)

    @property
    def state(self) -> SealedState:
        """The state as it is told: a withdrawal shows until somebody takes the petition up."""
        if self.withdrawn_at is not None and self.stage is SealedState.SEALED:
            return SealedState.WITHDRAWN
        return self.stage

    @property
    def reached_lane_at(self) -> datetime:
        """When the clocks of the lane begin: receipt, or the sealing of what came in as other."""
        return self.sealed_at if self.sealed_at > self.registered_at else self.received_at


def require_covered(case: SealedCase | None, name: str, caller: Caller) -> SealedCase:
    """Return the case if the caller may know that it exists.

    Raises:
        NotFound: there is none, or it lies outside the caller's region.
    """
    if case is None or case.name != name or not caller.covers(case.handling_region_code):
        raise NotFound(name)
    return case


def require_seen(case: SealedCase, etag: str) -> None:
    """Check that the caller saw the present version; an empty etag skips the check.

    Raises:
        StaleEtag: it changed since.
    """
    if etag:
        require_etag(etag, case.version, case.name)


def next_state(case: SealedCase, action: SealedAction) -> SealedState:
    """Return the state that an action leads to.

    Raises:
        WrongState: it is not possible now; the error names the states from which it is.
    """
    moves = MOVES[action]
    if case.state not in moves:
        allowed = [f"STATE_{state.name}" for state in moves]
        raise WrongState(f"STATE_{case.state.name}", allowed, case.name)
    return moves[case.state]


def require_second_person(case: SealedCase, caller: Caller) -> None:
    """Check that who unseals is not who sealed.

    Raises:
        SecondPersonRequired: it is the same person.
    """
    if case.sealed_by == caller.identity:
        raise SecondPersonRequired(case.name)
