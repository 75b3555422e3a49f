"""Every action in every state: what is possible, where it leads, and what is refused."""

from __future__ import annotations

from datetime import date
from typing import Any

import grpc
import pytest
from heed.warning.v1 import warning_service_pb2 as pb
from heed.warning.v1.resources_pb2 import Warning as WarningMessage

from heed_shared.errors import info_of, reason_of
from heed_warning.domain.transitions import TRANSITIONS, Action, State, states_allowing, target
from tests.warning.conftest import Post
from tests.warning.rpc_setup import firing, new_id

P, F, A, R, J = (
    State.PENDING, State.FIRING, State.ACKNOWLEDGED, State.RESOLVED, State.JUDGED
)  # fmt: skip
EXPECTED: dict[Action, dict[State, State]] = {
    Action.FIRE: {P: F},
    Action.CHANGE_LEVEL: {F: F, A: A, J: J},
    Action.CLEAR: {F: R, A: R, J: R},
    Action.GIVE_WAY: {J: R},
    Action.ESCALATE: {F: F},
    Action.ACKNOWLEDGE: {F: A},
    Action.CONFIRM_LEVEL: {F: F, A: A, J: J},
    Action.JUDGE: {F: J, A: J, J: J, R: R},
    Action.RESOLVE: {F: R, A: R, J: R},
}
"""Written by hand from the rule, beside the table that the service uses."""


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("state", list(State))
def test_every_action_in_every_state_leads_where_it_should(state: State, action: Action) -> None:
    assert target(state, action) == EXPECTED[action].get(state)


def test_what_is_allowed_is_read_from_the_same_table() -> None:
    assert len(TRANSITIONS) == sum(map(len, EXPECTED.values()))
    for action, moves in EXPECTED.items():
        assert set(states_allowing(action)) == set(moves)


def test_nothing_but_a_late_verdict_is_possible_after_the_end() -> None:
    assert {action for state, action in TRANSITIONS if state is State.RESOLVED} == {Action.JUDGE}


def test_states_have_the_numbers_and_names_of_the_contract() -> None:
    names = {f"STATE_{state.name}": int(state) for state in State}
    assert names == {
        name: number for name, number in WarningMessage.State.items() if number
    }  # fmt: skip


CALLS: dict[Action, tuple[str, dict[str, Any]]] = {
    Action.ACKNOWLEDGE: ("AcknowledgeWarning", {}),
    Action.CONFIRM_LEVEL: ("ConfirmWarningLevel", {}),
    Action.JUDGE: ("JudgeWarning", {"verdict": 1, "note": "属实"}),
    Action.RESOLVE: ("ResolveWarning", {"note": "已解决"}),
}


async def attempt(call: Any, state: State, action: Action) -> State | None:
    """The state after a call; None where it was refused, saying what is and what may be."""
    try:
        return State((await call).warning.state)
    except grpc.aio.AioRpcError as error:
        refused = error
    info = info_of(refused)
    assert info is not None
    assert reason_of(refused) == "WRONG_STATE"
    assert info.metadata["current_state"] == f"STATE_{state.name}"
    allowed = [f"STATE_{item.name}" for item in states_allowing(action)]
    assert info.metadata["allowed_states"] == ",".join(allowed)
    return None


async def test_people_meet_the_table_in_every_state_over_the_rpcs(post: Post) -> None:
    name = (await firing(post)).name
    leader = post.stub("leader")
    wrong = []
    for state in State:
        for action, (method, fields) in CALLS.items():
            await post.rows(
                "UPDATE warning SET state = $1, fired_on = $2, announced_level = effective_level,"
                " rest_level = 0, next_step_due_at = NULL, escalation_steps = '[]'",
                int(state), date(2025, 6, 2),
            )  # fmt: skip
            found = (await leader.GetWarning(pb.GetWarningRequest(name=name))).warning
            request = getattr(pb, f"{method}Request")(
                name=name, etag=found.etag, request_id=new_id(), **fields
            )
            outcome = await attempt(getattr(leader, method)(request), state, action)
            if outcome != EXPECTED[action].get(state):
                wrong.append((state, action, outcome))
    assert not wrong
