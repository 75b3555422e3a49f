"""Loads cases with their parts: one query for the cases and one for each kind of part."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Row, Select, Table, Text, TextualSelect, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Uuid

from heed_disposal.adapters import case_rows
from heed_disposal.adapters.case_rows import Values
from heed_disposal.adapters.deadline_rows import deadline_of
from heed_disposal.adapters.measure_rows import measure_of
from heed_disposal.adapters.records import procedure_of
from heed_disposal.adapters.tables import (
    ASSESSMENTS,
    DEADLINES,
    FOLLOW_UPS,
    MEASURES,
    OPINIONS,
    RECORDS,
)
from heed_disposal.domain.case import Case

Part = TypeVar("Part")


async def load(connection: AsyncConnection, query: Select[Any] | TextualSelect) -> list[Case]:
    """Return the cases that ``query`` on CASES selects, with their parts, in its order.

    The parts are read by later statements: where the query locks its rows, they are as the last
    holder of the lock left them.
    """
    rows = (await connection.execute(query)).all()
    if not rows:
        return []
    keys = {"regions": [row.region for row in rows], "uids": [row.uid for row in rows]}
    deadlines = await _parts(connection, DEADLINES, keys, deadline_of)
    assessments = await _parts(connection, ASSESSMENTS, keys, case_rows.assessment_of)
    measures = await _parts(connection, MEASURES, keys, measure_of)
    follow_ups = await _parts(connection, FOLLOW_UPS, keys, case_rows.follow_up_of)
    opinions = await _parts(connection, OPINIONS, keys, case_rows.opinion_of)
    records = await _parts(connection, RECORDS, keys, _as_it_is)
    cases = []
    for row in rows:
        parts: Values = {
            "deadlines": tuple(deadlines[row.uid]),
            "measures": tuple(measures[row.uid]),
            "follow_ups": tuple(follow_ups[row.uid]),
            "assessment": next(reversed(assessments[row.uid]), None),
            "procedure": procedure_of(records[row.uid]),
            "opinion": next(reversed(opinions[row.uid]), None),
        }
        cases.append(case_rows.case_of(row, parts))
    return cases


def _as_it_is(row: Row[Any]) -> Row[Any]:
    return row


async def _parts(
    connection: AsyncConnection,
    table: Table,
    keys: Mapping[str, Sequence[str | UUID]],
    convert: Callable[[Row[Any]], Part],
) -> dict[UUID, list[Part]]:
    told = func.unnest(
        bindparam("regions", type_=ARRAY(Text)), bindparam("uids", type_=ARRAY(Uuid))
    )
    wanted = told.table_valued("region", "uid").render_derived(name="wanted")
    query = select(table).join(
        wanted, (table.c.region == wanted.c.region) & (table.c.uid == wanted.c.uid)
    )
    if "number" in table.c:
        query = query.order_by(table.c.uid, table.c.number)
    found: dict[UUID, list[Part]] = defaultdict(list)
    for row in (await connection.execute(query, keys)).all():
        found[row.uid].append(convert(row))
    return found
