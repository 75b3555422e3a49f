"""What intake does with the feeds of others: progress to show, suspicions to act on."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp
from heed.classifier.v1.events_pb2 import ClassificationEvent
from heed.disposal.v1.events_pb2 import ProgressEvent
from sqlalchemy import text

from heed_intake.adapters.sealing import Sealing
from heed_intake.domain.progress import Stage
from heed_shared.clock import Clock
from heed_shared.database import Transaction
from heed_shared.feed import Delivery
from heed_shared.ids import parse_resource_name

PROGRESS_FEED = "disposal.progress"
CLASSIFICATION_FEED = "classifier.classifications"

STAGES = {
    ProgressEvent.KIND_OPENED: Stage.CASE_OPENED,
    ProgressEvent.KIND_ROUTED: Stage.ROUTED,
    ProgressEvent.KIND_ACCEPTED: Stage.ACCEPTED,
    ProgressEvent.KIND_IN_PROGRESS: Stage.IN_PROGRESS,
    ProgressEvent.KIND_EXTENDED: Stage.EXTENDED,
    ProgressEvent.KIND_OPINION_ISSUED: Stage.OPINION_ISSUED,
    ProgressEvent.KIND_FOLLOWED_UP: Stage.FOLLOWED_UP,
    ProgressEvent.KIND_CLOSED: Stage.CLOSED,
    ProgressEvent.KIND_NOTIFIED: Stage.NOTIFIED,
    ProgressEvent.KIND_SERVED: Stage.SERVED,
    ProgressEvent.KIND_REVIEW_REQUESTED: Stage.REVIEW_REQUESTED,
    ProgressEvent.KIND_REVIEW_ISSUED: Stage.REVIEW_ISSUED,
    ProgressEvent.KIND_REOPENED: Stage.REOPENED,
    ProgressEvent.KIND_SUPERVISED: Stage.SUPERVISED,
    ProgressEvent.KIND_ANSWERED: Stage.ANSWERED,
}
# The lock keeps a step from being added behind the back of a petition that is just being sealed.
_ADD_STEPS = text("""
WITH given AS (
    SELECT * FROM unnest(CAST(:regions AS text[]), CAST(:uids AS uuid[]),
                         CAST(:stages AS smallint[]), CAST(:reached AS timestamptz[]),
                         CAST(:due AS timestamptz[]), CAST(:units AS text[]))
             WITH ORDINALITY AS given(region_code, uid, stage, reached_at, due_at, unit, place)
), present AS (
    SELECT region_code, uid FROM petition
     WHERE (region_code, uid) IN (SELECT region_code, uid FROM given)
       FOR KEY SHARE
)
INSERT INTO progress_step (uid, stage, reached_at, due_at, unit)
SELECT uid, stage, reached_at, due_at, unit
  FROM given JOIN present USING (region_code, uid)
 ORDER BY place
""")


_FORGET_STEPS = text("DELETE FROM progress_step")


class ProgressHandler:
    """Keeps the steps that disposal reports, for CheckProgress.

    A step of a petition that is not here (any more) is dropped: it was sealed meanwhile.
    """

    async def prepare(self, deliveries: Sequence[Delivery]) -> None:
        """Nothing takes time."""

    async def apply(self, tx: Transaction, deliveries: Sequence[Delivery], prepared: None) -> None:  # noqa: ARG002
        """Store the steps."""
        # A case opened from a warning has no petition, and nobody waits for its page.
        events = [item.event.progress for item in deliveries if item.event.progress.petition]
        names = [parse_resource_name(event.petition, "petitions") for event in events]
        await tx.connection.execute(
            _ADD_STEPS,
            {
                "regions": [region_code for region_code, _ in names],
                "uids": [uid for _, uid in names],
                "stages": [int(STAGES[event.kind]) for event in events],
                "reached": [_moment(event.stepped_at) for event in events],
                "due": [
                    _moment(event.due_at) if event.HasField("due_at") else None for event in events
                ],
                "units": [event.unit for event in events],
            },
        )

    async def rebuild(self, tx: Transaction) -> None:
        """Forget all steps: disposal's snapshot tells every one of them again."""
        await tx.connection.execute(_FORGET_STEPS)


class SuspicionHandler:
    """Seals what the classifier suspects to be an accusation; every other event is no concern."""

    def __init__(self, sealing: Sealing, clock: Clock) -> None:
        self._sealing = sealing
        self._clock = clock

    async def prepare(self, deliveries: Sequence[Delivery]) -> dict[UUID, int]:
        """Copy the suspects into the sealed lane, in a transaction of that lane."""
        uids = [uid for _, uid in map(_suspect, deliveries) if uid is not None]
        return await self._sealing.copy(uids, self._clock.now()) if uids else {}

    async def apply(
        self, tx: Transaction, deliveries: Sequence[Delivery], prepared: dict[UUID, int]
    ) -> None:
        """Remove them from the ordinary lane; one that was sealed before is left out."""
        versions = dict(prepared)
        for delivery in deliveries:
            region_code, uid = _suspect(delivery)
            if uid is None or uid not in versions:
                continue
            version = versions.pop(uid)
            await self._sealing.remove(
                tx, region_code, uid, version, self._clock.now(), delivery.traceparent
            )

    async def rebuild(self, _tx: Transaction) -> None:
        """Delete nothing: what was sealed stays sealed.

        The suspicions in the snapshot, applied again, concern only what is still in the ordinary
        lane; nothing is copied or told twice.
        """


def _suspect(delivery: Delivery) -> tuple[str, UUID | None]:
    event = delivery.event.classification
    if event.kind != ClassificationEvent.KIND_ACCUSATION_SUSPECTED:
        return "", None
    return parse_resource_name(event.petition, "petitions")


def _moment(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(UTC)
