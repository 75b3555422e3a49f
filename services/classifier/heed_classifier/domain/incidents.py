"""Grouping matters into incidents (事件) as they arrive: one problem of one thing, near in time.

The outcome depends on the order of arrival only, never on how arrivals were cut into batches. An
incident is never renamed or merged; a matter that stood alone may join one later, when enough has
come to tell what the incident is about. It groups problems, never people: no field of a petitioner
enters here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from heed_classifier.domain.incident_likeness import (
    CORE_MEMBERS,
    Gathered,
    Likeness,
    Thresholds,
    of_pair,
    to_incident,
)
from heed_classifier.domain.incident_terms import Profile, Terms, counted_terms, weigh

WINDOW = timedelta(days=150)
# A term that so many matters share names nothing in particular: in a small city, and as a share.
_COMMON = 400
_COMMON_SHARE = 0.004
_MOST_CANDIDATES = 20


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


@dataclass(frozen=True)
class Placed:
    """An arrival as it is now known, and the lone matters that joined its incident with it."""

    known: Known
    joined: tuple[MatterKey, ...] = ()


class TermCounts:
    """In how many matters of a city each term occurs; counted up as matters arrive."""

    def __init__(self, counts: Mapping[str, int], total: int) -> None:
        self._counts = dict(counts)
        self._total = total

    def __len__(self) -> int:
        return len(self._counts)

    def arrive(self, terms: Terms) -> Profile:
        """Count a new matter and weigh its terms by what is known with it."""
        for term in counted_terms(terms):
            self._counts[term] = self._counts.get(term, 0) + 1
        self._total += 1
        return weigh(terms, self._counts, self._total)

    def weigh(self, terms: Terms) -> Profile:
        """Weigh the terms of a text that is not counted."""
        return weigh(terms, self._counts, self._total)

    def common(self, name: str) -> bool:
        """Whether a name occurs so often that it names nothing in particular."""
        return self._counts.get(name, 0) > max(_COMMON, _COMMON_SHARE * self._total)

    def forget_rare(self) -> None:
        """Forget terms that occurred once; a few occurrences weigh the same as one anyway."""
        self._counts = {term: count for term, count in self._counts.items() if count > 1}


class CityGrouping:
    """The matters of one city within reach, to which arrivals are added one by one."""

    def __init__(self, counts: TermCounts, thresholds: Thresholds | None = None) -> None:
        self._counts = counts
        self._thresholds = thresholds or Thresholds()
        self._known: dict[MatterKey, Known] = {}
        self._by_name: dict[str, list[MatterKey]] = defaultdict(list)
        self._members: dict[IncidentKey, list[MatterKey]] = defaultdict(list)
        self._gathered: dict[IncidentKey, Gathered] = defaultdict(Gathered)

    def __len__(self) -> int:
        return len(self._known)

    def load(self, matters: Iterable[Known]) -> None:
        """Take in matters that are already known, oldest first."""
        for matter in matters:
            self._remember(matter)

    def add(self, arrival: Known, carried: AbstractSet[str], new_incident: IncidentKey) -> Placed:
        """Group one arrival, all names of whose text are ``carried``.

        ``new_incident`` is used if it founds one with a lone matter.
        """
        candidates = self._candidates(arrival)
        found = self._best(arrival, carried, candidates)
        joined: list[MatterKey] = []
        if isinstance(found, MatterKey):
            self._join(found, new_incident)
            joined.append(found)
            found = new_incident
        known = replace(arrival, incident=found)
        self._remember(known)
        if found is not None:
            joined += self._adopt(found, candidates)
        return Placed(known, tuple(joined))

    def members(self, incident: IncidentKey) -> list[Known]:
        """The members within reach, in order of time."""
        members = [self._known[key] for key in self._members.get(incident, ())]
        return sorted(members, key=lambda member: member.received_at)

    def forget(self, before: datetime) -> list[list[Known]]:
        """Forget lone matters and whole incidents whose last matter came before a time.

        Returns the members of the incidents, which nothing can join any more.
        """
        ended = [
            key
            for key, gathered in self._gathered.items()
            if gathered.last_at is not None and gathered.last_at < before
        ]
        groups = [self.members(key) for key in ended]
        for key in ended:
            del self._members[key], self._gathered[key]
        gone = set(ended)
        kept = [
            known
            for known in self._known.values()
            if (known.incident not in gone if known.incident else known.received_at >= before)
        ]
        self._known = {known.key: known for known in kept}
        self._by_name = defaultdict(list)
        for known in kept:
            for name in known.profile.names:
                self._by_name[name].append(known.key)
        return groups

    def _best(
        self, arrival: Known, carried: AbstractSet[str], candidates: Iterable[MatterKey]
    ) -> MatterKey | IncidentKey | None:
        best: MatterKey | IncidentKey | None = None
        most = -1.0
        seen: set[IncidentKey] = set()
        for key in candidates:
            target: MatterKey | IncidentKey = self._known[key].incident or key
            if isinstance(target, IncidentKey):
                if target in seen:
                    continue
                seen.add(target)
            above = self._above(arrival, carried, target)
            # What is equally alike stays with what came first; uids are no tie-breaker.
            if above is not None and above > most:
                best, most = target, above
        return best

    def _above(
        self, arrival: Known, carried: AbstractSet[str], target: MatterKey | IncidentKey
    ) -> float | None:
        likeness: Likeness | None
        if isinstance(target, IncidentKey):
            gathered, least = self._gathered[target], self._thresholds.incident
            likeness = to_incident(arrival.profile, arrival.received_at, carried, gathered)
        else:
            other, least = self._known[target], self._thresholds.pair
            likeness = of_pair(
                arrival.profile, arrival.received_at, other.profile, other.received_at
            )
        return None if likeness is None else self._thresholds.alike(likeness, least)

    def _adopt(self, incident: IncidentKey, candidates: Iterable[MatterKey]) -> list[MatterKey]:
        """Let lone matters join that were too unlike the few who were there when they came."""
        adopted: list[MatterKey] = []
        for key in candidates:
            lone, gathered = self._known[key], self._gathered[incident]
            if lone.incident is not None or gathered.count < CORE_MEMBERS:
                continue
            likeness = to_incident(
                lone.profile, lone.received_at, lone.profile.names.keys(), gathered
            )
            least = self._thresholds.adopted
            if likeness and self._thresholds.alike(likeness, least) is not None:
                self._join(key, incident)
                adopted.append(key)
        return adopted

    def _candidates(self, arrival: Known) -> list[MatterKey]:
        scores: dict[MatterKey, float] = {}
        for name, weight in arrival.profile.names.items():
            if self._counts.common(name):
                continue
            for key in self._by_name.get(name, ()):
                other = self._known[key]
                if abs(arrival.received_at - other.received_at) <= WINDOW:
                    scores[key] = scores.get(key, 0.0) + weight * other.profile.names[name]
        # Matters of one petition tell nothing about each other.
        own = [
            key for key in scores if (key.region, key.uid) == (arrival.key.region, arrival.key.uid)
        ]
        for key in own:
            del scores[key]
        # Insertion order is order of arrival, and sorting is stable.
        return sorted(scores, key=lambda key: -round(scores[key], 9))[:_MOST_CANDIDATES]

    def _join(self, key: MatterKey, incident: IncidentKey) -> None:
        lone = replace(self._known[key], incident=incident)
        self._known[key] = lone
        self._members[incident].append(key)
        self._gathered[incident].add(lone.profile, lone.received_at)

    def _remember(self, matter: Known) -> None:
        self._known[matter.key] = matter
        for name in matter.profile.names:
            self._by_name[name].append(matter.key)
        if matter.incident is not None:
            self._members[matter.incident].append(matter.key)
            self._gathered[matter.incident].add(matter.profile, matter.received_at)
