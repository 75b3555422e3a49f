"""How alike a matter and an incident are: by the names of things, and by the problem.

Names alone join two problems of one estate, and the problem alone joins two estates; so each part
must reach its least, and their mean decides. Weights are those with which matters were stored, so
that nothing here asks how frequent a term is today.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from heed_classifier.domain.incident_terms import Profile, cosine

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Thresholds:
    """How alike is alike, as measured on the stream in docs/research/incidents.md."""

    names: float = 0.12
    """Least name part."""
    problem: float = 0.20
    """Least problem part."""
    pair: float = 0.28
    """Least mean of both parts for two lone matters."""
    incident: float = 0.24
    """Least mean of both parts for an incident."""
    adopted: float = 0.35
    """Least mean for a lone matter that an incident takes in later: nothing new speaks for it."""
    patience: timedelta = timedelta(days=30)
    """So long after the last matter the least mean stays as it is."""
    late: float = 0.0025
    """What each further day adds to the least mean."""

    def alike(self, likeness: Likeness, least: float) -> float | None:
        """By how much the likeness exceeds the least mean; None where it does not."""
        days = max(0.0, (likeness.gap - self.patience) / _DAY)
        mean = (likeness.names + likeness.problem) / 2
        # Sums differ in their last digits by the order of their parts.
        above = round(mean - least - self.late * days, 9)
        if likeness.names < self.names or likeness.problem < self.problem or above < 0:
            return None
        return above


@dataclass(frozen=True)
class Likeness:
    """How alike two sides are: both parts from 0 to 1, and the time between them."""

    names: float
    problem: float
    gap: timedelta


@dataclass
class Gathered:
    """What the members of an incident say together."""

    count: int = 0
    names: Counter[str] = field(default_factory=Counter)
    problem: Counter[str] = field(default_factory=Counter)
    heads: set[str] = field(default_factory=set)
    last_at: datetime | None = None
    _carried: Counter[str] = field(default_factory=Counter)
    _core: dict[str, float] | None = None

    def add(self, profile: Profile, received_at: datetime) -> None:
        """Add a member."""
        self.count += 1
        for term, weight in profile.names.items():
            self.names[term] += weight  # type: ignore[assignment]
        for term, weight in profile.problem.items():
            self.problem[term] += weight  # type: ignore[assignment]
        self._carried.update(profile.names.keys())
        self.heads |= profile.heads
        self.last_at = received_at if self.last_at is None else max(self.last_at, received_at)
        self._core = None

    def core(self) -> Mapping[str, float]:
        """The names that many members carry, with their weights; none before there are three.

        Two members share much by chance; the third shows what the incident is about.
        """
        if self._core is None:
            least = max(2.0, CORE_SHARE * self.count)
            self._core = (
                {t: self.names[t] for t, n in self._carried.items() if n >= least}
                if self.count >= CORE_MEMBERS
                else {}
            )
        return self._core


CORE_MEMBERS = 3
CORE_SHARE = 0.3
# A text that carries the whole core is as alike in names as a cosine of this.
_COVERED = 0.5
_HALF = 0.5


def of_pair(one: Profile, one_at: datetime, other: Profile, other_at: datetime) -> Likeness | None:
    """How alike two matters are; None when they speak of different things."""
    if _apart(one, other.heads, other.names):
        return None
    return Likeness(
        cosine(one.names, other.names), cosine(one.problem, other.problem), abs(one_at - other_at)
    )


def to_incident(
    profile: Profile, received_at: datetime, carried: Set[str], gathered: Gathered
) -> Likeness | None:
    """How alike a matter is to an incident; None when it speaks of another thing.

    ``carried`` are all names of its text, also those too many for its profile: one that names the
    thing somewhere in a long story is about it as much as one that begins with it.
    """
    core = gathered.core()
    total = sum(core.values())
    covered = sum(w for term, w in core.items() if term in carried) / total if total else 0.0
    if covered < _HALF and _apart(profile, gathered.heads, gathered.names):
        return None
    last_at = gathered.last_at or received_at
    return Likeness(
        max(cosine(profile.names, gathered.names), _COVERED * covered),
        cosine(profile.problem, gathered.problem),
        abs(received_at - last_at),
    )


def _apart(profile: Profile, heads: Set[str], names: Mapping[str, float]) -> bool:
    """Whether both sides say what they are about and neither names what the other does.

    The same trouble in two places reads much alike, so likeness alone does not join them.
    """
    if not profile.heads or not heads:
        return False
    return profile.heads.isdisjoint(names) and heads.isdisjoint(profile.names)
