"""What the classifier does with intake's petition events: the handler of its consumer."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from heed.intake.v1.events_pb2 import PetitionEvent

from heed_classifier.adapters.classification_table import ClassificationTable
from heed_classifier.adapters.events import change_events
from heed_classifier.adapters.incident_table import IncidentTable
from heed_classifier.application.grouping import Grouping
from heed_classifier.application.petition_changes import (
    REMOVALS,
    Change,
    Happening,
    Outcome,
    PetitionChanges,
    SortedPetition,
)
from heed_classifier.application.ports import MaskedPetition, Texts
from heed_classifier.application.sorting import Answer, Sorting, ToSort
from heed_classifier.domain.incident_terms import TermReader, Terms
from heed_classifier.domain.records import PetitionKey
from heed_classifier.domain.splitting import matter_text
from heed_shared import telemetry
from heed_shared.clock import Clock, local_day
from heed_shared.database import Database, Transaction, raw
from heed_shared.feed.records import Delivery
from heed_shared.ids import parse_resource_name

FEED = "intake.petitions"
_HAPPENINGS = {
    PetitionEvent.KIND_REGISTERED: Happening.REGISTERED,
    PetitionEvent.KIND_SUPPLEMENTED: Happening.SUPPLEMENTED,
    PetitionEvent.KIND_WITHDRAWN: Happening.WITHDRAWN,
    PetitionEvent.KIND_SEALED: Happening.SEALED,
    PetitionEvent.KIND_ERASED: Happening.ERASED,
}
Prepared = dict[PetitionKey, SortedPetition]


class PetitionsHandler:
    """Sorts registered and supplemented petitions and forgets sealed and erased ones."""

    def __init__(
        self, database: Database, texts: Texts, sorting: Sorting, reader: TermReader, clock: Clock
    ) -> None:
        self._database = database
        self._texts = texts
        self._sorting = sorting
        self._reader = reader
        self._clock = clock

    async def prepare(self, deliveries: Sequence[Delivery]) -> Prepared:
        """Read the texts and sort them; no transaction is open meanwhile."""
        wanted = {
            key: happening
            for key, happening, _ in _happenings(deliveries)
            if happening not in REMOVALS
        }
        if not wanted:
            return {}
        petitions = await self._texts.read(list(wanted))
        # A snapshot also names as registered what intake has not sealed yet; it clears nothing.
        told_anew = petitions.keys() - _from_snapshot(deliveries)
        registered = {key for key in told_anew if wanted[key] is Happening.REGISTERED}
        cleared = await self._cleared(registered, told_anew - registered)
        # Whoever unseals decides, also where nobody here suspected it before.
        cleared |= {key for key, petition in petitions.items() if petition.accusation_cleared}
        return await self._sort(list(petitions.values()), cleared)

    async def apply(
        self, tx: Transaction, deliveries: Sequence[Delivery], prepared: Prepared
    ) -> None:
        """Store, group, remove and publish, in the transaction that advances the cursor."""
        connection = await raw(tx.connection)
        now = self._clock.now()
        table = ClassificationTable(connection)
        for segment in _segments(list(_happenings(deliveries))):
            grouping = Grouping(IncidentTable(connection), table, now)
            changes = await PetitionChanges(table, grouping, now).apply(
                [(key, happening) for key, happening, _ in segment], prepared
            )
            traces = {key: traceparent for key, _, traceparent in segment}
            await tx.publish(change_events(changes, now, traces))
            _record(changes, prepared)

    async def rebuild(self, _tx: Transaction) -> None:
        """Delete nothing: classifications hold what people corrected.

        The snapshot, applied again, sorts what is missing or supplemented and removes what was
        sealed; what is stored stays as it is otherwise, and so does a petition that the snapshot
        does not name.
        """

    async def _cleared(
        self, registered: set[PetitionKey], changed: set[PetitionKey]
    ) -> set[PetitionKey]:
        """Petitions once suspected that intake registered all the same: a person cleared them.

        One that was changed meanwhile was cleared if it is sorted; else intake is about to seal it.
        """
        async with self._database.read() as connection:
            table = ClassificationTable(await raw(connection))
            suspected = await table.suspicions([*registered, *changed])
            stored = await table.load([*(suspected & changed)])
            return (suspected & registered) | stored.keys()

    async def _sort(
        self, petitions: Sequence[MaskedPetition], cleared: set[PetitionKey]
    ) -> Prepared:
        items = [
            ToSort(
                petition.text,
                petition.region_code,
                petition.people_bucket,
                petition.declared_nature,
                local_day(petition.received_at),
                petition.key in cleared,
            )
            for petition in petitions
        ]

        def work() -> list[tuple[Answer, tuple[Terms, ...]]]:
            answers = self._sorting.sort_now(items)
            return [
                (answer, self._terms(petition, answer))
                for petition, answer in zip(petitions, answers, strict=True)
            ]

        started = time.perf_counter()
        with telemetry.span("classifier.classify"):
            worked = await self._sorting.workers.run(work)
        telemetry.record("heed.classifier.duration", time.perf_counter() - started)
        return {
            petition.key: SortedPetition(
                petition.key,
                petition.region_code,
                petition.received_at,
                petition.place,
                answer,
                terms,
            )
            for petition, (answer, terms) in zip(petitions, worked, strict=True)
        }

    def _terms(self, petition: MaskedPetition, answer: Answer) -> tuple[Terms, ...]:
        return tuple(
            self._reader.read(matter_text(petition.text, matter.spans), petition.place)
            for matter in answer.matters
        )


def _happenings(deliveries: Sequence[Delivery]) -> Iterator[tuple[PetitionKey, Happening, str]]:
    for delivery in deliveries:
        happening = _HAPPENINGS.get(delivery.event.petition.kind)
        if happening is not None:
            name = delivery.event.petition.petition
            key = PetitionKey(*parse_resource_name(name, "petitions", "petition"))
            yield key, happening, delivery.traceparent


def _from_snapshot(deliveries: Sequence[Delivery]) -> set[PetitionKey]:
    """Petitions whose event tells a state, not a happening: it has no place in the feed."""
    told = [delivery for delivery in deliveries if not delivery.event.cursor]
    return {key for key, _, _ in _happenings(told)}


def _segments(
    happenings: Sequence[tuple[PetitionKey, Happening, str]],
) -> list[list[tuple[PetitionKey, Happening, str]]]:
    """Cut where a petition comes a second time, so that each segment can be applied as a set."""
    segments: list[list[tuple[PetitionKey, Happening, str]]] = []
    seen: set[PetitionKey] = set()
    for happening in happenings:
        if not segments or happening[0] in seen:
            segments.append([])
            seen = set()
        segments[-1].append(happening)
        seen.add(happening[0])
    return segments


def _record(changes: Sequence[Change], prepared: Prepared) -> None:
    for change in changes:
        if change.outcome is Outcome.CLASSIFIED and change.key in prepared:
            for matter in prepared[change.key].answer.matters:
                telemetry.record("heed.classifier.classified", 1, band=matter.band.name.lower())
                if matter.candidates:
                    telemetry.record("heed.classifier.confidence", matter.candidates[0][1])
