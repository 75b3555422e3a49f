"""Every verb over the wire in every state and on every track where it is not possible."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import grpc
import pytest
import pytest_asyncio
from heed.disposal.v1 import disposal_service_pb2 as pb
from heed.disposal.v1 import resources_pb2 as resources
from sqlalchemy import text

from heed_disposal.domain.terms import State, Track
from heed_disposal.domain.transitions import MOVES, Action
from heed_local.authority import Authority
from heed_shared.errors import info_of
from tests.database_templates import DatabaseTemplates
from tests.disposal.serving import Serving, new_id, serving
from tests.disposal.test_rpc_matrix import SAME_RPC, VERBS, VerbCase

pytestmark = pytest.mark.asyncio(loop_scope="module")
Case = resources.Case


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def disposal(
    database_templates: DatabaseTemplates, authority: Authority
) -> AsyncIterator[Serving]:
    """Disposal that serves, its clock standing at MONDAY."""
    made = database_templates.copy("disposal")
    async with serving(authority, made) as running:
        yield running
    database_templates.drop(made)


def noticed(kind: "resources.Notice.Kind.ValueType") -> Callable[[Any], None]:
    def change(request: pb.NotifyPetitionerRequest) -> None:
        request.notice.kind = kind

    return change


def refusing(request: pb.DecideObjectionRequest) -> None:
    request.agreed = False


def revoking(request: pb.IssueReviewRequest | pb.IssueRecheckRequest) -> None:
    request.result = resources.Review.RESULT_REVOKED


OTHERWISE: dict[Action, tuple[str, Callable[[Any], None]]] = {
    Action.REFUSE_OBJECTION: ("DecideObjection", refusing),
    Action.NOT_ACCEPT: ("NotifyPetitioner", noticed(resources.Notice.KIND_NOT_ACCEPTED)),
    Action.NO_LONGER_ACCEPT: (
        "NotifyPetitioner",
        noticed(resources.Notice.KIND_NO_LONGER_ACCEPTED),
    ),
    Action.REVOKE_BY_REVIEW: ("IssueReview", revoking),
    Action.REVOKE_BY_RECHECK: ("IssueRecheck", revoking),
}
"""Verbs that another one's RPC does too: the RPC, and what in its request makes it that verb."""


def otherwise(action: Action) -> VerbCase:
    rpc, change = OTHERWISE[action]
    verb = next(item for item in VERBS if item.rpc == rpc)

    def request(case: Case) -> Any:
        made = verb.request(case)
        change(made)
        return made

    return replace(verb, action=action, request=request)


ALL = [*VERBS, *(otherwise(action) for action in OTHERWISE)]


async def put(disposal: Serving, case: Case, track: Track, state: State) -> None:
    async with disposal.database.transaction() as tx:
        await tx.connection.execute(
            text("UPDATE cases SET track = :track, state = :state WHERE uid = :uid"),
            {"track": int(track), "state": int(state), "uid": case.name[-36:]},
        )
        await tx.commit()


@pytest.mark.parametrize("verb", ALL, ids=lambda verb: verb.action.value)
async def test_a_verb_in_a_wrong_state_is_refused_with_the_present_and_the_possible_states(
    disposal: Serving, verb: VerbCase
) -> None:
    case = await verb.prepared(disposal)
    method = getattr(disposal.stub(verb.person), verb.rpc)
    request = verb.request(case)
    appeals = MOVES[Track.APPEAL][verb.action]
    for track in Track:
        allowed = MOVES[track].get(verb.action, {})
        # What is refused alike on every track is tried on that of appeals.
        tried = set(State) if track is Track.APPEAL else set(appeals)
        for state in tried - set(allowed):
            await put(disposal, case, track, state)
            request.request_id = new_id()
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await method(request)
            info = info_of(caught.value)
            where = f"{track.name} {state.name}"
            assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION, where
            assert info.reason == "WRONG_STATE", where
            assert info.metadata["current_state"] == f"STATE_{state.name}", where
            named = set(info.metadata["allowed_states"].split(",")) - {""}
            assert named == {f"STATE_{item.name}" for item in allowed}, where
    stored = await disposal.stub().GetCase(pb.GetCaseRequest(name=case.name))
    assert stored.case.etag == case.etag


async def test_every_verb_of_a_caller_is_tried() -> None:
    assert set(OTHERWISE) == SAME_RPC
    assert {verb.action for verb in ALL} == set(Action) - {Action.WITHDRAW}
