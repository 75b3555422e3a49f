"""The present state of disposal's feeds, from which a consumer rebuilds what it derived."""

from collections.abc import AsyncIterator, Mapping

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from heed_disposal.adapters.case_rows import step_of
from heed_disposal.adapters.outbox import OUTCOMES, PROGRESS, observation, progress, verdict
from heed_disposal.adapters.tables import CASES, DEADLINES, STEPS
from heed_disposal.domain.counts import Cell, CountDelta, CountKind
from heed_disposal.domain.terms import Finding, StepKind
from heed_shared.clock import Clock
from heed_shared.feed import NewEvent
from heed_shared.feed.snapshot import SnapshotSource
from heed_shared.ids import etag_of, resource_name

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
        overdue = func.count().filter(DEADLINES.c.counted_overdue)
        cell = (DEADLINES.c.counted_region, DEADLINES.c.counted_category, DEADLINES.c.counted_on)
        counts = (
            select(*cell, func.count().label("due"), overdue.label("overdue"))
            .where(DEADLINES.c.counted_on.is_not(None))
            .group_by(*cell)
        )
        async for row in await connection.stream(counts):
            counted = Cell(row.counted_region, row.counted_category, row.counted_on)
            deltas = [CountDelta(counted, CountKind.DUE, row.due)]
            if row.overdue:
                deltas.append(CountDelta(counted, CountKind.OVERDUE, row.overdue))
            yield NewEvent(
                feed=OUTCOMES,
                subject="",
                region_code=counted.region_code,
                etag="",
                recorded_at=now,
                payload=observation(counted.day, deltas, now),
                shard_key=f"{counted.region_code}|{counted.category_code}",
            )
        closed = select(CASES).where(CASES.c.finding != int(Finding.UNSPECIFIED))
        async for row in await connection.stream(closed):
            yield NewEvent(
                feed=OUTCOMES,
                subject=row.warning,
                region_code=row.handling_region,
                etag=etag_of(row.version),
                recorded_at=row.updated_at,
                payload=verdict(row.warning, Finding(row.finding)),
                shard_key=f"{row.handling_region}|{row.category_code}",
            )
