"""The present state of the feed warning.warnings: every warning that was raised, as events."""

from __future__ import annotations

from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncConnection

from heed_shared.feed.records import NewEvent
from heed_shared.ids import etag_of
from heed_warning.adapters.warning_rows import kept_of
from heed_warning.application.announcing import WARNINGS_FEED, warning_event
from heed_warning.domain.life import CellWarning, Change
from heed_warning.domain.transitions import State

# What was never announced, because a silence or a warning above covers it, is not told here.
_RAISED = "SELECT * FROM warning WHERE announced_level > 0 ORDER BY uid"
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
            subject=kept.warning.name,
            region_code=kept.warning.cell.region,
            etag=etag_of(kept.warning.version),
            recorded_at=kept.updated_at,
            payload=warning_event(kept.warning, _change_of(kept.warning)),
        )


def _change_of(warning: CellWarning) -> Change:
    """Return the change to tell: what was judged real is work still, which somebody has."""
    if warning.state is State.JUDGED:
        return Change.JUDGED if warning.rests else Change.ACKNOWLEDGED
    return _CHANGE_OF[warning.state]
