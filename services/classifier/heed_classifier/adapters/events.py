"""Changes as events of the two feeds, and the present state as snapshots of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from heed.classifier.v1.events_pb2 import ClassificationEvent
from heed.common.v1.observation_pb2 import CellDelta, Observation
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from heed_classifier.application.petition_changes import Change
from heed_classifier.domain.nature import Nature
from heed_classifier.domain.observations import Counted, Measure, cell_key, deltas
from heed_classifier.domain.records import PetitionKey
from heed_shared.clock import day_end
from heed_shared.database import raw
from heed_shared.feed.records import FeedSpec, NewEvent
from heed_shared.ids import etag_of, petition_name

CLASSIFICATIONS = FeedSpec("classifier.classifications", "classification", ("intake", "disposal"))
OBSERVATIONS = FeedSpec("classifier.observations", "observation", ("warning",), restricted=True)
_MOST_DELTAS = 1000
_STATE = text("SELECT region, uid, region_code, version, updated_at FROM classification")
_SUSPICIONS = text("""
SELECT region, uid, suspected_at FROM suspicion
WHERE NOT EXISTS (
    SELECT 1 FROM classification
    WHERE classification.region = suspicion.region AND classification.uid = suspicion.uid
)
""")
_COUNTS = """
SELECT received_day, region_code, category_code, nature, hazard, people_bucket,
    repeat_uid IS NOT NULL AS repeat, count(*) AS items
FROM matter
GROUP BY received_day, region_code, category_code, nature, hazard, people_bucket, repeat
ORDER BY received_day, region_code, category_code
"""


def name_of(key: PetitionKey) -> str:
    """Resource name of the petition."""
    return petition_name(key.region, key.uid)


def change_events(
    changes: Sequence[Change],
    now: datetime,
    traces: Mapping[PetitionKey, str] | None = None,
) -> list[NewEvent]:
    """The events of both feeds for changes, in order."""
    events: list[NewEvent] = []
    for change in changes:
        traceparent = (traces or {}).get(change.cause or change.key, "")
        kind = ClassificationEvent.Kind.Value(f"KIND_{change.outcome.value}")
        petition = name_of(change.key)
        events.append(
            NewEvent(
                feed=CLASSIFICATIONS.name,
                subject=petition,
                region_code=change.region_code,
                etag=etag_of(change.version),
                recorded_at=now,
                payload=ClassificationEvent(
                    kind=kind, classification=f"{petition}/classification", petition=petition
                ),
                traceparent=traceparent,
            )
        )
        events += _observation(change.before, change.after, now, traceparent)
    return events


def _observation(
    before: Sequence[Counted], after: Sequence[Counted], now: datetime, traceparent: str
) -> list[NewEvent]:
    """One event for all matters of a petition: they share its region and its day."""
    moved = deltas(before, after)
    if not moved:
        return []
    counted = (*before, *after)[0]
    observation = Observation(
        received_day=counted.received_day.isoformat(),
        deltas=[
            CellDelta(
                region_code=delta.region_code,
                category_code=delta.category_code,
                measure=int(delta.measure),  # type: ignore[arg-type]
                bucket=delta.bucket,
                delta=delta.delta,
            )
            for delta in moved
        ],
    )
    observation.recorded_at.FromDatetime(now)
    return [
        NewEvent(
            feed=OBSERVATIONS.name,
            subject="",
            region_code=counted.region_code,
            etag="",
            recorded_at=now,
            payload=observation,
            shard_key=cell_key(counted),
            traceparent=traceparent,
        )
    ]


async def classification_snapshot(connection: AsyncConnection) -> AsyncIterator[NewEvent]:
    """Every classification as if it had just been made, and every suspicion that still stands."""
    for row in await connection.execute(_STATE):
        petition = name_of(PetitionKey(row.region, row.uid))
        yield NewEvent(
            feed=CLASSIFICATIONS.name,
            subject=petition,
            region_code=row.region_code,
            etag=etag_of(row.version),
            recorded_at=row.updated_at,
            payload=ClassificationEvent(
                kind=ClassificationEvent.KIND_CLASSIFIED,
                classification=f"{petition}/classification",
                petition=petition,
            ),
        )
    for row in await connection.execute(_SUSPICIONS):
        petition = name_of(PetitionKey(row.region, row.uid))
        yield NewEvent(
            feed=CLASSIFICATIONS.name,
            subject=petition,
            region_code=row.region,
            etag=etag_of(1),
            recorded_at=row.suspected_at,
            payload=ClassificationEvent(
                kind=ClassificationEvent.KIND_ACCUSATION_SUSPECTED,
                classification=f"{petition}/classification",
                petition=petition,
            ),
        )


async def observation_snapshot(connection: AsyncConnection) -> AsyncIterator[NewEvent]:
    """The counts of every day and region, summed up; they name no petition."""
    sums: dict[tuple[str, str], dict[tuple[str, Measure, int], int]] = {}
    for row in await (await raw(connection)).fetch(_COUNTS):
        counted = Counted(
            row["received_day"],
            row["region_code"],
            row["category_code"],
            Nature(row["nature"]),
            row["hazard"],
            row["people_bucket"],
            row["repeat"],
        )
        cells = sums.setdefault((row["received_day"].isoformat(), row["region_code"]), {})
        for delta in deltas((), (counted,)):
            cell = (delta.category_code, delta.measure, delta.bucket)
            cells[cell] = cells.get(cell, 0) + delta.delta * row["items"]
    for (day, region_code), cells in sums.items():
        recorded_at = day_end(date.fromisoformat(day)) - timedelta(microseconds=1)
        for event in _summed(day, region_code, cells, recorded_at):
            yield event


def _summed(
    day: str, region_code: str, cells: dict[tuple[str, Measure, int], int], recorded_at: datetime
) -> list[NewEvent]:
    items = sorted(cells.items())
    events = []
    for start in range(0, len(items), _MOST_DELTAS):
        observation = Observation(
            received_day=day,
            deltas=[
                CellDelta(
                    region_code=region_code,
                    category_code=category,
                    measure=int(measure),  # type: ignore[arg-type]
                    bucket=bucket,
                    delta=total,
                )
                for (category, measure, bucket), total in items[start : start + _MOST_DELTAS]
            ],
        )
        observation.recorded_at.FromDatetime(recorded_at)
        events.append(
            NewEvent(
                feed=OBSERVATIONS.name,
                subject="",
                region_code=region_code,
                etag="",
                recorded_at=recorded_at,
                payload=observation,
                shard_key=f"{region_code}|",
            )
        )
    return events
