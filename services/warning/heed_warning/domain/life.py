"""The life of a warning: pending, firing, acknowledged, judged, resolved, with steady levels.

One evaluation a day moves a cell's warning one step. Going up is immediate; going down takes the
policy's number of lower evaluations in a row and then goes to the highest level seen among them.
Red takes effect only when a named person confirms it; until then the warning stands at orange.

A warning that a person judged false or explained rests: it stays as it is until the cell has been
clear, and only a higher level than the one judged warns anew, by a warning of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import IntEnum
from uuid import UUID

from heed_shared.ids import resource_name
from heed_warning.domain.escalation import EscalationStep
from heed_warning.domain.evaluator import Outcome
from heed_warning.domain.indicators import Reading
from heed_warning.domain.panel import Cell
from heed_warning.domain.policy import Level, Policy
from heed_warning.domain.transitions import TRANSITIONS, Action, State


class Verdict(IntEnum):
    """What a warning turned out to be; the numbers are the contract's."""

    NONE = 0
    CONFIRMED = 1
    EXPLAINED = 2
    FALSE = 3


class Change(IntEnum):
    """What happened to a warning; the numbers are those of the feed."""

    RAISED = 1
    LEVEL_CHANGED = 2
    ACKNOWLEDGED = 3
    JUDGED = 4
    RESOLVED = 5
    ESCALATED = 6


@dataclass(frozen=True)
class Staff:
    """A member of staff, or a service, who decided something; never a petitioner."""

    identity: str
    display_name: str
    unit: str


@dataclass(frozen=True)
class Evaluation:
    """One cell held against its threshold on one day."""

    cell: Cell
    as_of: date
    outcome: Outcome
    observed_count: int
    expected_count: float
    threshold_count: float
    tail_probability: float
    level: Level
    window_days: int
    reason: str
    policy: str
    explained: bool = False
    """Whether the excess lies in cells below this one that warn themselves."""
    indicators: tuple[Reading, ...] = ()
    """Indicators that speak for the level, the most unusual first."""


@dataclass(frozen=True)
class CellWarning:
    """A warning about a cell."""

    uid: UUID
    cell: Cell
    state: State
    proposed: Level
    effective: Level
    first_exceeded_on: date
    evaluation: Evaluation
    peak_count: int
    exceeded_streak: int = 1
    lower_streak: int = 0
    lower_level: Level = Level.NONE
    rest_level: Level = Level.NONE
    """Set when a person ended it: until the cell has been clear, only a higher level warns anew."""
    red_confirmed: bool = False
    fired_on: date | None = None
    resolved_on: date | None = None
    verdict: Verdict = Verdict.NONE
    acknowledged_by: Staff | None = None
    level_confirmed_by: Staff | None = None
    judged_by: Staff | None = None
    note: str = ""
    fired_at: datetime | None = None
    """When it started firing, by the business clock."""
    acknowledged_at: datetime | None = None
    group: str = ""
    """What warnings of one category under one parent region at one time share; empty before."""
    silenced_by: UUID | None = None
    """The silence that keeps it from being announced."""
    inhibited_by: str = ""
    """Resource name of the warning above that covers it."""
    announced: Level = Level.NONE
    """The level that the feed told last; none while nobody was told of it."""
    acknowledge_due_at: datetime | None = None
    """When somebody has to have taken it on; kept when that has happened."""
    steps: tuple[EscalationStep, ...] = ()
    """What happened, and what is due, because nobody takes it on."""
    version: int = 0

    @property
    def name(self) -> str:
        """Resource name."""
        return resource_name("warnings", self.cell.region, self.uid)

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.state is not State.RESOLVED

    @property
    def rests(self) -> bool:
        """Whether a person judged it harmless, so that it says nothing more while it lasts."""
        return self.state is State.JUDGED and self.rest_level > Level.NONE


@dataclass(frozen=True)
class Step:
    """What one evaluation made of a cell's warning."""

    warning: CellWarning | None
    """The warning after it; None when there is none, or a pending one that lapsed."""
    change: Change | None = None
    """What to announce."""
    ended: CellWarning | None = None
    """The resting warning that made room for it, which has got worse than what was judged."""


def in_effect(proposed: Level, *, red_confirmed: bool) -> Level:
    """Return the level in effect: what is proposed, but red only once a person confirmed it."""
    return proposed if red_confirmed else min(proposed, Level.ORANGE)


def advance(
    warning: CellWarning | None, evaluation: Evaluation, policy: Policy, new_uid: UUID
) -> Step:
    """Move a cell's warning by one evaluation.

    `warning` is the open one of the cell, or the latest ended one that still has a rest level.
    """
    if warning is None:
        return _begin(evaluation, policy, new_uid) if _exceeds(evaluation) else Step(None)
    if warning.state is State.RESOLVED:
        return _after_rest(warning, evaluation, policy, new_uid)
    seen = replace(
        warning,
        evaluation=evaluation,
        peak_count=max(warning.peak_count, evaluation.observed_count),
    )
    if warning.state is State.PENDING:
        return _wait(seen, policy)
    if warning.rests:
        return _rest(seen, policy, new_uid)
    return _continue(seen, policy)


def _exceeds(evaluation: Evaluation) -> bool:
    return evaluation.level > Level.NONE


def _begin(evaluation: Evaluation, policy: Policy, uid: UUID) -> Step:
    pending = CellWarning(
        uid=uid,
        cell=evaluation.cell,
        state=State.PENDING,
        proposed=evaluation.level,
        effective=in_effect(evaluation.level, red_confirmed=False),
        first_exceeded_on=evaluation.as_of,
        evaluation=evaluation,
        peak_count=evaluation.observed_count,
        exceeded_streak=0,
    )
    return _wait(pending, policy)


def _wait(pending: CellWarning, policy: Policy) -> Step:
    evaluation = pending.evaluation
    if not _exceeds(evaluation):
        return Step(None)
    pending = replace(
        pending,
        exceeded_streak=pending.exceeded_streak + 1,
        proposed=evaluation.level,
        effective=in_effect(evaluation.level, red_confirmed=False),
    )
    if pending.exceeded_streak < policy.pending_evaluations or evaluation.explained:
        return Step(pending)
    fires = replace(
        pending, state=TRANSITIONS[pending.state, Action.FIRE], fired_on=evaluation.as_of
    )
    return Step(fires, Change.RAISED)


def _continue(warning: CellWarning, policy: Policy) -> Step:
    evaluation = warning.evaluation
    level = Level.NONE if evaluation.explained else evaluation.level
    if level >= warning.proposed:
        steady = replace(warning, lower_streak=0, lower_level=Level.NONE)
        return _at_level(steady, level) if level > warning.proposed else Step(steady)
    lower = replace(
        warning,
        lower_streak=warning.lower_streak + 1,
        lower_level=max(level, warning.lower_level),
    )
    if lower.lower_streak < policy.clear_evaluations:
        return Step(lower)
    if lower.lower_level is Level.NONE:
        return Step(_ended(lower, Action.CLEAR), Change.RESOLVED)
    return _at_level(replace(lower, lower_streak=0, lower_level=Level.NONE), lower.lower_level)


def _ended(warning: CellWarning, action: Action) -> CellWarning:
    state = TRANSITIONS[warning.state, action]
    return replace(warning, state=state, resolved_on=warning.evaluation.as_of)


def _rest(warning: CellWarning, policy: Policy, new_uid: UUID) -> Step:
    """Leave alone what was judged harmless, unless it got worse; end it when the cell is clear."""
    evaluation = warning.evaluation
    level = Level.NONE if evaluation.explained else evaluation.level
    if level > warning.rest_level:
        # It rests on when the new one lapses before it fires, so the rest level stays.
        return replace(_begin(evaluation, policy, new_uid), ended=_ended(warning, Action.GIVE_WAY))
    if level > Level.NONE:
        return Step(replace(warning, lower_streak=0))
    clear = replace(warning, lower_streak=warning.lower_streak + 1)
    if clear.lower_streak < policy.clear_evaluations:
        return Step(clear)
    return Step(replace(_ended(clear, Action.CLEAR), rest_level=Level.NONE), Change.RESOLVED)


def _at_level(warning: CellWarning, level: Level) -> Step:
    confirmed = warning.red_confirmed and level is Level.RED
    changed = replace(
        warning,
        state=TRANSITIONS[warning.state, Action.CHANGE_LEVEL],
        proposed=level,
        red_confirmed=confirmed,
        effective=in_effect(level, red_confirmed=confirmed),
    )
    return Step(changed, Change.LEVEL_CHANGED)


def _after_rest(ended: CellWarning, evaluation: Evaluation, policy: Policy, new_uid: UUID) -> Step:
    """Keep quiet about what a person ended, unless it got worse; forget that once it was clear."""
    if not _exceeds(evaluation):
        return Step(replace(ended, rest_level=Level.NONE))
    if evaluation.level > ended.rest_level:
        return _begin(evaluation, policy, new_uid)
    return Step(ended)
