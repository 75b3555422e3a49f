"""States, moves and clocks of the sealed lane: every pair of state and action, every clock."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from heed.intake.v1 import sealed_service_pb2 as pb

from heed_intake.domain.sealed_case import (
    SealedAction,
    SealedCase,
    SealedState,
    next_state,
    require_second_person,
)
from heed_intake.domain.sealed_clocks import RULES, SealedClocks
from heed_shared.errors import SecondPersonRequired, WrongState
from heed_shared.identity import Caller
from heed_shared.reference.calendar import Calendar
from heed_shared.reference.deadline_rules import load_rules

# 2026-02-10; the Spring Festival leaves 15 to 23 February free, and the 14th and 28th are made up.
RECEIVED = datetime(2026, 2, 10, 2, tzinfo=UTC)
CLOCKS = SealedClocks(load_rules(required=RULES), Calendar.load())
S, A = SealedState, SealedAction
POSSIBLE = {
    A.ACCEPT: {S.SEALED: S.ACCEPTED, S.WITHDRAWN: S.ACCEPTED},
    A.FORWARD: {
        S.SEALED: S.FORWARDED,
        S.ACCEPTED: S.FORWARDED,
        S.FORWARDED: S.FORWARDED,
        S.WITHDRAWN: S.FORWARDED,
    },
    A.CLOSE: {S.ACCEPTED: S.CLOSED, S.FORWARDED: S.CLOSED},
    A.TELL: {S.CLOSED: S.TOLD},
    A.ADD_ACCUSED: {state: state for state in S},
    A.UNSEAL: {S.SEALED: S.SEALED},
}


def case_in(state: SealedState, sealed_by: str = "") -> SealedCase:
    """A case in a state."""
    withdrawn = state is S.WITHDRAWN
    return SealedCase(
        region_code="110105",
        uid=uuid4(),
        receipt_number="110105-2026-000001",
        handling_region_code="110105",
        received_at=RECEIVED,
        registered_at=RECEIVED,
        sealed_at=RECEIVED,
        sealed_because=("declared",),
        sealed_by=sealed_by,
        stage=S.SEALED if withdrawn else state,
        withdrawn_at=RECEIVED if withdrawn else None,
        named=True,
        destination_unit="",
        about_receipt="",
        closed_at=None,
        due=None,
        version=1,
    )


@pytest.mark.parametrize("action", A)
def test_an_action_is_possible_from_its_states_and_names_them_elsewhere(
    action: SealedAction,
) -> None:
    for state in S:
        case = case_in(state)
        if state in POSSIBLE[action]:
            assert next_state(case, action) is POSSIBLE[action][state]
            continue
        with pytest.raises(WrongState) as caught:
            next_state(case, action)
        assert caught.value.metadata["current_state"] == f"STATE_{state.name}"
        allowed = caught.value.metadata["allowed_states"].split(",")
        assert set(allowed) == {f"STATE_{one.name}" for one in POSSIBLE[action]}


def test_the_numbers_of_the_states_are_those_of_the_contract() -> None:
    told = {name: number for name, number in pb.SealedPetition.State.items() if number}
    assert told == {f"STATE_{state.name}": state.value for state in S}


def test_who_sealed_does_not_unseal() -> None:
    caller = Caller("staff/1", "", "", frozenset(), "")
    require_second_person(case_in(S.SEALED), caller)
    require_second_person(case_in(S.SEALED, "staff/2"), caller)
    with pytest.raises(SecondPersonRequired):
        require_second_person(case_in(S.SEALED, "staff/1"), caller)


def days(rule: str, day: str) -> tuple[str, str]:
    """A rule, and the last second in China of a day."""
    return rule, f"{day}T15:59:59+00:00"


@pytest.mark.parametrize(
    ("state", "named", "closed", "expected"),
    [
        # Five working days: 11, 12, 13, 14 (made up), 24 February.
        (S.SEALED, True, None, days("D15", "2026-02-24")),
        (S.SEALED, False, None, days("D15", "2026-02-24")),
        (S.WITHDRAWN, True, None, days("D15", "2026-02-24")),
        (S.ACCEPTED, True, None, None),
        (S.FORWARDED, True, None, None),
        # Fifteen: five as above, 25-28 February (the 28th made up), 2-6 and 9 March.
        (S.CLOSED, True, RECEIVED, days("D14R", "2026-03-09")),
        (S.CLOSED, False, RECEIVED, None),
        (S.TOLD, True, RECEIVED, None),
    ],
)
def test_what_is_due_follows_from_the_state(
    state: SealedState,
    named: bool,
    closed: datetime | None,
    expected: tuple[str, str] | None,
) -> None:
    due = CLOCKS.running(state, RECEIVED, closed, named=named)
    assert (due and (due.rule, due.due_at.isoformat())) == expected
