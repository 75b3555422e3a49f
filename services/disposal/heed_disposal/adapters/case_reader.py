"""Reads cases and deadlines without locking; lists go by keyset, never by offset."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Text, TextualSelect, select, text
from sqlalchemy.types import TypeEngine

from heed_disposal.adapters import lists
from heed_disposal.adapters.case_reading import load
from heed_disposal.adapters.case_rows import step_of
from heed_disposal.adapters.deadline_rows import deadline_of
from heed_disposal.adapters.tables import CASES, DEADLINES, STEPS
from heed_disposal.application.ports import (
    BurningDeadline,
    CaseFilter,
    CasePosition,
    DeadlineFilter,
    DeadlinePosition,
    Key,
    NumberedStep,
)
from heed_disposal.domain.case import Case
from heed_shared.database import Database
from heed_shared.ids import resource_name

MOST_CHILDREN = 100
_CASE_TYPES: Final = {column.name: column.type for column in CASES.c}
_DEADLINE_TYPES: Final = {column.name: column.type for column in DEADLINES.c}


class PostgresCaseReader:
    """The reader of a service."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, key: Key) -> Case | None:
        """Return one case."""
        query = select(CASES).where(CASES.c.region == key[0], CASES.c.uid == key[1])
        async with self._database.read() as connection:
            return next(iter(await load(connection, query)), None)

    async def steps(self, key: Key, after: int, limit: int) -> list[NumberedStep]:
        """Return the steps of a case behind a number, oldest first."""
        query = (
            select(STEPS)
            .where(STEPS.c.region == key[0], STEPS.c.uid == key[1], STEPS.c.id > after)
            .order_by(STEPS.c.id)
            .limit(limit)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return [NumberedStep(row.id, step_of(row)) for row in rows]

    async def children(self, parent: str) -> list[str]:
        """Return the names of the children of a case, at most 100, oldest first."""
        query = (
            select(CASES.c.region, CASES.c.uid)
            .where(CASES.c.parent == parent)
            .order_by(CASES.c.opened_at, CASES.c.uid)
            .limit(MOST_CHILDREN)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return [resource_name("cases", row.region, row.uid) for row in rows]

    async def list_cases(
        self, wanted: CaseFilter, after: CasePosition | None, limit: int
    ) -> list[Case]:
        """Return cases, latest opened first."""
        query, told = lists.cases(wanted, after, limit)
        async with self._database.read() as connection:
            return await load(connection, _typed(query, told, _CASE_TYPES))

    async def list_deadlines(
        self, wanted: DeadlineFilter, after: DeadlinePosition | None, limit: int
    ) -> list[BurningDeadline]:
        """Return running deadlines, what burns most first."""
        query, told = lists.deadlines(wanted, after, limit)
        types = _DEADLINE_TYPES | {"case_title": Text()}
        async with self._database.read() as connection:
            rows = (await connection.execute(_typed(query, told, types))).all()
        return [
            BurningDeadline(
                region=row.region,
                uid=row.uid,
                title=row.case_title,
                handling_region=row.handling_region,
                unit=row.unit,
                deadline=deadline_of(row),
            )
            for row in rows
        ]


def _typed(
    query: str, told: Mapping[str, Any], types: Mapping[str, TypeEngine[Any]]
) -> TextualSelect:
    """Return a query in SQL text whose columns are read as those of a table, by their names."""
    return text(query).bindparams(**told).columns(**types)
