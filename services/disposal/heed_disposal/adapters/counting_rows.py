"""What cases have been counted for: as rows, and which of them the daily count has to look at."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import bindparam, select, union, update
from sqlalchemy.ext.asyncio import AsyncConnection

from heed_disposal.adapters.tables import CASES, DEADLINES
from heed_disposal.application.ports import Key
from heed_disposal.domain.case import Case
from heed_disposal.domain.counts import CountKind, Mark

Values = dict[str, Any]

_COUNTED = (
    update(CASES)
    .where(CASES.c.region == bindparam("of_region"), CASES.c.uid == bindparam("of_uid"))
    .values(marks=bindparam("now_marks"), recount_on=bindparam("now_recount_on"))
)


def mark_value(mark: Mark) -> Values:
    """Return a mark as it is stored."""
    return {
        "kind": int(mark.kind),
        "day": mark.day.isoformat(),
        "bucket": mark.bucket,
        "region_code": mark.region_code,
        "category_code": mark.category_code,
    }


def mark_of(value: Mapping[str, Any]) -> Mark:
    """Return a stored mark."""
    return Mark(
        CountKind(value["kind"]),
        date.fromisoformat(value["day"]),
        value["bucket"],
        value["region_code"],
        value["category_code"],
    )


async def uncounted(connection: AsyncConnection, ended: date, limit: int) -> list[Key]:
    """Return cases whose counts the end of a day changes and that are not counted anew yet."""
    due = select(DEADLINES.c.region, DEADLINES.c.uid).where(
        DEADLINES.c.countable,
        DEADLINES.c.counted_on.is_(None),
        DEADLINES.c.due_internal <= ended,
    )
    silent = select(CASES.c.region, CASES.c.uid).where(CASES.c.recount_on <= ended)
    query = union(due.limit(limit), silent.limit(limit)).limit(limit)
    return [(row.region, row.uid) for row in await connection.execute(query)]


async def write_counted(connection: AsyncConnection, cases: Sequence[Case]) -> None:
    """Write what cases have been counted for; their versions stay."""
    rows = [
        {
            "of_region": case.region,
            "of_uid": case.uid,
            "now_marks": [mark_value(mark) for mark in case.marks],
            "now_recount_on": case.recount_on,
        }
        for case in cases
    ]
    if rows:
        await connection.execute(_COUNTED, rows)
