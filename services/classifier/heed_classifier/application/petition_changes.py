"""Applying what happened to petitions: sort the new, change the supplemented, remove the sealed.

A withdrawn petition stays as it was sorted; only where it is not known it is sorted like a new one.

Everything here is set-wise and inside the transaction of the consumer, without a model call or RPC.
Each petition is sorted once however often its event comes, because the consumer's cursor moves in
the same transaction and a petition that is stored already is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from heed_classifier.application.grouping import Grouped, Grouping
from heed_classifier.application.ports import ClassificationStore
from heed_classifier.application.sorting import Answer
from heed_classifier.domain.incident_terms import Profile, Terms, counted_terms
from heed_classifier.domain.incidents import MatterKey
from heed_classifier.domain.nature import Method
from heed_classifier.domain.observations import Counted
from heed_classifier.domain.records import (
    ClassificationRecord,
    MatterRecord,
    PetitionKey,
    city_of,
)
from heed_classifier.domain.supplement import follow
from heed_shared.clock import local_day


class Happening(Enum):
    """What happened to a petition."""

    REGISTERED = "registered"
    SUPPLEMENTED = "supplemented"
    WITHDRAWN = "withdrawn"
    SEALED = "sealed"
    ERASED = "erased"


REMOVALS = frozenset({Happening.SEALED, Happening.ERASED})
"""A withdrawal is none: the problem was told, so it stays counted and in its incident. Else
pressing people to withdraw would make a series fall."""


class Outcome(Enum):
    """What became of a classification; the names are those of the event kinds."""

    CLASSIFIED = "CLASSIFIED"
    CORRECTED = "CORRECTED"
    INCIDENT_CHANGED = "INCIDENT_CHANGED"
    REPEAT_CHANGED = "REPEAT_CHANGED"
    ACCUSATION_SUSPECTED = "ACCUSATION_SUSPECTED"
    REMOVED = "REMOVED"


@dataclass(frozen=True)
class SortedPetition:
    """A readable petition as prepared outside the transaction."""

    key: PetitionKey
    region_code: str
    received_at: datetime
    place: str
    answer: Answer
    terms: tuple[Terms, ...]
    """Of each matter, in the order of the answer."""


@dataclass(frozen=True)
class Change:
    """One change to publish: a classification event, and counts where they moved."""

    outcome: Outcome
    key: PetitionKey
    region_code: str
    version: int
    before: tuple[Counted, ...] = ()
    after: tuple[Counted, ...] = ()
    cause: PetitionKey | None = None
    """The petition whose event brought the change about, when it is another one."""


@dataclass
class PetitionChanges:
    """The use case, for one transaction."""

    store: ClassificationStore
    grouping: Grouping
    now: datetime
    changes: list[Change] = field(default_factory=list)

    async def apply(
        self,
        happenings: Sequence[tuple[PetitionKey, Happening]],
        prepared: Mapping[PetitionKey, SortedPetition],
    ) -> list[Change]:
        """Apply happenings in order, each petition at most once in the sequence."""
        # Cities before rows, everywhere: grouping changes rows of petitions that others may hold.
        await self.grouping.lock(city_of(key.region) for key, _ in happenings)
        existing = await self.store.load([key for key, _ in happenings], for_change=True)
        await self._remove(
            [
                existing[key]
                for key, happening in happenings
                if happening in REMOVALS and key in existing
            ],
        )
        erased = [key for key, happening in happenings if happening is Happening.ERASED]
        await self.store.forget_suspicions(erased)
        for key, happening in happenings:
            if happening is Happening.SUPPLEMENTED and key in existing and key in prepared:
                await self._resort(existing[key], prepared[key])
        await self._arrive(
            [
                prepared[key]
                for key, happening in happenings
                if happening not in REMOVALS and key in prepared and key not in existing
            ]
        )
        return self.changes

    async def _arrive(self, petitions: Sequence[SortedPetition]) -> None:
        suspected = [p for p in petitions if p.answer.accusation_suspected]
        await self._suspect([(p.key, p.region_code) for p in suspected])
        records = [self._record(p) for p in petitions if not p.answer.accusation_suspected]
        terms = {
            matter.key: of_matter
            for petition in petitions
            for matter, of_matter in zip(self._matters(petition), petition.terms, strict=True)
        }
        grouped = await self._place([m for record in records for m in record.matters], terms)
        placed = {matter.key: matter for matter in grouped.matters}
        records = [
            replace(record, matters=tuple(placed[m.key] for m in record.matters))
            for record in records
        ]
        await self.store.insert(records)
        await self.grouping.save(grouped)
        self.changes += [
            Change(Outcome.CLASSIFIED, r.key, r.region_code, r.version, after=_counted(r.matters))
            for r in records
        ]
        await self._touch_joined(grouped, {record.key for record in records})

    async def _suspect(self, petitions: Sequence[tuple[PetitionKey, str]]) -> None:
        """Report petitions to intake, which seals them whole; nothing of them is kept here."""
        await self.store.suspect([key for key, _ in petitions], self.now)
        self.changes += [
            Change(Outcome.ACCUSATION_SUSPECTED, key, region_code, 1)
            for key, region_code in petitions
        ]

    async def _remove(self, records: Sequence[ClassificationRecord]) -> None:
        if not records:
            return
        matters = [matter for record in records for matter in record.matters]
        repeats = await self.store.delete([record.key for record in records])
        alone = await self.grouping.leave(matters)
        gone = {record.key for record in records}
        self.changes += [
            Change(
                Outcome.REMOVED,
                record.key,
                record.region_code,
                record.version + 1,
                before=_counted(record.matters),
            )
            for record in records
        ]
        left = {PetitionKey(key.region, key.uid): cause for key, cause in alone.items()}
        await self._touch({key: cause for key, cause in left.items() if key not in gone})
        self.changes += await first_again(self.store, repeats, self.now)

    async def _resort(self, record: ClassificationRecord, petition: SortedPetition) -> None:
        """Sort a supplemented petition anew; what a person decided stays, danger may still rise."""
        if petition.answer.accusation_suspected:
            await self._remove([record])
            await self._suspect([(record.key, record.region_code)])
            return
        decided = record.method is Method.PERSON
        kept, added = follow(record.matters, self._matters(petition), decided=decided)
        terms = {key: petition.terms[place] for key, place in added.items()}
        fresh = [replace(self._matters(petition)[place], key=key) for key, place in added.items()]
        grouped = await self._place(fresh, terms)
        after = replace(
            record,
            version=record.version + 1,
            updated_at=self.now,
            method=record.method if decided else petition.answer.method,
            source=record.source if decided else petition.answer.source,
            matters=(*kept, *grouped.matters),
        )
        await self.store.update(after)
        await self.grouping.save(grouped)
        self.changes.append(
            Change(
                Outcome.CORRECTED,
                record.key,
                record.region_code,
                after.version,
                before=_counted(record.matters),
                after=_counted(after.matters),
            )
        )
        await self._touch_joined(grouped, {record.key})

    async def _place(
        self, matters: Sequence[MatterRecord], terms: Mapping[MatterKey, Terms]
    ) -> Grouped:
        return await self.grouping.place([(matter, terms[matter.key]) for matter in matters])

    async def _touch_joined(self, grouped: Grouped, known: Set[PetitionKey]) -> None:
        """Tell of matters that stood alone until a new one brought them into an incident."""
        joined = {PetitionKey(key.region, key.uid): cause for key, cause in grouped.joined.items()}
        await self._touch({key: cause for key, cause in joined.items() if key not in known})

    async def _touch(self, keys: Mapping[PetitionKey, PetitionKey]) -> None:
        """Give petitions whose incident another one changed a new version and an event."""
        if keys:
            for key, version, region_code in await self.store.touch(list(keys), self.now):
                self.changes.append(
                    Change(Outcome.INCIDENT_CHANGED, key, region_code, version, cause=keys[key])
                )

    def _record(self, petition: SortedPetition) -> ClassificationRecord:
        return ClassificationRecord(
            key=petition.key,
            version=1,
            region_code=petition.region_code,
            received_at=petition.received_at,
            method=petition.answer.method,
            source=petition.answer.source,
            corrected_by=None,
            classified_at=self.now,
            updated_at=self.now,
            matters=self._matters(petition),
        )

    @staticmethod
    def _matters(petition: SortedPetition) -> tuple[MatterRecord, ...]:
        return tuple(
            MatterRecord(
                key=petition.key.matter(k),
                region_code=petition.region_code,
                received_at=petition.received_at,
                received_day=local_day(petition.received_at),
                answer=answer,
                place=petition.place,
                city_code=city_of(petition.key.region),
                profile=Profile({}, {}),
                counted_terms=tuple(counted_terms(terms)),
            )
            for k, (answer, terms) in enumerate(
                zip(petition.answer.matters, petition.terms, strict=True), 1
            )
        )


async def first_again(
    store: ClassificationStore, repeats: Sequence[MatterRecord], now: datetime
) -> list[Change]:
    """What to publish of matters that repeated a removed one, given as they were until now."""
    changes = []
    for matter in repeats:
        petition = PetitionKey(matter.key.region, matter.key.uid)
        earlier = matter.repeat_of
        cause = PetitionKey(earlier.region, earlier.uid) if earlier is not None else None
        for key, version, region_code in await store.touch([petition], now):
            changes.append(
                Change(
                    Outcome.REPEAT_CHANGED,
                    key,
                    region_code,
                    version,
                    before=(matter.counted,),
                    after=(replace(matter, repeat_of=None).counted,),
                    cause=cause,
                )
            )
    return changes


def _counted(matters: Iterable[MatterRecord]) -> tuple[Counted, ...]:
    return tuple(matter.counted for matter in matters)
