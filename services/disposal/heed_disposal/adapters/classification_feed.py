"""Takes in classifier.classifications: asks what the matters now say, then opens or updates cases.

Of the petition itself only the time of receipt and whether it may be read at all are asked of
intake; its text is not used here and not kept.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC

from heed.classifier.v1 import classifier_service_pb2 as classifier_pb
from heed.classifier.v1.classifier_service_pb2_grpc import ClassifierServiceStub
from heed.classifier.v1.events_pb2 import ClassificationEvent
from heed.classifier.v1.resources_pb2 import BAND_AUTO, Classification, Matter
from heed.intake.v1 import intake_service_pb2 as intake_pb
from heed.intake.v1.intake_service_pb2_grpc import IntakeServiceStub

from heed_disposal.adapters.case_store import PostgresCaseStore
from heed_disposal.application.sorted_petitions import (
    Fate,
    FollowClassifications,
    SortedPetition,
)
from heed_disposal.domain.opening import MatterFacts
from heed_disposal.domain.terms import Importance, Nature, People, Urgency
from heed_shared.clock import Clock
from heed_shared.database import Transaction
from heed_shared.feed import Delivery

RECEIPTS = 16
"""Petitions in one question to intake: so many of the longest texts fit into one message."""

Kind = ClassificationEvent.Kind
Availability = intake_pb.MaskedText.Availability


@dataclass(frozen=True)
class Sources:
    """What the other services say of the petitions of a batch."""

    classifications: Mapping[str, Classification]
    receipts: Mapping[str, intake_pb.MaskedText]


@dataclass(frozen=True)
class ClassificationHandler:
    """Handler of the feed."""

    classifier: ClassifierServiceStub
    intake: IntakeServiceStub
    follow: FollowClassifications
    clock: Clock

    async def prepare(self, deliveries: Sequence[Delivery]) -> Sources:
        """Ask for the classifications and receipts of the batch; no transaction is open."""
        petitions = list(_newest(deliveries))
        classified = await self.classifier.BatchGetClassifications(
            classifier_pb.BatchGetClassificationsRequest(
                names=[f"{petition}/classification" for petition in petitions]
            )
        )
        answers = await asyncio.gather(
            *(
                self.intake.BatchGetMaskedTexts(
                    intake_pb.BatchGetMaskedTextsRequest(names=petitions[at : at + RECEIPTS])
                )
                for at in range(0, len(petitions), RECEIPTS)
            )
        )
        return Sources(
            {found.petition: found for found in classified.classifications},
            {text.petition: text for answer in answers for text in answer.texts},
        )

    async def apply(
        self, tx: Transaction, deliveries: Sequence[Delivery], prepared: Sources
    ) -> None:
        """Open and update the cases of the batch."""
        petitions = [
            found
            for petition, delivery in _newest(deliveries).items()
            if (found := _sorted(petition, delivery, prepared)) is not None
        ]
        await self.follow(PostgresCaseStore(tx), petitions, self.clock.now())

    async def rebuild(self, _tx: Transaction) -> None:
        """Delete nothing: cases hold what people decided and signed.

        The snapshot, applied again, opens what is missing and corrects what has changed; a case
        that was followed already stays as it is, and so does one that the snapshot does not name.
        """


def _newest(deliveries: Sequence[Delivery]) -> dict[str, Delivery]:
    """Return the last event of each petition: what was asked is the present state anyway."""
    return {delivery.event.classification.petition: delivery for delivery in deliveries}


def _sorted(petition: str, delivery: Delivery, sources: Sources) -> SortedPetition | None:
    """Return what to do about a petition; None where a later event will say it."""
    receipt = sources.receipts.get(petition)
    availability = receipt.availability if receipt else Availability.AVAILABILITY_NOT_FOUND
    kind = delivery.event.classification.kind
    if kind == Kind.KIND_ACCUSATION_SUSPECTED:
        return SortedPetition(petition, Fate.SEALED, traceparent=delivery.traceparent)
    if kind == Kind.KIND_REMOVED:
        erased = availability == Availability.AVAILABILITY_ERASED
        fate = Fate.ERASED if erased else Fate.SEALED
        return SortedPetition(petition, fate, traceparent=delivery.traceparent)
    classification = sources.classifications.get(petition)
    readable = availability == Availability.AVAILABILITY_READABLE
    if classification is None or receipt is None or not readable:
        return None
    return SortedPetition(
        petition=petition,
        fate=Fate.SORTED,
        matters=tuple(_facts(classification, m, receipt) for m in classification.matters),
        traceparent=delivery.traceparent,
    )


def _facts(
    classification: Classification, matter: Matter, receipt: intake_pb.MaskedText
) -> MatterFacts:
    return MatterFacts(
        matter=matter.name,
        petition=classification.petition,
        region_code=classification.region_code,
        category_code=matter.category_code,
        title=matter.title,
        received_at=receipt.received_at.ToDatetime(tzinfo=UTC),
        nature=Nature(matter.nature),
        urgency=Urgency(matter.urgency),
        importance=Importance(matter.importance),
        people=People(matter.people_bucket),
        hazard=matter.hazard,
        sure=matter.band == BAND_AUTO,
        incident=matter.incident,
        repeat_of=matter.repeat_of,
        proposed_unit=matter.target.unit,
    )
