"""What tests of counts share: observations, and ways to apply and to see them."""

from __future__ import annotations

from datetime import UTC, date, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from heed.common.v1.observation_pb2 import (
    CellDelta,
    Observation,
)
from heed.feed.v1.event_pb2 import Event

from heed_shared.clock import ReplayClock
from heed_shared.database import Database
from heed_shared.feed import Delivery
from heed_shared.reference.regions import Regions
from heed_shared.reference.taxonomy import Taxonomy
from heed_warning.adapters.counts import PostgresCounts
from heed_warning.adapters.escalation_rules import read_escalation_rules
from heed_warning.adapters.observation_handler import ObservationHandler
from heed_warning.adapters.panels import PostgresPanels
from heed_warning.adapters.silences import PostgresSilences
from heed_warning.adapters.warnings import PostgresWarnings
from heed_warning.application.judging import Desk
from heed_warning.application.places import Places
from heed_warning.application.settlement import Settlement

DAY = date(2025, 6, 2)
NOON = datetime(2025, 6, 2, 4, tzinfo=UTC)
COUNTY, CITY, PROVINCE = "320102", "320100", "320000"
PLACES = Places(Regions.load(None), Taxonomy.load(None))


def observation(
    *deltas: tuple[str, str, int], day: date = DAY, at: datetime = NOON, measure: int = 1
) -> Observation:
    """Signed counts of cells."""
    recorded_at = Timestamp()
    recorded_at.FromDatetime(at)
    return Observation(
        received_day=day.isoformat(),
        recorded_at=recorded_at,
        deltas=[
            CellDelta(region_code=region, category_code=category, measure=measure, delta=delta)  # type: ignore[arg-type]
            for region, category, delta in deltas
        ],
    )


def delivery(given: Observation) -> Delivery:
    return Delivery(Event(observation=given), "")


async def apply(store: Database, *observations: Observation) -> None:
    """Apply observations in one transaction."""
    async with store.transaction() as tx:
        handler = ObservationHandler(PostgresCounts(), PLACES)
        await handler.apply(tx, [delivery(item) for item in observations], None)
        await tx.commit()


def panels(store: Database) -> PostgresPanels:
    return PostgresPanels(store, PostgresCounts(), PLACES.level, PLACES.still_above)


def settlement() -> Settlement:
    """What settles warnings, with the shipped rules."""
    return Settlement(PostgresWarnings(), PostgresSilences(), PLACES, read_escalation_rules())


def desk_at(moment: datetime) -> Desk:
    """The desk at a moment of the business clock."""
    return Desk(PostgresWarnings(), settlement(), ReplayClock(moment))
