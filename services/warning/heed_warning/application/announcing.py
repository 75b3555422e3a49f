"""Tells the feed warning.warnings what happened to warnings, in the transaction that did it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from heed.common.v1.matter_pb2 import WarningLevel
from heed.warning.v1.events_pb2 import WarningEvent

from heed_shared import telemetry
from heed_shared.database import Transaction
from heed_shared.feed.records import FeedSpec, NewEvent
from heed_shared.ids import etag_of
from heed_warning.domain.life import CellWarning, Change
from heed_warning.domain.settling import News

WARNINGS_FEED = FeedSpec("warning.warnings", "warning", consumers=("disposal",))


def warning_event(warning: CellWarning, change: Change) -> WarningEvent:
    """Return the payload that tells of a change."""
    return WarningEvent(
        kind=WarningEvent.Kind.ValueType(change),
        warning=warning.name,
        effective_level=WarningLevel.ValueType(warning.effective),
    )


async def announce(tx: Transaction, news: Sequence[News], now: datetime) -> None:
    """Publish an event for each change."""
    told = [(item.warning, change) for item in news for change in item.changes]
    await tx.publish(
        [
            NewEvent(
                feed=WARNINGS_FEED.name,
                subject=warning.name,
                region_code=warning.cell.region,
                etag=etag_of(warning.version),
                recorded_at=now,
                payload=warning_event(warning, change),
            )
            for warning, change in told
        ]
    )
    for _, change in told:
        telemetry.record("heed.warning.warnings", 1, kind=change.name.lower())
