"""Putting arriving matters into incidents, and taking removed ones out, inside a transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from heed_classifier.application.ports import ClassificationStore, IncidentStore
from heed_classifier.domain.incident_summary import summarize
from heed_classifier.domain.incident_terms import Profile, Terms, counted_terms
from heed_classifier.domain.incidents import (
    CityGrouping,
    IncidentKey,
    Known,
    MatterKey,
    TermCounts,
)
from heed_classifier.domain.records import MatterRecord, PetitionKey
from heed_shared.ids import new_uid


@dataclass(frozen=True)
class Grouped:
    """Arrivals as placed, and what else changed by it."""

    matters: list[MatterRecord]
    known: dict[str, list[Known]]
    """By city, in order of arrival."""
    joined: dict[MatterKey, PetitionKey]
    """Matters that stood alone and now have an incident, with the petition that brought it."""
    touched: set[IncidentKey]
    incidents: dict[MatterKey, IncidentKey]


@dataclass
class Grouping:
    """The use case, for one transaction."""

    incidents: IncidentStore
    classifications: ClassificationStore
    now: datetime

    async def lock(self, cities: Iterable[str]) -> None:
        """One transaction at a time groups the matters of a city."""
        await self.incidents.lock(cities)

    async def place(self, arrivals: Sequence[tuple[MatterRecord, Terms]]) -> Grouped:
        """Find incidents for arrivals, in their order; nothing is stored yet."""
        by_city: dict[str, list[tuple[MatterRecord, Terms]]] = defaultdict(list)
        for matter, terms in arrivals:
            by_city[matter.city_code].append((matter, terms))
        grouped = Grouped([], {}, {}, set(), {})
        placed: dict[MatterKey, Known] = {}
        for city, items in sorted(by_city.items()):
            known = await self._place_in_city(city, items, grouped)
            grouped.known[city] = known
            placed.update({item.key: item for item in known})
        for matter, _ in arrivals:
            item = placed[matter.key]
            incident = grouped.incidents.get(matter.key, item.incident)
            grouped.matters.append(replace(matter, profile=item.profile, incident=incident))
        return grouped

    async def _place_in_city(
        self, city: str, items: Sequence[tuple[MatterRecord, Terms]], grouped: Grouped
    ) -> list[Known]:
        terms = {term for _, item in items for term in counted_terms(item)}
        counts = TermCounts(*await self.incidents.counts(city, terms))
        arrivals = [_known(matter, counts.arrive(item)) for matter, item in items]
        names = {
            name
            for arrival in arrivals
            for name in arrival.profile.names
            if not counts.common(name)
        }
        times = [arrival.received_at for arrival in arrivals]
        grouping = CityGrouping(counts)
        grouping.load(await self.incidents.near(city, names, min(times), max(times)))
        placed: list[Known] = []
        for arrival, (_, item_terms) in zip(arrivals, items, strict=True):
            new_incident = IncidentKey(city, new_uid(self.now))
            found = grouping.add(arrival, item_terms.names.keys(), new_incident)
            placed.append(found.known)
            if found.known.incident is not None:
                grouped.touched.add(found.known.incident)
                for key in found.joined:
                    grouped.joined[key] = PetitionKey(arrival.key.region, arrival.key.uid)
                    grouped.incidents[key] = found.known.incident
        return placed

    async def save(self, grouped: Grouped) -> None:
        """Store what ``place`` found; the matters themselves are stored by now."""
        for city, known in sorted(grouped.known.items()):
            terms = {matter.key: matter for matter in grouped.matters}
            await self.incidents.add_counts(
                city, [terms[item.key].counted_terms for item in known], 1
            )
            await self.incidents.add_terms(city, known)
        arrived = {matter.key for matter in grouped.matters}
        for key in sorted(set(grouped.joined) - arrived):
            await self.classifications.set_incident(key, grouped.incidents[key])
        await self._summarize(grouped.touched)

    async def leave(self, matters: Sequence[MatterRecord]) -> dict[MatterKey, PetitionKey]:
        """Take removed matters out; returns matters that now stand alone, with who left them."""
        by_city: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        left: dict[IncidentKey, PetitionKey] = {}
        for matter in matters:
            by_city[matter.city_code].append(matter.counted_terms)
            if matter.incident is not None:
                left[matter.incident] = PetitionKey(matter.key.region, matter.key.uid)
        for city, terms in sorted(by_city.items()):
            await self.incidents.add_counts(city, terms, -1)
        alone: dict[MatterKey, PetitionKey] = {}
        for key, petition in sorted(left.items()):
            members = await self.incidents.members(key)
            if len(members) >= 2:
                await self._summarize({key})
                continue
            for member in members:
                await self.classifications.set_incident(member.key, None)
                alone[member.key] = petition
            await self.incidents.delete(key)
        return alone

    async def refresh(self, keys: Iterable[IncidentKey]) -> None:
        """Describe incidents anew after one of their matters was corrected."""
        await self._summarize(set(keys))

    async def _summarize(self, keys: set[IncidentKey]) -> None:
        summaries = {}
        for key in sorted(keys):
            members = await self.incidents.members(key)
            if members:
                summaries[key] = summarize(members)
        await self.incidents.save(summaries)


def _known(matter: MatterRecord, profile: Profile) -> Known:
    return Known(
        matter.key,
        profile,
        matter.received_at,
        matter.answer.category_code,
        matter.answer.title,
        matter.place,
    )
