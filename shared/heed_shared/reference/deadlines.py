"""Counting a deadline (期限) from its start: the dates that a rule of any service leads to.

Two dates. The internal one, without roll-forward, drives alerts and figures. The legal one is
rolled past rest days (民法典第二百零三条): rights of a petitioner end on it, and an agency never
uses the roll to look on time. The first day is not counted (民法典第二百零一条).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from heed_shared.clock import day_end, local_day
from heed_shared.reference.calendar import Calendar
from heed_shared.reference.deadline_rules import DeadlineRule, Unit

NATIONAL = Calendar()
"""The published calendar of the country."""


@dataclass(frozen=True)
class Due:
    """The dates of a deadline."""

    internal: date
    legal: date
    at: datetime | None
    """Time of day, for clocks counted in hours."""
    provisional: bool
    """Whether a day was counted whose holiday notice is not published yet."""

    def ends_at(self) -> datetime:
        """Return the moment from which the deadline is overdue."""
        return self.at or day_end(self.internal)

    def last_moment(self) -> datetime:
        """Return the last moment that is in time; on a clock of days it lies on the due day."""
        return self.at or day_end(self.internal) - timedelta(seconds=1)


@dataclass(frozen=True)
class Standstill:
    """A span in which a clock stood still; it may lie inside or across another."""

    begun_at: datetime
    ended_at: datetime


def due(
    rule: DeadlineRule,
    started_at: datetime,
    calendar: Calendar = NATIONAL,
    *,
    set_due_on: date | None = None,
    extended_days: int = 0,
    stood_still: Sequence[Standstill] = (),
) -> Due:
    """Return the dates of a deadline that began at a moment.

    ``set_due_on`` is the day that a person has set, in place of the rule's period. A day on which
    the clock stood still is not counted, that on which it was stopped is; time covered by several
    spans counts once. An extension is in days, or working days where the rule counts those.
    """
    spans = _merged(
        Standstill(max(span.begun_at, started_at), span.ended_at)
        for span in stood_still
        if span.ended_at > started_at
    )
    if rule.unit is Unit.HOUR and set_due_on is None:
        at = started_at + timedelta(hours=rule.period, days=extended_days)
        for span in spans:
            if span.begun_at < at:
                at += span.ended_at - span.begun_at
        return Due(local_day(at), local_day(at), at, provisional=False)
    first = local_day(started_at)
    if set_due_on is not None or rule.unit is Unit.SET:
        internal, unsure = (set_due_on or first) + timedelta(days=extended_days), False
    elif rule.unit is Unit.WORKING_DAY:
        counted = calendar.add_working_days(
            first, rule.period + extended_days, lambda day: _is_inside(day, spans)
        )
        internal, unsure = counted.day, counted.provisional
    else:
        internal, unsure = _add_days(first, rule.period + extended_days, spans), False
    rolled = calendar.roll_forward(internal)
    return Due(internal, rolled.day, None, provisional=unsure or rolled.provisional)


def covered(spans: Iterable[Standstill]) -> timedelta:
    """Return how long a clock stood still, time covered by several spans counted once."""
    return sum((span.ended_at - span.begun_at for span in _merged(spans)), timedelta())


def _merged(spans: Iterable[Standstill]) -> list[Standstill]:
    """Return the same time as spans that neither touch nor overlap, in order."""
    merged: list[Standstill] = []
    for span in sorted(spans, key=lambda span: span.begun_at):
        if merged and span.begun_at <= merged[-1].ended_at:
            ended_at = max(merged[-1].ended_at, span.ended_at)
            merged[-1] = Standstill(merged[-1].begun_at, ended_at)
        else:
            merged.append(span)
    return merged


def _is_inside(day: date, spans: Sequence[Standstill]) -> bool:
    return any(local_day(s.begun_at) < day <= local_day(s.ended_at) for s in spans)


def _add_days(first: date, period: int, spans: Sequence[Standstill]) -> date:
    last = first + timedelta(days=period)
    for span in spans:
        begun_on = local_day(span.begun_at)
        if begun_on < last:
            last += local_day(span.ended_at) - begun_on
    return last
