"""Applying what happened to petitions: sort the new, change the supplemented, remove the sealed.

Everything here is set-wise and inside the transaction of the consumer, without a model call or RPC.
Each petition is sorted once however often its event comes, because the consumer's cursor moves in
the same transaction and a petition that is stored already is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from heed_classifier.application.grouping import Grouping
from heed_classifier.application.ports import ClassificationStore
from heed_classifier.application.sorting import Answer
from heed_classifier.domain.incident_terms import Profile, Terms, counted_terms
from heed_classifier.domain.nature import Method, Urgency
from heed_classifier.domain.observations import Counted
from heed_classifier.domain.records import (
    ClassificationRecord,
    MatterRecord,
    PetitionKey,
    city_of,
)
from heed_shared.clock import local_day


class Happening(Enum):
    """What happened to a petition."""

    REGISTERED = "registered"
    SUPPLEMENTED = "supplemented"
    WITHDRAWN = "withdrawn"
    SEALED = "sealed"
    ERASED = "erased"


REMOVALS = frozenset({Happening.WITHDRAWN, Happening.SEALED, Happening.ERASED})


class Outcome(Enum):
    """What became of a classification; the names are those of the event kinds."""

    CLASSIFIED = "CLASSIFIED"
    CORRECTED = "CORRECTED"
    INCIDENT_CHANGED = "INCIDENT_CHANGED"
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
    terms: Terms


@dataclass(frozen=True)
class Change:
    """One change to publish: a classification event, and counts where they moved."""

    outcome: Outcome
    key: PetitionKey
    region_code: str
    version: int
    before: Counted | None = None
    after: Counted | None = None
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
        suspected = [p for p in petitions if p.answer.sorted.accusation_suspected]
        await self.store.suspect([p.key for p in suspected], self.now)
        self.changes += [
            Change(Outcome.ACCUSATION_SUSPECTED, p.key, p.region_code, 1) for p in suspected
        ]
        open_petitions = [p for p in petitions if not p.answer.sorted.accusation_suspected]
        records = [self._record(petition) for petition in open_petitions]
        grouped = await self.grouping.place(
            [
                (record.matters[0], p.terms)
                for record, p in zip(records, open_petitions, strict=True)
            ]
        )
        records = [replace(r, matters=(m,)) for r, m in zip(records, grouped.matters, strict=True)]
        await self.store.insert(records)
        await self.grouping.save(grouped)
        for record in records:
            self.changes.append(
                Change(
                    Outcome.CLASSIFIED,
                    record.key,
                    record.region_code,
                    record.version,
                    after=record.matters[0].counted,
                )
            )
        new = {record.key for record in records}
        founders = {
            PetitionKey(key.region, key.uid): cause for key, cause in grouped.founders.items()
        }
        await self._touch({key: cause for key, cause in founders.items() if key not in new})

    async def _remove(self, records: Sequence[ClassificationRecord]) -> None:
        if not records:
            return
        matters = [matter for record in records for matter in record.matters]
        await self.store.delete([record.key for record in records])
        alone = await self.grouping.leave(matters)
        gone = {record.key for record in records}
        for record in records:
            for matter in record.matters:
                self.changes.append(
                    Change(
                        Outcome.REMOVED,
                        record.key,
                        record.region_code,
                        record.version + 1,
                        before=matter.counted,
                    )
                )
        left = {PetitionKey(key.region, key.uid): cause for key, cause in alone.items()}
        await self._touch({key: cause for key, cause in left.items() if key not in gone})

    async def _resort(self, record: ClassificationRecord, petition: SortedPetition) -> None:
        """Sort a supplemented petition anew; what a person decided stays, danger may still rise."""
        before = record.matters[0]
        answer = petition.answer.sorted
        if answer.accusation_suspected:
            await self._remove([record])
            await self.store.suspect([record.key], self.now)
            self.changes.append(
                Change(Outcome.ACCUSATION_SUSPECTED, record.key, record.region_code, 1)
            )
            return
        if record.method is Method.PERSON:
            urgent = min(answer.urgency, before.answer.urgency)
            answer = replace(before.answer, urgency=Urgency(urgent))
            after = replace(record, matters=(replace(before, answer=answer),))
        else:
            after = replace(
                record,
                method=petition.answer.method,
                source=petition.answer.source,
                matters=(replace(before, answer=answer),),
            )
        after = replace(after, version=record.version + 1, updated_at=self.now)
        await self.store.update(after)
        self.changes.append(
            Change(
                Outcome.CORRECTED,
                record.key,
                record.region_code,
                after.version,
                before=before.counted,
                after=after.matters[0].counted,
            )
        )

    async def _touch(self, keys: Mapping[PetitionKey, PetitionKey]) -> None:
        """Give petitions whose incident another one changed a new version and an event."""
        if keys:
            for key, version, region_code in await self.store.touch(list(keys), self.now):
                self.changes.append(
                    Change(Outcome.INCIDENT_CHANGED, key, region_code, version, cause=keys[key])
                )

    def _record(self, petition: SortedPetition) -> ClassificationRecord:
        matter = MatterRecord(
            key=petition.key.matter(),
            region_code=petition.region_code,
            received_at=petition.received_at,
            received_day=local_day(petition.received_at),
            answer=petition.answer.sorted,
            place=petition.place,
            city_code=city_of(petition.key.region),
            profile=Profile({}, {}),
            counted_terms=tuple(counted_terms(petition.terms)),
        )
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
            matters=(matter,),
        )
