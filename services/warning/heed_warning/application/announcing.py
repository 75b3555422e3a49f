"""Tells the feed warning.warnings what happened to warnings, in the transaction that did it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from heed.common.v1.matter_pb2 import WarningLevel
from heed.warning.v1.events_pb2 import WarningEvent

from heed_shared import telemetry
from heed_shared.database import Transaction
from heed_shared.feed.records import FeedSpec, NewEvent
from heed_shared.ids import etag_of, resource_name
from heed_warning.domain.life import CellWarning, Change

WARNINGS_FEED = FeedSpec("warning.warnings", "warning", consumers=("disposal",))


def warning_name(warning: CellWarning) -> str:
    """Return the resource name of a warning."""
    return resource_name("warnings", warning.cell.region, warning.uid)


def warning_event(warning: CellWarning, change: Change) -> WarningEvent:
    """Return the payload that tells of a change."""
    return WarningEvent(
        kind=WarningEvent.Kind.ValueType(change),
        warning=warning_name(warning),
        effective_level=WarningLevel.ValueType(warning.effective),
    )


async def announce(
    tx: Transaction, changes: Sequence[tuple[CellWarning, Change]], now: datetime
) -> None:
    """Publish an event for each change."""
    await tx.publish(
        [
            NewEvent(
                feed=WARNINGS_FEED.name,
                subject=warning_name(warning),
                region_code=warning.cell.region,
                etag=etag_of(warning.version),
                recorded_at=now,
                payload=warning_event(warning, change),
            )
            for warning, change in changes
        ]
    )
    for _, change in changes:
        telemetry.record("heed.warning.warnings", 1, kind=change.name.lower())
