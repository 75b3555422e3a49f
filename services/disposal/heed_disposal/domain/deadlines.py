"""The clocks of a case: what started when, what paused it, and which dates follow from that.

Start, pauses, extensions and the rule's version are the truth; the dates are a projection of them.
"""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from heed_disposal.domain.counts import NOTHING_COUNTED, Counted
from heed_disposal.domain.terms import Actor, Band, DeadlineState
from heed_shared.reference.calendar import Calendar
from heed_shared.reference.deadline_rules import DeadlineRule
from heed_shared.reference.deadlines import Due, Standstill, covered, due

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
        return covered(self.standstills)

    @property
    def standstills(self) -> tuple[Standstill, ...]:
        """The pauses that have ended."""
        return tuple(
            Standstill(p.paused_at, p.resumed_at) for p in self.pauses if p.resumed_at is not None
        )


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
    """Compute the dates of a deadline; None while it is paused."""
    if any(pause.resumed_at is None for pause in deadline.pauses):
        return None
    return due(
        rule,
        deadline.started_at,
        calendar,
        set_due_on=deadline.set_due_on,
        extended_days=deadline.extended_days,
        stood_still=deadline.standstills,
    )


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
