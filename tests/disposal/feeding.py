"""Other services as disposal sees them, written by hand: what they say is set by the test."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from heed.classifier.v1 import classifier_service_pb2 as classifier_pb
from heed.classifier.v1 import events_pb2 as classifier_events
from heed.classifier.v1 import resources_pb2 as classifier
from heed.common.v1 import matter_pb2 as matter_terms
from heed.feed.v1.event_pb2 import Event
from heed.intake.v1 import events_pb2 as intake_events
from heed.intake.v1 import intake_service_pb2 as intake_pb
from heed.warning.v1 import events_pb2 as warning_events
from heed.warning.v1 import resources_pb2 as warning
from heed.warning.v1 import warning_service_pb2 as warning_pb
from sqlalchemy import text

from heed_disposal.adapters.case_store import PostgresCaseStore
from heed_disposal.adapters.classification_feed import ClassificationHandler
from heed_disposal.adapters.petition_feed import PetitionHandler
from heed_disposal.adapters.warning_feed import WarningHandler
from heed_disposal.application.raised_warnings import FollowWarnings
from heed_disposal.application.sorted_petitions import FollowClassifications
from heed_disposal.domain.case import Case
from heed_shared.clock import ReplayClock
from heed_shared.database import Database
from heed_shared.feed import Delivery, Handler
from heed_shared.ids import new_uid
from tests.disposal.builders import MONDAY, REGION, handbook, petition

READABLE = intake_pb.MaskedText.AVAILABILITY_READABLE
Kind = classifier_events.ClassificationEvent
Answer = TypeVar("Answer")


@dataclass
class OtherServices:
    """Classifier, intake and warning, as far as disposal asks them anything."""

    classifications: dict[str, classifier.Classification] = field(default_factory=dict)
    texts: dict[str, intake_pb.MaskedText] = field(default_factory=dict)
    warnings: dict[str, warning.Warning] = field(default_factory=dict)

    async def BatchGetClassifications(  # noqa: N802 - of the contract
        self, request: classifier_pb.BatchGetClassificationsRequest
    ) -> classifier_pb.BatchGetClassificationsResponse:
        """Return those that exist."""
        names = [name.removesuffix("/classification") for name in request.names]
        found = [self.classifications[name] for name in names if name in self.classifications]
        return classifier_pb.BatchGetClassificationsResponse(classifications=found)

    async def BatchGetMaskedTexts(  # noqa: N802 - of the contract
        self, request: intake_pb.BatchGetMaskedTextsRequest
    ) -> intake_pb.BatchGetMaskedTextsResponse:
        """Return one entry for each name."""
        return intake_pb.BatchGetMaskedTextsResponse(
            texts=[self.texts[name] for name in request.names]
        )

    async def GetWarning(  # noqa: N802 - of the contract
        self, request: warning_pb.GetWarningRequest
    ) -> warning_pb.GetWarningResponse:
        """Return the warning."""
        return warning_pb.GetWarningResponse(warning=self.warnings[request.name])

    def sorted(self, number: int = 1, **changes: Any) -> str:
        """Have a petition registered and sorted as an ordinary appeal; return its name."""
        name = petition(number)
        fields: dict[str, Any] = {
            "name": f"{name}/matters/1",
            "category_code": "01",
            "band": classifier.BAND_AUTO,
            "nature": matter_terms.NATURE_APPEAL_REQUEST,
            "urgency": matter_terms.URGENCY_U2,
            "importance": matter_terms.IMPORTANCE_ORDINARY,
            "people_bucket": matter_terms.PEOPLE_BUCKET_ONE,
            "title": "交房两年仍未办下房产证",
        }
        told = classifier.Matter(**(fields | changes))
        self.classifications[name] = classifier.Classification(
            name=f"{name}/classification", petition=name, region_code=REGION, matters=[told]
        )
        receipt = intake_pb.MaskedText(petition=name, availability=READABLE, region_code=REGION)
        receipt.received_at.FromDatetime(MONDAY)
        self.texts[name] = receipt
        return name

    def raised(self, number: int = 1) -> str:
        """Have a warning firing; return its name."""
        name = petition(number).replace("petitions/", "warnings/")
        self.warnings[name] = warning.Warning(
            name=name,
            cell=warning.Cell(region_code=REGION, category_code="01"),
            region_title="东城区",
            category_title="城乡建设",
            latest_evaluation=warning.Evaluation(observed_count=24),
        )
        return name


@dataclass
class Feeding:
    """Feeds disposal's own handlers with events, as the consumer would, on a real database."""

    database: Database
    others: OtherServices = field(default_factory=OtherServices)
    clock: ReplayClock = field(default_factory=lambda: ReplayClock(MONDAY))

    def handlers(self) -> dict[str, Handler]:
        """The handlers by payload."""
        others: Any = self.others
        uids: Callable[[datetime], UUID] = new_uid
        return {
            "classification": ClassificationHandler(
                others, others, FollowClassifications(handbook(), uids), self.clock
            ),
            "petition": PetitionHandler(self.clock),
            "warning": WarningHandler(others, FollowWarnings(handbook(), uids), self.clock),
        }

    async def feed(self, *events: Event, traceparent: str = "") -> None:
        """Prepare and apply one batch of events of one feed, in one transaction."""
        handler = self.handlers()[str(events[0].WhichOneof("payload"))]
        deliveries: Sequence[Delivery] = [Delivery(event, traceparent) for event in events]
        prepared = await handler.prepare(deliveries)
        async with self.database.transaction() as tx:
            await handler.apply(tx, deliveries, prepared)
            await tx.commit()

    async def classified(
        self, name: str, kind: "Kind.Kind.ValueType" = Kind.KIND_CLASSIFIED
    ) -> None:
        """Feed one event of the classifier."""
        await self.feed(classification_event(name, kind))

    async def ended(self, name: str, kind: "intake_events.PetitionEvent.Kind.ValueType") -> None:
        """Feed one event of intake."""
        event = Event(subject=name, petition=intake_events.PetitionEvent(kind=kind, petition=name))
        await self.feed(event)

    async def supplemented(self, name: str) -> None:
        """Feed the event that the petitioner added to a petition."""
        kind = intake_events.PetitionEvent.KIND_SUPPLEMENTED
        event = Event(subject=name, cursor="of the feed")
        event.petition.CopyFrom(intake_events.PetitionEvent(kind=kind, petition=name))
        await self.feed(event)

    async def warned(
        self,
        name: str,
        kind: "warning_events.WarningEvent.Kind.ValueType",
        level: "matter_terms.WarningLevel.ValueType",
    ) -> None:
        """Feed one event of warning."""
        event = Event(
            subject=name,
            warning=warning_events.WarningEvent(kind=kind, warning=name, effective_level=level),
        )
        event.recorded_at.FromDatetime(self.clock.now())
        await self.feed(event)

    async def with_store(self, read: Callable[[PostgresCaseStore], Awaitable[Answer]]) -> Answer:
        """Ask the store something in a transaction of its own."""
        async with self.database.transaction() as tx:
            return await read(PostgresCaseStore(tx))

    async def cases(self, name: str) -> list[Case]:
        """The cases of a petition."""
        found = await self.with_store(lambda store: store.of_petitions([name]))
        return found.get(name, [])

    async def case(self, name: str) -> Case:
        """The one case of a petition."""
        (case,) = await self.cases(name)
        return case

    async def warning_case(self, name: str) -> Case:
        """The one case of a warning."""
        (case,) = await self.with_store(lambda store: store.of_warnings([name]))
        return case

    async def events(self, feed_name: str) -> list[Event]:
        """The payloads that disposal has published in a feed, in order."""
        async with self.database.read() as connection:
            rows = await connection.execute(
                text("SELECT payload, subject, shard FROM feed_event WHERE feed = :f ORDER BY id"),
                {"f": feed_name},
            )
            events = []
            for row in rows:
                event = Event(subject=row.subject, shard=row.shard)
                field_name = "progress" if feed_name == "disposal.progress" else "outcome"
                getattr(event, field_name).ParseFromString(row.payload)
                events.append(event)
            return events


def classification_event(name: str, kind: "Kind.Kind.ValueType" = Kind.KIND_CLASSIFIED) -> Event:
    """One event of the classifier."""
    return Event(subject=name, classification=Kind(kind=kind, petition=name))
