"""What happens when nobody takes a warning on: who is told when, by the level's clock.

The rules are versioned data. When a warning fires its chain is worked out once and kept with it, so
that a later change of the rules moves no clock that runs. A rise shortens a chain and never
lengthens it; a fall leaves it as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from heed_shared.clock import day_end, local_day
from heed_warning.domain.day_kind import WorkingDay
from heed_warning.domain.policy import Level

_DAY = timedelta(days=1)
LEVELS = (Level.BLUE, Level.YELLOW, Level.ORANGE, Level.RED)


class EscalationRulesError(ValueError):
    """The rules of escalation cannot be used; the text says where and why."""


@dataclass(frozen=True)
class Rung:
    """One step of a chain: the role that is told, and how long after the step before it."""

    role: int
    """Number of heed.common.v1.Role."""
    working_days: int = 0
    hours: int = 0

    def __post_init__(self) -> None:
        """Refuse a rung without a wait, or with two."""
        if (self.working_days > 0) == (self.hours > 0) or min(self.working_days, self.hours) < 0:
            raise EscalationRulesError("a step waits either working days or hours, at least one")


@dataclass(frozen=True)
class Rules:
    """One version of the rules of escalation."""

    version: str
    valid_from: date
    citation: str
    chains: Mapping[Level, tuple[Rung, ...]]

    def __post_init__(self) -> None:
        """Refuse rules that leave a level without a chain."""
        for level in LEVELS:
            if not self.chains.get(level):
                raise EscalationRulesError(f"{self.version}: no steps for level {level.name}")


@dataclass(frozen=True)
class RuleVersions:
    """All versions of the rules of a deployment, the oldest first."""

    versions: tuple[Rules, ...]

    def __post_init__(self) -> None:
        """Refuse an empty book, and versions that begin on the same day."""
        days = [rules.valid_from for rules in self.versions]
        if not days or days != sorted(set(days)):
            raise EscalationRulesError("versions must begin on different days, the oldest first")

    def on(self, day: date) -> Rules:
        """Return the rules in force on a day; before the first version, the first."""
        begun = [rules for rules in self.versions if rules.valid_from <= day]
        return begun[-1] if begun else self.versions[0]


@dataclass(frozen=True)
class EscalationStep:
    """One step of a warning's own chain."""

    step: int
    role: int
    due_at: datetime
    done_at: datetime | None = None


@dataclass(frozen=True)
class Chain:
    """A chain that was worked out."""

    steps: tuple[EscalationStep, ...]
    provisional: bool
    """Whether it runs past the last published calendar, where every day counts as worked."""


def chain_of(rules: Rules, level: Level, start: datetime, working: WorkingDay) -> Chain:
    """Return the chain of a warning that fires, or rises, at a moment of the business clock.

    The day on which it fires is not counted, and a count of working days ends with the last of
    them (DOMAIN 1.5). Hours run on through nights and holidays.
    """
    steps, due_at, day, provisional = [], start, local_day(start), False
    for number, rung in enumerate(rules.chains[level], start=1):
        if rung.hours:
            due_at += timedelta(hours=rung.hours)
            day = local_day(due_at)
        else:
            day, unknown = _working_day_after(day, rung.working_days, working)
            due_at, provisional = day_end(day), provisional or unknown
        steps.append(EscalationStep(number, rung.role, due_at))
    return Chain(tuple(steps), provisional)


def tightened(
    steps: Sequence[EscalationStep], other: Sequence[EscalationStep]
) -> tuple[EscalationStep, ...]:
    """Return a chain after a rise: steps that are done stay, each other is due when it is sooner.

    A step that only the higher level has comes in; one that it has not stays as it was.
    """
    sooner = {step.step: step for step in other}
    kept = [
        step
        if step.done_at or step.step not in sooner
        else replace(sooner[step.step], due_at=min(step.due_at, sooner[step.step].due_at))
        for step in steps
    ]
    known = {step.step for step in kept}
    return (*kept, *(step for step in other if step.step not in known))


def taken(steps: Sequence[EscalationStep], now: datetime) -> tuple[EscalationStep, ...]:
    """Return a chain with every step done that is due by now."""
    return tuple(
        replace(step, done_at=now) if step.done_at is None and step.due_at <= now else step
        for step in steps
    )


def only_done(steps: Sequence[EscalationStep]) -> tuple[EscalationStep, ...]:
    """Return what happened of a chain that stops: nothing of it is due any more."""
    return tuple(step for step in steps if step.done_at is not None)


def next_due(steps: Sequence[EscalationStep]) -> datetime | None:
    """Return when the next step is due; None when none is left."""
    return min((step.due_at for step in steps if step.done_at is None), default=None)


def _working_day_after(day: date, count: int, working: WorkingDay) -> tuple[date, bool]:
    """Return the working day that many after a day, and whether the calendar ended before it."""
    unknown = False
    while count:
        day += _DAY
        worked = working(day)
        unknown = unknown or worked is None
        count -= worked is not False
    return day, unknown
