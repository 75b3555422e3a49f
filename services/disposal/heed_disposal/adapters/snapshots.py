"""The present state of disposal's feeds, from which a consumer rebuilds what it derived."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from heed_disposal.adapters.case_rows import step_of
from heed_disposal.adapters.outbox import OUTCOMES, PROGRESS, observation, progress, verdict
from heed_disposal.adapters.tables import CASES, STEPS
from heed_disposal.domain.counts import Cell, CountDelta, CountKind
from heed_disposal.domain.terms import Finding, StepKind
from heed_shared.clock import Clock
from heed_shared.feed import NewEvent
from heed_shared.feed.snapshot import SnapshotSource
from heed_shared.ids import etag_of, resource_name

# Kinds 6 and 7 are OVERDUE and DUE, which deadlines remember; the others are marks of cases.
_COUNTS = text(
    """
    SELECT region_code, category_code, day, kind, bucket, count(*) AS items FROM (
        SELECT m.* FROM cases CROSS JOIN LATERAL jsonb_to_recordset(marks)
            AS m(region_code text, category_code text, day date, kind int, bucket int)
        WHERE m.region_code <> ''
        UNION ALL
        SELECT counted_region, counted_category, counted_on, k.kind, 0
        FROM case_deadline CROSS JOIN LATERAL (
            SELECT 7 AS kind UNION ALL SELECT 6 WHERE counted_overdue
        ) k
        WHERE counted_on IS NOT NULL
    ) counted
    GROUP BY region_code, category_code, day, kind, bucket
    ORDER BY region_code, category_code, day, kind, bucket
    """
)
_SAME_CASE = (CASES.c.region == STEPS.c.region) & (CASES.c.uid == STEPS.c.uid)


def snapshot_sources(clock: Clock) -> Mapping[str, SnapshotSource]:
    """Return the sources by feed."""
    return {PROGRESS: _progress, OUTCOMES: Outcomes(clock)}


async def _progress(connection: AsyncConnection) -> AsyncIterator[NewEvent]:
    """Yield every public step of every petition's case, in order."""
    query = (
        select(STEPS, CASES.c.petition, CASES.c.handling_region, CASES.c.version)
        .join(CASES, _SAME_CASE)
        .where(STEPS.c.kind != int(StepKind.NONE), CASES.c.petition != "")
        .order_by(STEPS.c.id)
    )
    async for row in await connection.stream(query):
        step = step_of(row)
        yield NewEvent(
            feed=PROGRESS,
            subject=row.petition,
            region_code=row.handling_region,
            etag=etag_of(row.version),
            recorded_at=step.at,
            payload=progress(row.petition, resource_name("cases", row.region, row.uid), step),
        )


class Outcomes:
    """Counts as they stand, cell by cell, then the verdicts on warnings."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def __call__(self, connection: AsyncConnection) -> AsyncIterator[NewEvent]:
        """Yield the state."""
        now = self._clock.now()
        counts: list[CountDelta] = []
        async for row in await connection.stream(_COUNTS):
            cell = Cell(row.region_code, row.category_code, row.day)
            if counts and counts[0].cell != cell:
                yield _observed(counts, now)
                counts = []
            counts.append(CountDelta(cell, CountKind(row.kind), row.items, row.bucket))
        if counts:
            yield _observed(counts, now)
        closed = select(CASES).where(CASES.c.finding != int(Finding.UNSPECIFIED))
        async for row in await connection.stream(closed):
            for warning in (row.warning, *row.joined_warnings):
                yield NewEvent(
                    feed=OUTCOMES,
                    subject=warning,
                    region_code=row.handling_region,
                    etag=etag_of(row.version),
                    recorded_at=row.updated_at,
                    payload=verdict(warning, Finding(row.finding)),
                    shard_key=f"{row.handling_region}|{row.category_code}",
                )


def _observed(counts: list[CountDelta], now: datetime) -> NewEvent:
    """Return the event of one cell and day."""
    cell = counts[0].cell
    return NewEvent(
        feed=OUTCOMES,
        subject="",
        region_code=cell.region_code,
        etag="",
        recorded_at=now,
        payload=observation(cell.day, counts, now),
        shard_key=f"{cell.region_code}|{cell.category_code}",
    )
