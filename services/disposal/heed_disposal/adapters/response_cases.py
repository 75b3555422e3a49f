"""Response cases of warned cells in Postgres: which are open, who joined, what their history says.

Whoever joins takes no lock on the response case: a surge of petitions must not keep the people who
work on it from saving, nor make their etags stale. Its history gets a step, its version stays.
"""

from collections.abc import Collection

from sqlalchemy import (
    ColumnElement,
    Text,
    and_,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    tuple_,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from heed_disposal.adapters.case_rows import actor_value
from heed_disposal.adapters.tables import CASES, STEPS
from heed_disposal.application.ports import Key
from heed_disposal.domain.case import Step
from heed_disposal.domain.opening import RESOLVED_NOTE
from heed_disposal.domain.responses import JOIN_WARNING, Response
from heed_disposal.domain.terms import State, Track
from heed_shared.ids import parse_resource_name, resource_name

Cells = Collection[tuple[str, str]]

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('heed.response ' || :cell, 0))")
_OPEN = and_(
    CASES.c.track == literal(int(Track.WARNING), literal_execute=True),
    CASES.c.state.not_in(
        [literal(int(s), literal_execute=True) for s in (State.CONCLUDED, State.ARCHIVED)]
    ),
)


async def lock_cells(connection: AsyncConnection, cells: Cells) -> None:
    """Keep others from opening response cases of cells until the end of the transaction.

    Taken in one order, so two batches wait for each other and never in a circle.
    """
    for region, category in sorted(cells):
        await connection.execute(_LOCK, {"cell": f"{region}|{category}"})


def answering(warnings: Collection[str], cells: Cells) -> ColumnElement[bool]:
    """Return the condition that a case answers for one of these warnings, or works on a cell."""
    known = type_coerce(CASES.c.joined_warnings, ARRAY(Text))
    # The first condition is that of the index.
    joined = and_(text("joined_warnings <> '{}'"), known.overlap(list(warnings)))
    place = tuple_(CASES.c.handling_region, CASES.c.category_code)
    at_work = and_(_OPEN, place.in_(list(cells)))
    return or_(CASES.c.warning.in_(list(warnings)), joined, *([at_work] if cells else []))


async def open_responses(
    connection: AsyncConnection, categories: Collection[str]
) -> list[Response]:
    """Return the open response cases of some categories, of every region."""
    columns = ("region", "uid", "handling_region", "category_code", "opened_at", "state")
    query = select(*(CASES.c[name] for name in columns)).where(
        _OPEN, CASES.c.category_code.in_(sorted(categories))
    )
    return [
        Response(
            name=resource_name("cases", row.region, row.uid),
            region_code=row.handling_region,
            category_code=row.category_code,
            opened_at=row.opened_at,
            state=State(row.state),
        )
        for row in await connection.execute(query)
    ]


async def parents_among(connection: AsyncConnection, names: Collection[str]) -> set[str]:
    """Return which of these cases have children."""
    if not names:
        return set()
    query = select(CASES.c.parent).where(CASES.c.parent.in_(list(names))).distinct()
    return set((await connection.execute(query)).scalars())


async def add_step(connection: AsyncConnection, name: str, step: Step) -> None:
    """Add a step to the history of a case that nobody has loaded."""
    region, uid = parse_resource_name(name, "cases")
    await connection.execute(
        insert(STEPS).values(
            region=region,
            uid=uid,
            action=step.action,
            from_state=int(step.from_state or step.to_state),
            to_state=int(step.to_state),
            stepped_at=step.at,
            actor=actor_value(step.actor),
            note=step.note,
            kind=int(step.kind),
            unit=step.unit,
        )
    )


async def told_resolved(connection: AsyncConnection, keys: Collection[Key]) -> set[Key]:
    """Return which cases say already, since their latest warning, that it has ended."""
    if not keys:
        return set()
    told = func.max(STEPS.c.id).filter(STEPS.c.note == RESOLVED_NOTE)
    warned = func.max(STEPS.c.id).filter(STEPS.c.action == JOIN_WARNING)
    query = (
        select(STEPS.c.region, STEPS.c.uid)
        .where(tuple_(STEPS.c.region, STEPS.c.uid).in_(list(keys)))
        .group_by(STEPS.c.region, STEPS.c.uid)
        .having(told > func.coalesce(warned, 0))
    )
    return {(row.region, row.uid) for row in await connection.execute(query)}
