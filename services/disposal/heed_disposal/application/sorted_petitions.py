"""Follows the classifier: opens one case for each matter, and keeps open ones true to it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from uuid import UUID

from heed_disposal.application.changes import record, remove
from heed_disposal.application.grown_incidents import may_grow, with_growth
from heed_disposal.application.joining import with_responses
from heed_disposal.application.ports import CaseStore, Change
from heed_disposal.domain.assessment import Growth
from heed_disposal.domain.case import Case
from heed_disposal.domain.ending import erase, withdraw
from heed_disposal.domain.handbook import Handbook
from heed_disposal.domain.opening import MatterFacts, Opening, follow_matter, open_from_matter
from heed_disposal.domain.terms import Nature
from heed_shared import telemetry
from heed_shared.ids import parse_resource_name


class Fate(Enum):
    """What the newest event says of a petition."""

    SORTED = auto()
    """Handle it as its matters now say."""
    SEALED = auto()
    """It is or may be an accusation: nothing of it stays here."""
    ERASED = auto()
    """Its text is gone; numbers and dates stay."""


@dataclass(frozen=True)
class SortedPetition:
    """One petition as the classifier sees it now."""

    petition: str
    fate: Fate
    matters: tuple[MatterFacts, ...] = ()
    traceparent: str = ""


@dataclass(frozen=True)
class FollowClassifications:
    """The use case."""

    handbook: Handbook
    new_uid: Callable[[datetime], UUID]

    async def __call__(
        self, store: CaseStore, petitions: Sequence[SortedPetition], now: datetime
    ) -> None:
        """Bring the cases of these petitions in line; the same again changes nothing."""
        going_on = [item for item in petitions if item.fate is Fate.SORTED]
        joining = Counter(f.incident for item in going_on for f in item.matters if f.incident)
        # Whatever may change is locked at once, in one order.
        growing = may_grow(await store.growth(joining.keys(), now), joining)
        present = await store.of_petitions([item.petition for item in petitions], growing)
        await self._end(store, petitions, present, now)
        growth = await store.growth(joining.keys(), now)
        early = await store.take_withdrawn([item.petition for item in going_on])
        counted = _Counter(growth)
        changes = []
        for item in going_on:
            known = {case.matter: case for case in present.get(item.petition, ())}
            for facts in item.matters:
                change = self._follow(known.get(facts.matter), facts, counted, item, now)
                if change and item.petition in early:
                    change = Change(change.before, withdraw(change.after, now), change.traceparent)
                changes += [change] if change else []
        own = {item.petition for item in petitions}
        others = [case for name in present.keys() - own for case in present[name]]
        changes = await with_responses(store, changes, now)
        changes = with_growth(changes, others, growth, counted.growth, self.handbook, now)
        await record(store, changes, now)

    def _follow(
        self,
        case: Case | None,
        facts: MatterFacts,
        counter: "_Counter",
        item: SortedPetition,
        now: datetime,
    ) -> Change | None:
        """Open or update the case of one matter; None where there is nothing to do."""
        if facts.nature is Nature.ACCUSATION:
            return None
        if case is not None:
            joins = case.incident != facts.incident
            growth = (counter.joined if joins else counter.known)(facts.incident)
            return Change(
                case, follow_matter(case, facts, growth, now, self.handbook), item.traceparent
            )
        with telemetry.span_from(item.traceparent, "disposal.open_case"):
            opening = Opening(_region(facts.petition), self.new_uid(now), now)
            growth = counter.joined(facts.incident)
            opened = open_from_matter(facts, growth, opening, self.handbook)
            telemetry.record("heed.disposal.opened", 1, track=opened.track.name)
            return Change(None, opened, telemetry.current_traceparent() or item.traceparent)

    async def _end(
        self,
        store: CaseStore,
        petitions: Sequence[SortedPetition],
        present: Mapping[str, list[Case]],
        now: datetime,
    ) -> None:
        for item in petitions:
            cases = present.get(item.petition, [])
            accused = {f.matter for f in item.matters if f.nature is Nature.ACCUSATION}
            if item.fate is Fate.SEALED:
                await remove(store, cases, now, item.traceparent)
            elif item.fate is Fate.ERASED:
                erased = [Change(case, erase(case, now), item.traceparent) for case in cases]
                await record(store, erased, now)
            elif accused:
                sealed = [case for case in cases if case.matter in accused]
                await remove(store, sealed, now, item.traceparent)


class _Counter:
    """Counts matters of incidents while a batch opens cases of several of them."""

    def __init__(self, growth: Mapping[str, Growth]) -> None:
        self.growth = dict(growth)

    def known(self, incident: str) -> Growth:
        """Return the counts as they stand."""
        return self.growth.get(incident, Growth())

    def joined(self, incident: str) -> Growth:
        """Return the counts with one more matter; nothing for a matter that stands alone."""
        if not incident:
            return Growth()
        before = self.known(incident)
        self.growth[incident] = Growth(before.matters + 1, before.recent + 1)
        return self.growth[incident]


def _region(petition: str) -> str:
    return parse_resource_name(petition, "petitions")[0]
