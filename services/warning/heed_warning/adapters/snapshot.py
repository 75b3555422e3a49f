"""The present state of the feed warning.warnings: every warning that was raised, as events."""

from __future__ import annotations

from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncConnection

from heed_shared.feed.records import NewEvent
from heed_shared.ids import etag_of
from heed_warning.adapters.warnings import kept_of
from heed_warning.application.announcing import WARNINGS_FEED, warning_event, warning_name
from heed_warning.domain.life import Change, State

_RAISED = "SELECT * FROM warning WHERE state > 1 ORDER BY uid"
_CHANGE_OF = {
    State.FIRING: Change.RAISED,
    State.ACKNOWLEDGED: Change.ACKNOWLEDGED,
    State.RESOLVED: Change.RESOLVED,
}


async def warning_snapshot(connection: AsyncConnection) -> AsyncIterator[NewEvent]:
    """Yield one event for each warning: the change that led to its present state."""
    for row in await connection.exec_driver_sql(_RAISED):
        kept = kept_of(row)
        yield NewEvent(
            feed=WARNINGS_FEED.name,
            subject=warning_name(kept.warning),
            region_code=kept.warning.cell.region,
            etag=etag_of(kept.warning.version),
            recorded_at=kept.updated_at,
            payload=warning_event(kept.warning, _CHANGE_OF[kept.warning.state]),
        )
