# ruff: noqa: ARG002 - the consumer hands over what `prepare` gave, which is nothing here
"""Applies counts from the feeds: whole batches at once, by addition."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date

from heed.common.v1.observation_pb2 import Measure, Observation
from heed.disposal.v1.events_pb2 import WarningVerdict

from heed_shared import telemetry
from heed_shared.database import Transaction
from heed_shared.feed.records import Delivery
from heed_shared.ids import parse_resource_name
from heed_warning.application.judging import Desk
from heed_warning.application.observations import apply_deltas
from heed_warning.application.places import Places
from heed_warning.application.ports import Counts
from heed_warning.domain.counts import Delta
from heed_warning.domain.life import Verdict

CLASSIFIER_MEASURES = (
    Measure.MEASURE_ITEMS,
    Measure.MEASURE_REPEAT,
    Measure.MEASURE_JOINT,
    Measure.MEASURE_HAZARD,
    Measure.MEASURE_PEOPLE,
    Measure.MEASURE_SUGGESTION,
)
DISPOSAL_MEASURES = (
    Measure.MEASURE_OVERDUE,
    Measure.MEASURE_DUE,
    Measure.MEASURE_RATED,
    Measure.MEASURE_DISSATISFIED,
    Measure.MEASURE_INVITED,
    Measure.MEASURE_SUPPORTED,
    Measure.MEASURE_UNPERFORMED,
    Measure.MEASURE_REVIEWED,
    Measure.MEASURE_OVERTURNED,
    Measure.MEASURE_STALE,
)


class ObservationHandler:
    """Handles the feed classifier.observations."""

    def __init__(self, counts: Counts, places: Places) -> None:
        self._counts = counts
        self._places = places

    async def prepare(self, deliveries: Sequence[Delivery]) -> None:
        """Nothing takes time here."""

    async def apply(self, tx: Transaction, deliveries: Sequence[Delivery], prepared: None) -> None:
        """Add the counts of all events."""
        found = [delta for item in deliveries for delta in deltas_of(item.event.observation)]
        await apply_deltas(tx, self._counts, self._places, found)
        telemetry.record("heed.warning.observed", len(found))

    async def rebuild(self, tx: Transaction) -> None:
        """Take back what came through the feed, before its snapshot comes."""
        await self._counts.withdraw(tx, CLASSIFIER_MEASURES)


class OutcomeHandler:
    """Handles the feed disposal.outcomes: counts of handling, and verdicts on warnings."""

    def __init__(self, counts: Counts, places: Places, desk: Desk) -> None:
        self._counts = counts
        self._places = places
        self._desk = desk

    async def prepare(self, deliveries: Sequence[Delivery]) -> None:
        """Nothing takes time here."""

    async def apply(self, tx: Transaction, deliveries: Sequence[Delivery], prepared: None) -> None:
        """Add the counts of all events; take over verdicts in order."""
        found: list[Delta] = []
        for item in deliveries:
            outcome = item.event.outcome
            if outcome.WhichOneof("outcome") == "verdict":
                await self._take(tx, outcome.verdict)
            else:
                found += deltas_of(outcome.observation)
        await apply_deltas(tx, self._counts, self._places, found)

    async def rebuild(self, tx: Transaction) -> None:
        """Take back the counts that came through the feed; verdicts stay as they are."""
        await self._counts.withdraw(tx, DISPOSAL_MEASURES)

    async def _take(self, tx: Transaction, verdict: WarningVerdict) -> None:
        region, uid = parse_resource_name(verdict.warning, "warnings", "verdict.warning")
        await self._desk.take_finding(tx, region, uid, Verdict(verdict.finding))


def deltas_of(observation: Observation) -> list[Delta]:
    """Return the signed counts of one event."""
    day = date.fromisoformat(observation.received_day)
    recorded_at = observation.recorded_at.ToDatetime(UTC)
    return [
        Delta(
            received_day=day,
            recorded_at=recorded_at,
            region=delta.region_code,
            category=delta.category_code,
            measure=delta.measure,
            bucket=delta.bucket,
            delta=delta.delta,
        )
        for delta in observation.deltas
    ]
