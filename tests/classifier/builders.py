"""What the tests build: petitions, a fake intake, and a consumer without a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from heed.feed.v1.event_pb2 import Event
from heed.intake.v1.events_pb2 import PetitionEvent

from heed_classifier.adapters.build_sorting import build_sorting, grade_rules
from heed_classifier.adapters.ordinary_language import term_reader
from heed_classifier.adapters.petition_feed import PetitionsHandler
from heed_classifier.adapters.workers import BoundedWorkers
from heed_classifier.application.ports import MaskedPetition, Sorter
from heed_classifier.application.sorting import Sorting, ToSort
from heed_classifier.domain.decision import Sorted
from heed_classifier.domain.grading import Grades
from heed_classifier.domain.nature import Nature
from heed_classifier.domain.records import PetitionKey
from heed_classifier.domain.text import PetitionText
from heed_shared.clock import ReplayClock
from heed_shared.database import Database
from heed_shared.feed.records import Delivery
from heed_shared.ids import new_uid, petition_name
from heed_shared.reference.regions import Regions

REGION = "110105"
NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def petition(
    request: str,
    facts: str = "",
    *,
    region: str = REGION,
    at: datetime = NOON,
    people_bucket: int = 0,
    declared: Nature = Nature.UNKNOWN,
    place: str = "",
) -> MaskedPetition:
    """A petition that intake would let the classifier read."""
    return MaskedPetition(
        key=PetitionKey(region, new_uid(at)),
        region_code=region,
        received_at=at,
        text=PetitionText(request, facts),
        place=place,
        declared_nature=declared,
        people_bucket=people_bucket,
    )


@dataclass
class FakeIntake:
    """Holds texts in memory; what is not in it is sealed, erased or unknown."""

    texts: dict[PetitionKey, MaskedPetition] = field(default_factory=dict)

    async def read(self, keys: Sequence[PetitionKey]) -> dict[PetitionKey, MaskedPetition]:
        """Read those that are there."""
        return {key: self.texts[key] for key in keys if key in self.texts}


def sorting(sorter: Sorter | None = None) -> Sorting:
    """The sorting with the shipped rules."""
    return build_sorting(Regions.load(), BoundedWorkers(), sorter)


@dataclass
class Feed:
    """Feeds events to the real handler on a real database, one transaction for each batch."""

    database: Database
    intake: FakeIntake = field(default_factory=FakeIntake)
    clock: ReplayClock = field(default_factory=lambda: ReplayClock(NOON))
    sorting: Sorting = field(default_factory=sorting)

    async def register(self, *petitions: MaskedPetition) -> None:
        """Register petitions in one batch."""
        self.intake.texts.update({item.key: item for item in petitions})
        await self.deliver(*((item.key, PetitionEvent.KIND_REGISTERED) for item in petitions))

    async def seal(self, *keys: PetitionKey) -> None:
        """Seal petitions: their texts go first, as in intake."""
        for key in keys:
            self.intake.texts.pop(key, None)
        await self.deliver(*((key, PetitionEvent.KIND_SEALED) for key in keys))

    def handler(self) -> PetitionsHandler:
        """The handler of the consumer."""
        return PetitionsHandler(self.database, self.intake, self.sorting, term_reader(), self.clock)

    async def deliver(self, *events: tuple[PetitionKey, PetitionEvent.Kind.ValueType]) -> None:
        """Deliver one batch, as the consumer does."""
        handler = self.handler()
        deliveries = [_delivery(key, kind) for key, kind in events]
        prepared = await handler.prepare(deliveries)
        async with self.database.transaction() as tx:
            await handler.apply(tx, deliveries, prepared)
            await tx.commit()


def _delivery(key: PetitionKey, kind: PetitionEvent.Kind.ValueType) -> Delivery:
    name = petition_name(key.region, key.uid)
    event = Event(subject=name, region_code=key.region, cursor="of the feed")
    event.petition.CopyFrom(PetitionEvent(kind=kind, petition=name))
    return Delivery(event, "")


_RULES = sorting()
_GRADES = grade_rules()


def sort_text(text: str | PetitionText) -> Sorted:
    """What the rules alone answer about a text."""
    whole = text if isinstance(text, PetitionText) else PetitionText(text, "")
    return _RULES.sort_now([ToSort(whole, REGION)])[0].sorted


def grades(text: str, people_bucket: int = 1) -> Grades:
    """Urgency, importance and hazard of a text."""
    return _GRADES.grade(text, people_bucket)
