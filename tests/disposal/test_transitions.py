"""Every (track, state, action) pair: what is allowed leads where it should, the rest is refused."""

from dataclasses import replace

import pytest

from heed_disposal.domain.approval import Act
from heed_disposal.domain.procedure import reopen
from heed_disposal.domain.procedure_terms import ReopenGround
from heed_disposal.domain.terms import Role, State, Track
from heed_disposal.domain.transitions import MOVES, ROLES, Action, advance, next_state, require_role
from heed_shared.errors import RoleRequired, WrongState
from tests.disposal.builders import MONDAY, OFFICER, handbook, opened

S, A = State, Action
BEFORE = {S.OPENED, S.ROUTED, S.OBJECTED, S.ACCEPTED, S.IN_PROGRESS}
AFTER = {
    S.OPINION_ISSUED,
    S.SERVED,
    S.REVIEW_REQUESTED,
    S.REVIEW_ISSUED,
    S.RECHECK_REQUESTED,
    S.RECHECK_ISSUED,
}
OTHERWISE = {S.NOT_ACCEPTED, S.NO_LONGER_ACCEPTED, S.DIVERTED}
PETITIONS = {Track.APPEAL, Track.SUGGESTION, Track.ENQUIRY}


def allowed_states(track: Track, action: Action) -> set[State]:
    """The guide's answer, written again by hand (DOMAIN 1.12), to hold the table against."""
    warning = track is Track.WARNING
    at_once = track in (Track.SUGGESTION, Track.ENQUIRY)
    appeal = track is Track.APPEAL
    met = BEFORE | AFTER
    by_action: dict[Action, set[State]] = {
        A.ROUTE: {S.OPENED},
        A.OBJECT: {S.ROUTED},
        A.AGREE_TO_OBJECTION: {S.OBJECTED},
        A.REFUSE_OBJECTION: {S.OBJECTED},
        A.NOT_ACCEPT: set() if warning else {S.OPENED, S.ROUTED},
        A.NO_LONGER_ACCEPT: set() if warning else {S.OPENED, S.ROUTED},
        A.DIVERT: set() if warning else {S.OPENED, S.ROUTED, S.ACCEPTED, S.IN_PROGRESS},
        A.STOP_MEASURE: met | {S.CONCLUDED},
        A.REVISE_MEASURE: met,
        A.SERVE: {S.OPINION_ISSUED} if appeal else set(),
        A.EXTEND_DEADLINE: met,
        A.PAUSE_DEADLINE: met,
        A.RESUME_DEADLINE: met,
        A.REQUEST_REVIEW: {S.SERVED, S.CONCLUDED} if appeal else set(),
        A.ISSUE_REVIEW: {S.REVIEW_REQUESTED} if appeal else set(),
        A.REVOKE_BY_REVIEW: {S.REVIEW_REQUESTED} if appeal else set(),
        A.REQUEST_RECHECK: {S.REVIEW_ISSUED, S.CONCLUDED} if appeal else set(),
        A.ISSUE_RECHECK: {S.RECHECK_REQUESTED} if appeal else set(),
        A.REVOKE_BY_RECHECK: {S.RECHECK_REQUESTED} if appeal else set(),
        A.RATE: set() if warning else AFTER | OTHERWISE | {S.CONCLUDED},
        A.REOPEN: set() if warning else {S.CONCLUDED, S.ARCHIVED},
        A.SUPERVISE: set(State) - {S.ARCHIVED},
        A.ANSWER_SUPERVISION: set(State) - {S.ARCHIVED},
        A.FILE_CLOSING_REPORT: met,
        A.REPORT_MAJOR_MATTER: set(State) - {S.ARCHIVED},
        A.LINK: set(State) - {S.ARCHIVED},
        A.ARCHIVE: {S.CONCLUDED},
        A.RECORD_LESSON: set(State),
        A.ACCEPT: {S.OPENED, S.ROUTED},
        A.ASSESS: BEFORE,
        A.PLAN_MEASURE: BEFORE | AFTER,
        A.APPROVE_MEASURE: BEFORE | AFTER,
        A.START_MEASURE: BEFORE | AFTER,
        A.COMPLETE_MEASURE: BEFORE | AFTER,
        A.ISSUE_OPINION: (set() if warning else BEFORE if at_once else {S.ACCEPTED, S.IN_PROGRESS}),
        A.SCHEDULE_FOLLOW_UP: BEFORE | AFTER | {S.CONCLUDED},
        A.RECORD_FOLLOW_UP: (BEFORE if warning else AFTER | {S.IN_PROGRESS}) | {S.CONCLUDED},
        A.CLOSE: (
            BEFORE
            if warning
            else {S.SERVED, S.REVIEW_ISSUED, S.RECHECK_ISSUED}
            | OTHERWISE
            | (set() if appeal else {S.OPINION_ISSUED})
        ),
        A.WITHDRAW: set() if warning else BEFORE | AFTER | OTHERWISE,
    }
    return by_action[action]


PAIRS = [(track, state, action) for track in Track for state in State for action in Action]


@pytest.mark.parametrize(("track", "state", "action"), PAIRS)
def test_every_pair_of_state_and_action_is_decided(
    track: Track, state: State, action: Action
) -> None:
    case = replace(opened(), track=track, state=state)
    if state in allowed_states(track, action):
        assert next_state(case, action) in State
    else:
        with pytest.raises(WrongState) as refused:
            next_state(case, action)
        named = set(refused.value.metadata["allowed_states"].split(",")) - {""}
        assert named == {f"STATE_{s.name}" for s in allowed_states(track, action)}
        assert refused.value.metadata["current_state"] == f"STATE_{state.name}"


@pytest.mark.parametrize(
    ("state", "action", "target"),
    [
        (S.OPENED, A.ROUTE, S.ROUTED),
        (S.ROUTED, A.OBJECT, S.OBJECTED),
        (S.OBJECTED, A.AGREE_TO_OBJECTION, S.OPENED),
        (S.OBJECTED, A.REFUSE_OBJECTION, S.ROUTED),
        (S.ROUTED, A.NOT_ACCEPT, S.NOT_ACCEPTED),
        (S.OPENED, A.NO_LONGER_ACCEPT, S.NO_LONGER_ACCEPTED),
        (S.IN_PROGRESS, A.DIVERT, S.DIVERTED),
        (S.OPINION_ISSUED, A.SERVE, S.SERVED),
        (S.SERVED, A.REQUEST_REVIEW, S.REVIEW_REQUESTED),
        (S.CONCLUDED, A.REQUEST_REVIEW, S.REVIEW_REQUESTED),
        (S.REVIEW_REQUESTED, A.ISSUE_REVIEW, S.REVIEW_ISSUED),
        (S.REVIEW_REQUESTED, A.REVOKE_BY_REVIEW, S.IN_PROGRESS),
        (S.REVIEW_ISSUED, A.REQUEST_RECHECK, S.RECHECK_REQUESTED),
        (S.RECHECK_REQUESTED, A.ISSUE_RECHECK, S.RECHECK_ISSUED),
        (S.RECHECK_REQUESTED, A.REVOKE_BY_RECHECK, S.IN_PROGRESS),
        (S.CONCLUDED, A.REOPEN, S.IN_PROGRESS),
        (S.ARCHIVED, A.REOPEN, S.IN_PROGRESS),
        (S.CONCLUDED, A.ARCHIVE, S.ARCHIVED),
        (S.SERVED, A.SUPERVISE, S.SERVED),
        (S.ROUTED, A.ACCEPT, S.ACCEPTED),
        (S.OPENED, A.ACCEPT, S.ACCEPTED),
        (S.ACCEPTED, A.START_MEASURE, S.IN_PROGRESS),
        (S.OPENED, A.START_MEASURE, S.OPENED),
        (S.IN_PROGRESS, A.ISSUE_OPINION, S.OPINION_ISSUED),
        (S.SERVED, A.CLOSE, S.CONCLUDED),
        (S.DIVERTED, A.CLOSE, S.CONCLUDED),
        (S.ROUTED, A.WITHDRAW, S.CONCLUDED),
        (S.CONCLUDED, A.RECORD_FOLLOW_UP, S.CONCLUDED),
    ],
)
def test_an_action_leads_to_its_state(state: State, action: Action, target: State) -> None:
    moved = advance(replace(opened(), state=state), action, OFFICER, MONDAY)
    assert moved.state is target
    assert (moved.steps[-1].from_state, moved.steps[-1].to_state) == (state, target)


def test_closing_leaves_solved_alone_on_every_track() -> None:
    for track in Track:
        for state in MOVES[track][A.CLOSE]:
            case = replace(opened(), track=track, state=state, solved=False)
            assert not advance(case, A.CLOSE, OFFICER, MONDAY).solved


@pytest.mark.parametrize("action", list(Action))
def test_only_the_roles_of_an_action_may_act(action: Action) -> None:
    for role in Role:
        if role in ROLES[action]:
            require_role(action, [role])
        else:
            with pytest.raises(RoleRequired):
                require_role(action, [role])


@pytest.mark.parametrize("ground", ReopenGround)
def test_an_archived_case_is_opened_again_on_new_facts_alone(ground: ReopenGround) -> None:
    archived = replace(opened(), state=S.ARCHIVED)
    roles = frozenset({int(Role.CASE_OFFICER), int(Role.SUPERVISOR)})
    act = Act(OFFICER, MONDAY)
    if ground is ReopenGround.NEW_FACTS:
        again = reopen(archived, ground, "补充了新的证据", act, handbook(), roles)
        assert (again.state, again.reopened) == (S.IN_PROGRESS, True)
        return
    with pytest.raises(WrongState):
        reopen(archived, ground, "没有新的事实", act, handbook(), roles)
