"""Reads cases and deadlines without locking; lists go by keyset, never by offset."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Interval, cast, literal, select, tuple_

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
from heed_disposal.domain.terms import DeadlineState
from heed_shared.database import Database
from heed_shared.ids import resource_name

MOST_CHILDREN = 100


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
        query = select(CASES).where(*_case_conditions(wanted))
        if after is not None:
            position = tuple_(CASES.c.opened_at, CASES.c.uid)
            query = query.where(position < tuple_(literal(after.opened_at), literal(after.uid)))
        query = query.order_by(CASES.c.opened_at.desc(), CASES.c.uid.desc()).limit(limit)
        async with self._database.read() as connection:
            return await load(connection, query)

    async def list_deadlines(
        self, wanted: DeadlineFilter, after: DeadlinePosition | None, limit: int
    ) -> list[BurningDeadline]:
        """Return running deadlines, what burns most first."""
        running = DEADLINES.c.state == literal(int(DeadlineState.RUNNING), literal_execute=True)
        conditions = [running, *in_region(DEADLINES.c.handling_region, wanted.region_prefix)]
        if wanted.due_by is not None:
            conditions.append(DEADLINES.c.due_internal <= wanted.due_by)
        if wanted.unit:
            owner = select(CASES.c.uid).where(
                CASES.c.region == DEADLINES.c.region,
                CASES.c.uid == DEADLINES.c.uid,
                CASES.c.unit == wanted.unit,
            )
            conditions.append(owner.exists())
        if wanted.used_share and wanted.now is not None:
            begun_at = DEADLINES.c.started_at + DEADLINES.c.stood_still
            share = (DEADLINES.c.burns_at - begun_at).op("*", precedence=8)(wanted.used_share)
            reached_at = begun_at + cast(share, Interval)
            conditions.append(reached_at <= wanted.now)
        sort_key = [DEADLINES.c[name] for name in ("burns_at", "region", "uid", "number")]
        if after is not None:
            values = (after.burns_at, after.region, after.uid, after.number)
            conditions.append(tuple_(*sort_key) > tuple_(*(literal(value) for value in values)))
        page = select(DEADLINES).where(*conditions).order_by(*sort_key).limit(limit).subquery()
        query = (
            select(page, CASES.c.title.label("case_title"), CASES.c.unit)
            .join(CASES, (CASES.c.region == page.c.region) & (CASES.c.uid == page.c.uid))
            .order_by(page.c.burns_at, page.c.region, page.c.uid, page.c.number)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
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


def _case_conditions(wanted: CaseFilter) -> list[ColumnElement[bool]]:
    conditions = [*in_region(CASES.c.handling_region, wanted.region_prefix)]
    if wanted.category_code:
        conditions.append(CASES.c.category_code == wanted.category_code)
    if wanted.states:
        conditions.append(CASES.c.state.in_([int(state) for state in wanted.states]))
    if wanted.track is not None:
        conditions.append(CASES.c.track == int(wanted.track))
    if wanted.petition:
        conditions.append(CASES.c.petition == wanted.petition)
    return conditions


def in_region(column: Column[Any], prefix: str) -> Sequence[ColumnElement[bool]]:
    """Return the condition that a region column lies below a prefix; none means everywhere."""
    return [column.startswith(prefix, autoescape=True)] if prefix else []
