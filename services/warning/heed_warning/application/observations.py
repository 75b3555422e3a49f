"""Takes counts in: from the feeds by addition, from history by replacement; and reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from heed_shared.database import Database, Transaction
from heed_shared.errors import InvalidField
from heed_warning.application.disclosing import hidden_days
from heed_warning.application.places import Places
from heed_warning.application.ports import Counts, Skips
from heed_warning.domain.counts import CellDay, Delta, RecordedCount, rolled_up
from heed_warning.domain.panel import Cell
from heed_warning.domain.skips import Skip

LONGEST_SERIES_DAYS = 3700


@dataclass(frozen=True)
class Source:
    """Where recorded counts come from: a name, and the caller whose it is from its first use on."""

    name: str
    caller: str


@dataclass(frozen=True)
class ShownCount:
    """A day's count as it may be shown."""

    day: date
    count: int
    suppressed: bool
    skipped: bool = False
    """Whether a judged warning explains the day."""


async def apply_deltas(
    tx: Transaction, counts: Counts, places: Places, deltas: Sequence[Delta]
) -> None:
    """Append signed counts and add them to the sums of county, city and province.

    Does not commit: the caller advances its cursor in the same transaction.
    """
    keyed = [
        (CellDay(item.region, item.category, item.measure, item.bucket, item.received_day), item)
        for item in deltas
    ]
    sums = rolled_up(((key, item.delta) for key, item in keyed), places.above)
    await counts.add(tx, deltas, sums)


async def record_counts(
    tx: Transaction,
    counts: Counts,
    places: Places,
    source: Source,
    given: Sequence[RecordedCount],
) -> int:
    """Replace a source's counts of the cells and days named; return how many there are.

    A cell and day named twice keeps the last count. Does not commit.

    Raises:
        InvalidField: The source is another caller's: nobody replaces what somebody else recorded.
    """
    if not await counts.claim(tx, source.name, source.caller):
        raise InvalidField("source", "is another caller's; choose a name of your own")
    latest = {
        CellDay(item.region, item.category, item.measure, 0, item.day): item for item in given
    }
    keys = sorted(latest)
    before = await counts.recorded(tx, source.name, keys)
    changes = ((key, latest[key].count - before.get(key, 0)) for key in keys)
    rows = [latest[key] for key in keys]
    await counts.replace(tx, source.name, rows, rolled_up(changes, places.above))
    return len(rows)


async def query_series(
    database: Database,
    counts: Counts,
    skips: Skips,
    places: Places,
    cell: Cell,
    measure: int,
    first: date,
    last: date,
) -> list[ShownCount]:
    """Return a count for each day; small ones are hidden, and those that would give them away.

    Days that a judged warning explains are marked: no baseline learns from them.

    Raises:
        InvalidField: The days are in the wrong order or too many.
    """
    if last < first:
        raise InvalidField("to_day", "must not lie before from_day")
    if (last - first).days > LONGEST_SERIES_DAYS:
        raise InvalidField("to_day", f"must lie at most {LONGEST_SERIES_DAYS} days after from_day")
    async with database.read() as connection:
        known = await counts.series(connection, cell, measure, first, last)
        small = await hidden_days(connection, counts, places, cell, measure, (first, last))
        left_out = [skip for skip in await skips.until(connection, last) if skip.cell == cell]
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return [_shown(day, known.get(day, 0), left_out, hidden=day in small) for day in days]


def _shown(day: date, count: int, left_out: Sequence[Skip], *, hidden: bool) -> ShownCount:
    skipped = any(skip.first <= day <= skip.last for skip in left_out)
    return ShownCount(day, 0 if hidden else count, hidden, skipped)
