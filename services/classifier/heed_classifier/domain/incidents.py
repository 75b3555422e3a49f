"""Grouping matters into incidents (事件) as they arrive: one problem of one thing, near in time.

The outcome depends on the order of arrival only, never on how arrivals were cut into batches. An
incident is never renamed or merged. It groups problems, never people: no field of a petitioner
enters here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from heed_classifier.domain.incident_terms import (
    PIECE,
    Profile,
    Terms,
    cosine,
    counted_terms,
    stitch,
    unit,
    weigh,
)

WINDOW = timedelta(days=60)
RECENT = timedelta(days=7)
# A term that so many matters of the window share names nothing in particular.
COMMON = 400
_MOST_CANDIDATES = 20


@dataclass(frozen=True)
class Thresholds:
    """How alike is alike: least name part, least problem part, least mean of the two."""

    names: float = 0.12
    problem: float = 0.20
    pair: float = 0.28
    incident: float = 0.25
    category_bonus: float = 0.03


@dataclass(frozen=True, order=True)
class MatterKey:
    """Which matter."""

    region: str
    uid: UUID
    k: int = 1


@dataclass(frozen=True, order=True)
class IncidentKey:
    """Which incident."""

    region: str
    uid: UUID


@dataclass(frozen=True)
class Known:
    """A matter with its profile; grouped, or standing alone."""

    key: MatterKey
    profile: Profile
    received_at: datetime
    category_code: str
    title: str
    place: str = ""
    incident: IncidentKey | None = None


class TermCounts:
    """In how many matters of a city each term occurs; counted up as matters arrive."""

    def __init__(self, counts: Mapping[str, int], total: int) -> None:
        self._counts = dict(counts)
        self._total = total

    def arrive(self, terms: Terms) -> Profile:
        """Count a new matter and weigh its terms by what is known with it."""
        for term in counted_terms(terms):
            self._counts[term] = self._counts.get(term, 0) + 1
        self._total += 1
        return weigh(terms, self._counts, self._total)

    def common(self, name: str) -> bool:
        """Whether a name occurs so often that it names nothing in particular."""
        return self._counts.get(name, 0) > COMMON


@dataclass
class _Sums:
    names: Counter[str] = field(default_factory=Counter)
    problem: Counter[str] = field(default_factory=Counter)
    heads: set[str] = field(default_factory=set)

    def add(self, profile: Profile) -> None:
        for term, weight in profile.names.items():
            self.names[term] += weight  # type: ignore[assignment]
        for term, weight in profile.problem.items():
            self.problem[term] += weight  # type: ignore[assignment]
        self.heads |= profile.heads


class CityGrouping:
    """The matters of one city within reach, to which arrivals are added one by one."""

    def __init__(self, counts: TermCounts, thresholds: Thresholds | None = None) -> None:
        self._counts = counts
        self._thresholds = thresholds or Thresholds()
        self._known: dict[MatterKey, Known] = {}
        self._by_name: dict[str, list[MatterKey]] = defaultdict(list)
        self._members: dict[IncidentKey, list[MatterKey]] = defaultdict(list)
        self._sums: dict[IncidentKey, _Sums] = defaultdict(_Sums)

    def load(self, matters: Iterable[Known]) -> None:
        """Take in matters that are already known, oldest first."""
        for matter in matters:
            self._remember(matter)

    def add(self, arrival: Known, new_incident: IncidentKey) -> tuple[Known, MatterKey | None]:
        """Group one arrival; ``new_incident`` is used if it founds one with a lone matter.

        Returns the matter as it is now known, and the lone matter that it founded one with.
        """
        found = self._best(arrival)
        founder: MatterKey | None = None
        if isinstance(found, MatterKey):
            founder = found
            self._join(found, new_incident)
            found = new_incident
        known = replace(arrival, incident=found)
        self._remember(known)
        return known, founder

    def members(self, incident: IncidentKey) -> list[Known]:
        """The members within reach, in order of arrival."""
        return [self._known[key] for key in self._members[incident]]

    def _best(self, arrival: Known) -> MatterKey | IncidentKey | None:
        limits = self._thresholds
        best: tuple[float, str, MatterKey | IncidentKey] | None = None
        for target, names, problem, agrees in self._compare(arrival):
            mean = (names + problem) / 2 + (limits.category_bonus if agrees else 0.0)
            least = limits.incident if isinstance(target, IncidentKey) else limits.pair
            if names < limits.names or problem < limits.problem or mean < least:
                continue
            # Uids are no tie-breaker: the founding order of the matters decides.
            candidate = (mean - least, str(target), target)
            if best is None or candidate[:1] > best[:1]:
                best = candidate
        return best[2] if best else None

    def _compare(self, arrival: Known) -> list[tuple[MatterKey | IncidentKey, float, float, bool]]:
        compared: list[tuple[MatterKey | IncidentKey, float, float, bool]] = []
        seen: set[IncidentKey] = set()
        for key in self._candidates(arrival):
            other = self._known[key]
            if other.incident is None:
                if _apart(arrival.profile, other.profile.heads, other.profile.names):
                    continue
                names = cosine(arrival.profile.names, other.profile.names)
                problem = cosine(arrival.profile.problem, other.profile.problem)
                compared.append((key, names, problem, self._agrees(arrival, [other])))
            elif other.incident not in seen:
                seen.add(other.incident)
                sums = self._sums[other.incident]
                if _apart(arrival.profile, sums.heads, sums.names):
                    continue
                names = cosine(arrival.profile.names, sums.names)
                problem = cosine(arrival.profile.problem, sums.problem)
                agrees = self._agrees(arrival, self.members(other.incident))
                compared.append((other.incident, names, problem, agrees))
        return compared

    def _candidates(self, arrival: Known) -> list[MatterKey]:
        scores: dict[MatterKey, float] = {}
        for name, weight in arrival.profile.names.items():
            if self._counts.common(name):
                continue
            for key in self._by_name.get(name, ()):
                other = self._known[key]
                if abs(arrival.received_at - other.received_at) <= WINDOW:
                    scores[key] = scores.get(key, 0.0) + weight * other.profile.names[name]
        # Insertion order is order of arrival, and sorting is stable.
        return sorted(scores, key=lambda key: -round(scores[key], 9))[:_MOST_CANDIDATES]

    @staticmethod
    def _agrees(arrival: Known, others: Sequence[Known]) -> bool:
        frequent = Counter(other.category_code for other in others).most_common(1)
        return bool(frequent) and frequent[0][0] == arrival.category_code

    def _join(self, key: MatterKey, incident: IncidentKey) -> None:
        lone = replace(self._known[key], incident=incident)
        self._known[key] = lone
        self._members[incident].append(key)
        self._sums[incident].add(lone.profile)

    def _remember(self, matter: Known) -> None:
        self._known[matter.key] = matter
        for name in matter.profile.names:
            self._by_name[name].append(matter.key)
        if matter.incident is not None:
            self._members[matter.incident].append(matter.key)
            self._sums[matter.incident].add(matter.profile)


def _apart(profile: Profile, heads: Set[str], names: Mapping[str, float]) -> bool:
    """Whether both sides say what they are about and neither names what the other does.

    The same trouble in two places reads much alike, so likeness alone does not join them.
    """
    if not profile.heads or not heads:
        return False
    return profile.heads.isdisjoint(names) and heads.isdisjoint(profile.names)


@dataclass(frozen=True)
class Summary:
    """What is shown of an incident."""

    title: str
    keywords: tuple[str, ...]
    category_code: str
    matter_count: int
    first_seen_at: datetime
    last_seen_at: datetime
    recent_count: int
    places: tuple[str, ...]


def summarize(members: Sequence[Known]) -> Summary:
    """Describe an incident by its members (at least one)."""
    sums = _Sums()
    for member in members:
        sums.add(member.profile)
    centre = max(
        members,
        key=lambda m: (
            round(cosine(m.profile.names, sums.names) + cosine(m.profile.problem, sums.problem), 9),
            m.received_at,
        ),
    )
    last = max(member.received_at for member in members)
    shared = [name for name, _ in _top(unit(sums.names), 12)]
    names = stitch(shared)[:3]
    phrases = {term: w for term, w in sums.problem.items() if not term.startswith(PIECE)}
    problem = [phrase for phrase, _ in _top(phrases, 4)]
    given = [place for place, _ in Counter(m.place for m in members if m.place).most_common(5)]
    return Summary(
        title=centre.title,
        keywords=tuple(dict.fromkeys([*names[:2], *problem])),
        category_code=Counter(m.category_code for m in members).most_common(1)[0][0],
        matter_count=len(members),
        first_seen_at=min(member.received_at for member in members),
        last_seen_at=last,
        recent_count=sum(last - member.received_at <= RECENT for member in members),
        places=tuple(dict.fromkeys(given or names)),
    )


def _top(weights: Mapping[str, float], most: int) -> list[tuple[str, float]]:
    return sorted(weights.items(), key=lambda item: (-item[1], item[0]))[:most]
