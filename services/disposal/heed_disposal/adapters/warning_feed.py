"""Takes in warning.warnings: a raised warning becomes work, with the clock of its level."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC

from heed.warning.v1 import warning_service_pb2 as pb
from heed.warning.v1.events_pb2 import WarningEvent
from heed.warning.v1.resources_pb2 import Warning as WarningResource
from heed.warning.v1.warning_service_pb2_grpc import WarningServiceStub

from heed_disposal.adapters.case_store import PostgresCaseStore
from heed_disposal.application.raised_warnings import FollowWarnings, WarningNews
from heed_disposal.domain.opening import WarningFacts
from heed_disposal.domain.terms import Level
from heed_shared.clock import Clock
from heed_shared.database import Transaction
from heed_shared.feed import Delivery

# A snapshot tells a warning that somebody took on as acknowledged, and nothing of its raising.
LEVELLED = (
    WarningEvent.KIND_RAISED,
    WarningEvent.KIND_LEVEL_CHANGED,
    WarningEvent.KIND_ACKNOWLEDGED,
)
HEEDED = (*LEVELLED, WarningEvent.KIND_RESOLVED)


@dataclass(frozen=True)
class WarningHandler:
    """Handler of the feed."""

    warnings: WarningServiceStub
    follow: FollowWarnings
    clock: Clock

    async def prepare(self, deliveries: Sequence[Delivery]) -> Mapping[str, WarningResource]:
        """Ask for the warnings of the batch; no transaction is open."""
        names = sorted(
            {
                delivery.event.warning.warning
                for delivery in deliveries
                if delivery.event.warning.kind in LEVELLED
            }
        )
        answers = await asyncio.gather(
            *(self.warnings.GetWarning(pb.GetWarningRequest(name=name)) for name in names)
        )
        return {answer.warning.name: answer.warning for answer in answers}

    async def apply(
        self,
        tx: Transaction,
        deliveries: Sequence[Delivery],
        prepared: Mapping[str, WarningResource],
    ) -> None:
        """Open and update the response cases of the batch."""
        news = [
            _news(delivery, prepared)
            for delivery in deliveries
            if delivery.event.warning.kind in HEEDED
        ]
        await self.follow(PostgresCaseStore(tx), news, self.clock.now())

    async def rebuild(self, _tx: Transaction) -> None:
        """Delete nothing: response cases hold what people decided and signed.

        The snapshot, applied again, opens what is missing and follows levels that have changed; a
        case that was followed already stays as it is, and so does one that it does not name.
        """


def _news(delivery: Delivery, warnings: Mapping[str, WarningResource]) -> WarningNews:
    event = delivery.event.warning
    happened_at = delivery.event.recorded_at.ToDatetime(tzinfo=UTC)
    facts = None
    if event.kind in LEVELLED:
        warning = warnings[event.warning]
        facts = WarningFacts(
            warning=event.warning,
            region_code=warning.cell.region_code,
            category_code=warning.cell.category_code,
            title=f"{warning.region_title}{warning.category_title}预警处置",
            level=Level(event.effective_level or Level.BLUE),
            observed_count=warning.latest_evaluation.observed_count,
            raised_at=happened_at,
        )
    return WarningNews(event.warning, facts, happened_at, delivery.traceparent)
