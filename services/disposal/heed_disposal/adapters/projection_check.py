"""Recomputes what is stored of deadlines and tells where the two differ.

Start, pauses, extension and rule version of a deadline are the truth; its dates and what lists read
are a projection of them, written in the same transaction. This is the proof that it still holds.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, select, tuple_

from heed_disposal.adapters.deadline_rows import deadline_of
from heed_disposal.adapters.tables import CASES, DEADLINES
from heed_disposal.domain.handbook import Handbook
from heed_shared.database import Database
from heed_shared.ids import resource_name
from heed_shared.reference.deadline_rules import RuleFileError

BATCH: Final = 1000
"""Deadlines read at once; no transaction is open between two batches."""


@dataclass(frozen=True)
class Deviation:
    """One value of one deadline that is not what follows from its intervals."""

    case: str
    number: int
    code: str
    column: str
    stored: object
    computed: object


async def deviations(
    database: Database, handbook: Handbook, batch: int = BATCH
) -> AsyncIterator[Deviation]:
    """Yield every deviation, by the key of its deadline.

    A provisional date that a holiday notice loaded since has settled is one of them.
    """
    key = (DEADLINES.c.region, DEADLINES.c.uid, DEADLINES.c.number)
    owner = (CASES.c.region == DEADLINES.c.region) & (CASES.c.uid == DEADLINES.c.uid)
    query = (
        select(
            DEADLINES,
            CASES.c.unit.label("case_unit"),
            CASES.c.handling_region.label("case_region"),
        )
        .join(CASES, owner)
        .order_by(*key)
        .limit(batch)
    )
    after: tuple[Any, ...] = ()
    while True:
        page = query.where(tuple_(*key) > tuple_(*after)) if after else query
        async with database.read() as connection:
            rows = (await connection.execute(page)).all()
        for row in rows:
            for deviation in _of(row, handbook):
                yield deviation
        if len(rows) < batch:
            return
        after = (rows[-1].region, rows[-1].uid, rows[-1].number)


def _of(row: Row[Any], handbook: Handbook) -> list[Deviation]:
    name = resource_name("cases", row.region, row.uid)
    deadline = deadline_of(row)
    try:
        due = handbook.dates(deadline)
    except RuleFileError as error:
        return [Deviation(name, row.number, row.code, "rule_version", row.rule_version, str(error))]
    computed = {
        "due_internal": due.internal if due else None,
        "due_legal": due.legal if due else None,
        "due_at": due.at if due else None,
        "provisional": due.provisional if due else False,
        "burns_at": due.ends_at() if due else None,
        "stood_still": deadline.stood_still,
        "unit": row.case_unit,
        "handling_region": row.case_region,
    }
    return [
        Deviation(name, row.number, row.code, column, stored, value)
        for column, value in computed.items()
        if (stored := getattr(row, column)) != value
    ]
