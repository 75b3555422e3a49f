"""The life of a warning: every step it can take, and those it cannot."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from heed_warning.application.judging import Decision, confirm_level, judge, resolve
from heed_warning.domain.evaluator import Outcome
from heed_warning.domain.life import (
    CellWarning,
    Change,
    Evaluation,
    Staff,
    Step,
    Verdict,
    advance,
)
from heed_warning.domain.panel import Cell
from heed_warning.domain.policy import DEFAULT_POLICY, Level
from heed_warning.domain.transitions import State, target

CELL = Cell("320102", "01")
DAY = date(2025, 6, 1)
POLICY = replace(DEFAULT_POLICY, pending_evaluations=2, clear_evaluations=3)
LEADER = Staff("staff/1004", "孟华", "市信访局")
NOON = datetime(2025, 6, 1, 4, tzinfo=UTC)
NONE, BLUE, YELLOW, ORANGE, RED = Level


def evaluation(level: Level, number: int = 0, *, explained: bool = False) -> Evaluation:
    return Evaluation(
        cell=CELL,
        as_of=DAY + timedelta(days=number),
        outcome=Outcome.EXCEEDED if level else Outcome.NORMAL,
        observed_count=int(level) * 10,
        expected_count=3.0,
        threshold_count=9.0,
        tail_probability=0.5,
        level=level,
        window_days=7,
        reason="",
        policy=POLICY.name,
        explained=explained,
    )


def live(levels: list[Level], start: CellWarning | None = None) -> list[Step]:
    """Evaluate day after day; an ended warning makes room for the next."""
    steps, standing = [], start
    for number, level in enumerate(levels):
        step = advance(standing, evaluation(level, number), POLICY, UUID(int=number + 1))
        standing = step.warning
        if standing and standing.state is State.RESOLVED and not standing.rest_level:
            standing = None
        steps.append(step)
    return steps


def changes(levels: list[Level], start: CellWarning | None = None) -> list[tuple[int, Change]]:
    return [
        (number, step.change)
        for number, step in enumerate(live(levels, start))
        if step.change is not None
    ]


def firing(level: Level = YELLOW) -> CellWarning:
    warning = live([level, level])[-1].warning
    assert warning is not None
    assert warning.state is State.FIRING
    return warning


def decided(warning: CellWarning, decision: Decision) -> CellWarning:
    """What a leader decides about a warning."""
    state = target(warning.state, decision.action)
    assert state is not None
    return replace(decision.decide(warning, LEADER, NOON), state=state)


def test_a_warning_fires_when_it_has_exceeded_often_enough_in_a_row() -> None:
    steps = live([BLUE, BLUE])
    assert steps[0].warning is not None
    assert steps[0].warning.state is State.PENDING
    assert changes([BLUE, BLUE]) == [(1, Change.RAISED)]
    assert changes([BLUE, NONE, BLUE]) == []


def test_a_pending_warning_that_lapses_leaves_nothing() -> None:
    assert live([BLUE, NONE])[-1] == Step(None)


def test_it_knows_when_it_first_exceeded_and_when_it_fired() -> None:
    warning = firing()
    assert (warning.first_exceeded_on, warning.fired_on) == (DAY, DAY + timedelta(days=1))


def test_it_rises_at_once_and_falls_only_after_enough_lower_days() -> None:
    assert changes([YELLOW], firing(BLUE)) == [(0, Change.LEVEL_CHANGED)]
    assert changes([BLUE, BLUE], firing(YELLOW)) == []
    assert changes([BLUE, BLUE, BLUE], firing(YELLOW)) == [(2, Change.LEVEL_CHANGED)]


def test_it_falls_to_the_highest_of_the_lower_days() -> None:
    last = live([NONE, YELLOW, BLUE], firing(ORANGE))[-1].warning
    assert last is not None
    assert last.proposed is YELLOW


def test_it_ends_after_enough_clear_days_in_a_row() -> None:
    assert changes([NONE, NONE, NONE], firing()) == [(2, Change.RESOLVED)]
    assert changes([NONE, NONE, YELLOW, NONE, NONE], firing()) == []


def test_an_acknowledged_warning_lives_on_like_a_firing_one() -> None:
    taken = replace(firing(), state=State.ACKNOWLEDGED)
    last = live([ORANGE], taken)[-1].warning
    assert last is not None
    assert last.state is State.ACKNOWLEDGED
    assert last.proposed is ORANGE
    assert changes([NONE] * 3, taken) == [(2, Change.RESOLVED)]


def test_red_takes_effect_only_by_confirmation_and_needs_a_new_one_after_falling() -> None:
    red = live([RED], firing(ORANGE))[-1].warning
    assert red is not None
    assert (red.proposed, red.effective) == (RED, ORANGE)
    confirmed = decided(red, confirm_level())
    assert confirmed.effective is RED
    assert confirmed.level_confirmed_by == LEADER
    kept = live([RED], confirmed)[-1].warning
    assert kept is not None
    assert kept.effective is RED
    again = live([ORANGE] * 3 + [RED], confirmed)[-1].warning
    assert again is not None
    assert (again.proposed, again.effective) == (RED, ORANGE)


def test_confirming_a_lower_level_does_not_let_red_through_later() -> None:
    confirmed = decided(firing(ORANGE), confirm_level())
    red = live([RED], confirmed)[-1].warning
    assert red is not None
    assert red.effective is ORANGE


def test_what_a_person_ended_stays_quiet_until_clear_or_worse() -> None:
    ended = decided(firing(YELLOW), resolve("已核查"))
    assert changes([YELLOW] * 5, ended) == []
    assert changes([ORANGE] * 2, ended) == [(1, Change.RAISED)]
    assert changes([NONE, BLUE, BLUE], ended) == [(2, Change.RAISED)]


def test_what_was_judged_harmless_rests_until_it_is_clear() -> None:
    for verdict in (Verdict.FALSE, Verdict.EXPLAINED):
        judged = decided(firing(YELLOW), judge(verdict, "核查"))
        assert judged.state is State.JUDGED
        assert changes([YELLOW, BLUE, YELLOW, NONE, NONE, BLUE], judged) == []
        last = live([NONE, NONE, NONE], judged)[-1]
        assert last.change is Change.RESOLVED
        assert last.warning is not None
        assert last.warning.rest_level is NONE
        assert changes([NONE] * 3 + [YELLOW] * 2, judged) == [
            (2, Change.RESOLVED), (4, Change.RAISED)
        ]  # fmt: skip


def test_what_was_judged_harmless_and_got_worse_warns_anew_under_its_own_name() -> None:
    judged = replace(decided(firing(YELLOW), judge(Verdict.FALSE, "核查")), uid=UUID(int=99))
    first, second = live([ORANGE, ORANGE], judged)
    assert first.ended is not None
    assert first.ended.state is State.RESOLVED
    assert (first.ended.uid, first.ended.verdict) == (judged.uid, Verdict.FALSE)
    assert second.warning is not None
    assert second.change is Change.RAISED
    assert second.warning.uid != judged.uid
    assert second.warning.verdict is Verdict.NONE
    # The new one lapses: what was judged goes on resting, so that yellow is quiet still.
    ended = first.ended
    assert changes([YELLOW] * 4, ended) == []


def test_what_was_judged_real_goes_on_like_any_other() -> None:
    judged = decided(firing(YELLOW), judge(Verdict.CONFIRMED, "属实"))
    assert changes([ORANGE], judged) == [(0, Change.LEVEL_CHANGED)]
    assert changes([NONE] * 3, judged) == [(2, Change.RESOLVED)]
    false = decided(firing(YELLOW), judge(Verdict.FALSE, "误报"))
    assert not decided(false, judge(Verdict.CONFIRMED, "属实")).rests


def test_what_children_explain_stays_pending() -> None:
    standing: CellWarning | None = None
    for number in range(5):
        step = advance(standing, evaluation(RED, number, explained=True), POLICY, UUID(int=number))
        standing = step.warning
        assert step.change is None
    assert standing is not None
    assert standing.state is State.PENDING


@given(st.lists(st.sampled_from(list(Level)), max_size=60))
def test_red_is_never_in_effect_without_a_person(levels: list[Level]) -> None:
    assert all(step.warning is None or step.warning.effective < RED for step in live(levels))


@given(st.lists(st.sampled_from(list(Level)), max_size=60))
def test_a_warning_never_falls_twice_within_the_clear_window(levels: list[Level]) -> None:
    steps = live(levels)
    falls = []
    for number, (before, after) in enumerate(pairwise(steps), start=1):
        if before.warning is None or after.warning is None or after.change is None:
            continue
        fell = after.warning.proposed < before.warning.proposed
        same = before.warning.uid == after.warning.uid
        lasting = before.warning.state is not State.PENDING
        if same and lasting and (fell or after.change is Change.RESOLVED):
            falls.append(number)
    assert all(later - earlier >= POLICY.clear_evaluations for earlier, later in pairwise(falls))


@given(st.lists(st.sampled_from(list(Level)), max_size=60))
def test_every_warning_is_raised_once_and_ends_once(levels: list[Level]) -> None:
    told: dict[UUID, list[Change]] = {}
    for step in live(levels):
        if step.change is not None and step.warning is not None:
            told.setdefault(step.warning.uid, []).append(step.change)
    for kinds in told.values():
        assert kinds[0] is Change.RAISED
        assert kinds.count(Change.RAISED) == 1
        assert Change.RESOLVED not in kinds[:-1]
