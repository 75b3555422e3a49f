"""The clocks of a case: what started when, what paused it, and which dates follow from that.

Start, pauses, extensions and the rule's version are the truth. The dates are a projection of them
and are computed here alone. Two dates: the internal one without roll-forward drives alerts and
figures, the legal one is rolled past rest days; an agency never uses the roll to look on time.
"""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from heed_disposal.domain.calendar import Calendar
from heed_disposal.domain.counts import NOTHING_COUNTED, Counted
from heed_disposal.domain.rules import DeadlineRule, Unit
from heed_disposal.domain.terms import Actor, Band, DeadlineState
from heed_shared.clock import day_end, local_day

BANDS = (
    (0.99, Band.CRITICAL),
    (0.85, Band.SERIOUS),
    (0.75, Band.WARN),
    (0.50, Band.NORMAL),
)
"""Shares of time used from which a band begins, highest first."""


@dataclass(frozen=True)
class Pause:
    """A span in which the clock stands still, for a cause that the rule names."""

    paused_at: datetime
    resumed_at: datetime | None
    cause: str
    reason: str = ""


@dataclass(frozen=True)
class Due:
    """The dates that follow from the intervals."""

    internal: date
    legal: date
    at: datetime | None
    """Time of day, for clocks counted in hours."""
    provisional: bool

    def ends_at(self) -> datetime:
        """Return the moment after which the deadline is overdue."""
        return self.at or day_end(self.internal)

    def last_moment(self) -> datetime:
        """Return the last moment that is in time; on a clock of days it lies on the due day."""
        return self.at or day_end(self.internal) - timedelta(seconds=1)


@dataclass(frozen=True)
class Deadline:
    """One clock of a case."""

    number: int
    code: str
    title: str
    citation: str
    rule_version: str
    started_at: datetime
    set_due_on: date | None = None
    extended_days: int = 0
    extension_reason: str = ""
    extension_approved_by: Actor | None = None
    pauses: tuple[Pause, ...] = ()
    state: DeadlineState = DeadlineState.RUNNING
    met_at: datetime | None = None
    due: Due | None = None
    escalated_at: datetime | None = None
    escalated_to: int = 0
    """Role that was told when the clock broke."""
    counted: Counted = field(default=NOTHING_COUNTED)

    @property
    def open(self) -> bool:
        """Whether something is still owed."""
        return self.state in (DeadlineState.RUNNING, DeadlineState.PAUSED)

    @property
    def stood_still(self) -> timedelta:
        """How long the pauses that have ended lasted."""
        ended = (p.resumed_at - p.paused_at for p in self.pauses if p.resumed_at is not None)
        return sum(ended, timedelta())


def start(
    rule: DeadlineRule,
    number: int,
    started_at: datetime,
    calendar: Calendar,
    set_due_on: date | None = None,
) -> Deadline:
    """Start a clock under ``rule``."""
    deadline = Deadline(
        number=number,
        code=rule.code,
        title=rule.title,
        citation=rule.citation,
        rule_version=rule.version,
        started_at=started_at,
        set_due_on=set_due_on,
    )
    return replace(deadline, due=project(rule, deadline, calendar))


def project(rule: DeadlineRule, deadline: Deadline, calendar: Calendar) -> Due | None:
    """Compute the dates of a deadline; None while it is paused.

    The first day is not counted (民法典第二百零一条); a day on which the clock stood still is not
    counted either, the day of the pause itself is.
    """
    if any(pause.resumed_at is None for pause in deadline.pauses):
        return None
    if rule.unit is Unit.HOUR:
        at = _add_hours(rule, deadline)
        return Due(local_day(at), local_day(at), at, provisional=False)
    internal, unsure = _last_day(rule, deadline, calendar)
    rolled = calendar.roll_forward(internal)
    return Due(internal, rolled.day, None, provisional=unsure or rolled.provisional)


def _last_day(rule: DeadlineRule, deadline: Deadline, calendar: Calendar) -> tuple[date, bool]:
    first = local_day(deadline.started_at)
    if deadline.set_due_on is not None or rule.unit is Unit.SET:
        return (deadline.set_due_on or first) + timedelta(days=deadline.extended_days), False
    spans = [
        (local_day(pause.paused_at), local_day(pause.resumed_at))
        for pause in deadline.pauses
        if pause.resumed_at is not None
    ]
    period = rule.period + deadline.extended_days
    if rule.unit is Unit.WORKING_DAY:
        counted = calendar.add_working_days(
            first, period, lambda day: any(begin < day <= end for begin, end in spans)
        )
        return counted.day, counted.provisional
    last = first + timedelta(days=period)
    for begin, end in sorted(spans):
        if begin < last:
            last += end - begin
    return last, False


def _add_hours(rule: DeadlineRule, deadline: Deadline) -> datetime:
    at = deadline.started_at + timedelta(hours=rule.period, days=deadline.extended_days)
    for pause in sorted(deadline.pauses, key=lambda pause: pause.paused_at):
        if pause.resumed_at is not None and pause.paused_at < at:
            at += pause.resumed_at - pause.paused_at
    return at


def meet(deadline: Deadline, now: datetime) -> Deadline:
    """Record that what was owed was done; late if the internal date had passed."""
    late = deadline.due is not None and now >= deadline.due.ends_at()
    state = DeadlineState.MET_LATE if late else DeadlineState.MET
    return replace(deadline, state=state, met_at=now)


def cancel(deadline: Deadline) -> Deadline:
    """Record that it is no longer owed."""
    return replace(deadline, state=DeadlineState.CANCELLED)


def is_overdue(deadline: Deadline, now: datetime) -> bool:
    """Say whether a running deadline is past its internal date."""
    return (
        deadline.state is DeadlineState.RUNNING
        and deadline.due is not None
        and now >= deadline.due.ends_at()
    )


def band(deadline: Deadline, now: datetime) -> Band:
    """Return which share of the time is used; UNSPECIFIED when the clock does not run."""
    if deadline.state is not DeadlineState.RUNNING or deadline.due is None:
        return Band.UNSPECIFIED
    if is_overdue(deadline, now):
        return Band.OVERDUE
    stood_still = deadline.stood_still
    total = deadline.due.ends_at() - deadline.started_at - stood_still
    used = now - deadline.started_at - stood_still
    share = used / total
    return next((name for limit, name in BANDS if share >= limit), Band.AMPLE)
