"""The handbook (办案手册): rules, calendar and playbooks together, as every verb needs them."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from heed_disposal.domain import rules
from heed_disposal.domain.case import Case, Measure
from heed_disposal.domain.deadlines import Deadline, cancel, meet, project, start
from heed_disposal.domain.playbooks import Playbooks
from heed_disposal.domain.terms import (
    SERVICE,
    DeadlineState,
    Importance,
    Level,
    MeasureStatus,
    State,
    Track,
    Urgency,
)
from heed_shared.clock import local_day
from heed_shared.reference.calendar import Calendar
from heed_shared.reference.deadline_rules import DeadlineRule, RuleBook
from heed_shared.reference.deadlines import Due


@dataclass(frozen=True)
class Window:
    """The last days of a window: a duty ends on the internal one, a right on the legal one."""

    internal: date
    legal: date
    citation: str


@dataclass(frozen=True)
class Handbook:
    """What the law and the deploying authority have laid down."""

    rules: RuleBook
    calendar: Calendar
    playbooks: Playbooks

    def start_clock(
        self, case: Case, code: str, started_at: datetime, set_due_on: date | None = None
    ) -> Case:
        """Return the case with a clock started under the rule in force on that day."""
        rule = self.rules.on(code, local_day(started_at))
        number = case.next_number(case.deadlines)
        return case.with_deadline(start(rule, number, started_at, self.calendar, set_due_on))

    def rule_of(self, deadline: Deadline) -> DeadlineRule:
        """Return the rule version under which a clock began."""
        return self.rules.version(deadline.code, deadline.rule_version)

    def window(self, code: str, begun_at: datetime) -> Window:
        """Return the last days of a window that began at a moment, by the rule of that day."""
        rule = self.rules.on(code, local_day(begun_at))
        due = project(rule, start(rule, 0, begun_at, self.calendar), self.calendar)
        if due is None:
            raise ValueError("a clock just started does not stand still")
        return Window(due.internal, due.legal, rule.citation)

    def dates(self, deadline: Deadline) -> Due | None:
        """Compute the dates of a deadline anew from its intervals."""
        return project(self.rule_of(deadline), deadline, self.calendar)

    def replan(self, case: Case) -> Case:
        """Replace what the suite itself proposed and nobody approved yet; the rest stays.

        Nothing changes when the same measures would be proposed again. What waits for approval gets
        the approver of the present level.
        """
        stale = [m for m in case.measures if is_proposal(m)]
        level = case.assessment.level if case.assessment else Level.BLUE
        planned = self.playbooks.plan(
            case.track,
            case.category_code,
            level,
            unit=case.unit or case.proposed_unit,
            opened_on=local_day(case.opened_at),
            first_number=case.next_number(case.measures),
        )
        decided = {m.kind for m in case.measures if not is_proposal(m)}
        planned = tuple(m for m in planned if m.kind not in decided)
        kept = tuple(self._for_level(m, level) for m in case.measures if not is_proposal(m))
        if [_content(m) for m in stale] == [_content(m) for m in planned]:
            kept, planned = (*kept, *stale), ()
        measures = sorted((*kept, *planned), key=lambda measure: measure.number)
        return replace(case, measures=tuple(measures))

    def _for_level(self, measure: Measure, level: Level) -> Measure:
        """Return the measure with the approver of the level, if it still waits for one."""
        if measure.status is not MeasureStatus.PLANNED:
            return measure
        return replace(measure, approver_role=self.playbooks.approver_role(measure.kind, level))

    def sync_clocks(self, case: Case) -> Case:
        """Start the clocks that track, state and urgency demand and cancel those they do not."""
        owed = clocks_owed(case)
        for deadline in case.deadlines:
            if deadline.open and deadline.code in SYNCED and deadline.code not in owed:
                case = case.with_deadline(cancel(deadline))
        known = {d.code for d in case.deadlines if d.state is not DeadlineState.CANCELLED}
        for code, started_at in owed.items():
            if code not in known:
                case = self.start_clock(case, code, started_at)
        return case

    def told_directly(self, case: Case, state: State, now: datetime) -> Case:
        """Return the case with the notice met that is owed for what came to the unit directly.

        That it did is known when it accepts or refuses a case that nobody sent to it (art. 23 ¶2);
        the clock ran from the day of receipt all the same.
        """
        if state is not State.OPENED or case.track is Track.WARNING:
            return case
        started = self.start_clock(case, rules.DIRECT_NOTICE, case.received_at)
        return meet_clocks(started, now, rules.DIRECT_NOTICE)


SYNCED = frozenset(
    {
        rules.ROUTING,
        rules.MAJOR_REPORT,
        rules.OPINION,
        rules.ENQUIRY_REPLY,
        rules.SUGGESTION_REPLY,
        rules.URGENT_CONTACT,
        rules.DANGER_CONTACT,
    }
)
"""Clocks that follow from what the case is; the others start with a verb."""


def clocks_owed(case: Case) -> dict[str, datetime]:
    """Return the clocks that follow from track, state and urgency, and when each began."""
    owed: dict[str, datetime] = {}
    waiting = case.state in (State.OPENED, State.ROUTED, State.OBJECTED)
    handled = case.state in (State.ACCEPTED, State.IN_PROGRESS)
    if case.track is Track.WARNING:
        return owed
    if case.importance is Importance.MAJOR or case.urgency is Urgency.U0:
        # Whoever may answer it: the leadership is told at once (art. 25), whatever the state.
        owed[rules.MAJOR_REPORT] = case.received_at
    if not (waiting or handled):
        return owed
    if case.state is State.OPENED and case.track is not Track.ENQUIRY:
        owed[rules.ROUTING] = case.received_at
    if case.track is Track.ENQUIRY:
        owed[rules.ENQUIRY_REPLY] = case.received_at
    if case.track is Track.SUGGESTION:
        owed[rules.SUGGESTION_REPLY] = case.received_at
    if case.track is Track.APPEAL and handled:
        # The day of acceptance is when the competent unit received it, not a click (art. 34).
        owed[rules.OPINION] = case.unit_received_at or case.received_at
    if waiting and case.urgency is Urgency.U1:
        owed[rules.URGENT_CONTACT] = case.received_at
    if waiting and case.urgency is Urgency.U0:
        owed[rules.DANGER_CONTACT] = case.received_at
    return owed


def meet_clocks(case: Case, now: datetime, *codes: str) -> Case:
    """Return the case with the open clocks of these codes met; all of them if none is named."""
    for deadline in case.deadlines:
        if deadline.open and (not codes or deadline.code in codes):
            case = case.with_deadline(meet(deadline, now))
    return case


def meet_clock(case: Case, number: int, now: datetime) -> Case:
    """Return the case with one clock met, if it is open."""
    for deadline in case.deadlines:
        if deadline.number == number and deadline.open:
            return case.with_deadline(meet(deadline, now))
    return case


def cancel_clocks(case: Case, *kept: str) -> Case:
    """Return the case with nothing owed any more, apart from the clocks of the codes ``kept``."""
    for deadline in case.deadlines:
        if deadline.open and deadline.code not in kept:
            case = case.with_deadline(cancel(deadline))
    return case


def is_proposal(measure: Measure) -> bool:
    """Say whether the suite proposed it and nobody has decided on it."""
    return measure.status is MeasureStatus.PLANNED and measure.planned_by == SERVICE


def _content(measure: Measure) -> Measure:
    return replace(measure, number=0)
