"""Cases in Postgres inside one transaction. What is loaded here is locked until its end.

Locks are taken in the order of the keys, so two batches wait for each other and never in a circle.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Table,
    and_,
    delete,
    func,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.exc import IntegrityError

from heed_disposal.adapters import case_rows, counting_rows, response_cases
from heed_disposal.adapters.case_reading import load
from heed_disposal.adapters.case_rows import Values
from heed_disposal.adapters.deadline_rows import broken_keys, deadline_values
from heed_disposal.adapters.measure_rows import measure_values
from heed_disposal.adapters.outbox import events_of
from heed_disposal.adapters.records import record_values
from heed_disposal.adapters.tables import (
    ASSESSMENTS,
    CASES,
    DEADLINES,
    FOLLOW_UPS,
    MEASURES,
    OPINIONS,
    RECORDS,
    STEPS,
    WITHDRAWN,
)
from heed_disposal.adapters.voices import erase_voices, write_voices
from heed_disposal.application.ports import Change, Key, News
from heed_disposal.domain.assessment import Growth
from heed_disposal.domain.case import Case, Step
from heed_disposal.domain.responses import Response
from heed_disposal.domain.transitions import BEFORE_ANSWER
from heed_shared.database import Transaction
from heed_shared.errors import Conflict

RECENT = timedelta(days=7)
UNIQUE_VIOLATION = "23505"
_FORGET = text("DELETE FROM request_record WHERE position(:name IN response) > 0")


class PostgresCaseStore:
    """The store of one unit of work."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._connection = tx.connection

    async def of_key(self, key: Key) -> Case | None:
        """Return a case by its key."""
        return next(iter(await self.of_keys([key])), None)

    async def of_keys(self, keys: Collection[Key]) -> list[Case]:
        """Return cases by their keys."""
        if not keys:
            return []
        return await self._locked(tuple_(CASES.c.region, CASES.c.uid).in_(list(keys)))

    async def of_matters(self, matters: Collection[str]) -> dict[str, Case]:
        """Return the cases of matters, by matter."""
        cases = await self._locked(CASES.c.matter.in_(list(matters)))
        return {case.matter: case for case in cases}

    async def of_petitions(
        self, petitions: Collection[str], incidents: Collection[str] = ()
    ) -> dict[str, list[Case]]:
        """Return the cases of petitions and the open ones of incidents, by petition."""
        found: dict[str, list[Case]] = defaultdict(list)
        unanswered = CASES.c.state.in_([int(state) for state in BEFORE_ANSWER])
        together = and_(CASES.c.incident.in_(list(incidents)), CASES.c.incident != "", unanswered)
        own = CASES.c.petition.in_(list(petitions))
        wanted = or_(own, together) if incidents else own
        for case in await self._locked(wanted):
            found[case.petition].append(case)
        return dict(found)

    async def of_warnings(
        self, warnings: Collection[str], cells: Collection[tuple[str, str]] = ()
    ) -> list[Case]:
        """Return the cases that answer for warnings, and the open response cases of cells."""
        return await self._locked(response_cases.answering(warnings, cells))

    async def lock_cells(self, cells: Collection[tuple[str, str]]) -> None:
        """Keep others from opening response cases of cells until the end of the unit of work."""
        await response_cases.lock_cells(self._connection, cells)

    async def open_responses(self, categories: Collection[str]) -> list[Response]:
        """Return the open response cases of categories, not locked."""
        return await response_cases.open_responses(self._connection, categories)

    async def parents_among(self, names: Collection[str]) -> set[str]:
        """Return which of these cases have children."""
        return await response_cases.parents_among(self._connection, names)

    async def add_step(self, name: str, step: Step) -> None:
        """Add a step to the history of a case that is not loaded; its version stays."""
        await response_cases.add_step(self._connection, name, step)

    async def _locked(self, condition: ColumnElement[bool]) -> list[Case]:
        query = select(CASES).where(condition).order_by(CASES.c.region, CASES.c.uid)
        return await load(self._connection, query.with_for_update())

    async def told_resolved(self, keys: Collection[Key]) -> set[Key]:
        """Return which cases say already, since their latest warning, that it has ended."""
        return await response_cases.told_resolved(self._connection, keys)

    async def growth(self, incidents: Collection[str], at: datetime) -> dict[str, Growth]:
        """Return how many matters of incidents have cases, and how many came in the last 7 days."""
        if not incidents:
            return {}
        recent = func.count().filter(CASES.c.received_at > at - RECENT)
        query = (
            select(CASES.c.incident, func.count().label("matters"), recent.label("recent"))
            .where(CASES.c.incident.in_(list(incidents)))
            .group_by(CASES.c.incident)
        )
        rows = await self._connection.execute(query)
        return {row.incident: Growth(row.matters, row.recent) for row in rows}

    async def uncounted(self, ended: date, limit: int) -> list[Key]:
        """Return cases whose counts the end of a day changes and that are not counted anew yet."""
        return await counting_rows.uncounted(self._connection, ended, limit)

    async def broken(self, now: datetime, limit: int) -> list[Key]:
        """Return cases with a broken clock that nobody was told of; others' rows are skipped."""
        return await broken_keys(self._connection, now, limit)

    async def save(self, changes: Sequence[Change]) -> None:
        """Write the changes; ``after`` carries the new version."""
        opened = [change.after for change in changes if change.before is None]
        if opened:
            await self._insert([case_rows.case_values(case) for case in opened])
        for change in changes:
            if change.before is not None:
                await self._update(change.before, change.after)
        await self._save_parts(changes)

    async def _insert(self, rows: list[Values]) -> None:
        """Insert new cases.

        Raises:
            Conflict: somebody else opened a case of the same source just now; ask again.
        """
        try:
            await self._connection.execute(insert(CASES), rows)
        except IntegrityError as error:
            if getattr(error.orig, "sqlstate", "") != UNIQUE_VIOLATION:
                raise
            raise Conflict from error

    async def _update(self, before: Case, after: Case) -> None:
        """Write the row of a case; the lock taken at loading keeps others away."""
        query = update(CASES).where(*_is(CASES, after)).values(case_rows.case_values(after))
        await self._connection.execute(query)
        if after.erased and not before.erased:
            await self._connection.execute(delete(ASSESSMENTS).where(*_is(ASSESSMENTS, after)))
            await self._connection.execute(update(STEPS).where(*_is(STEPS, after)).values(note=""))
            await erase_voices(self._connection, after)
            await self._forget_answers([after])

    async def _save_parts(self, changes: Sequence[Change]) -> None:
        await self._write(
            DEADLINES, changes, lambda case: [deadline_values(case, d) for d in case.deadlines]
        )
        await self._write(
            ASSESSMENTS,
            changes,
            lambda case: (
                [case_rows.assessment_values(case, case.assessment)] if case.assessment else []
            ),
            history=True,
        )
        await self._write(
            MEASURES,
            changes,
            lambda case: [measure_values(case, m) for m in case.measures],
        )
        await self._write(
            FOLLOW_UPS,
            changes,
            lambda case: [case_rows.follow_up_values(case, f) for f in case.follow_ups],
        )
        await self._write(
            OPINIONS,
            changes,
            lambda case: [case_rows.opinion_values(case, case.opinion)] if case.opinion else [],
            history=True,
        )
        await self._write(RECORDS, changes, record_values, history=True)
        await write_voices(self._connection, [change.after for change in changes])
        steps = [
            case_rows.step_values(change.after, step)
            for change in changes
            for step in change.after.steps
        ]
        if steps:
            await self._connection.execute(insert(STEPS), steps)

    async def _write(
        self,
        table: Table,
        changes: Sequence[Change],
        rows_of: Callable[[Case], list[Values]],
        *,
        history: bool = False,
    ) -> None:
        """Write the parts of one kind that differ, and delete those that are gone.

        Where ``history`` is kept, what is no longer the newest stays.
        """
        rows: list[Values] = []
        for change in changes:
            before = rows_of(change.before) if change.before else []
            after = rows_of(change.after)
            rows += [row for row in after if row not in before]
            if not history:
                await self._delete_gone(table, change.after, before, after)
        if rows:
            await self._connection.execute(_upsert(table), rows)

    async def _delete_gone(
        self, table: Table, case: Case, before: list[Values], after: list[Values]
    ) -> None:
        gone = {row["number"] for row in before} - {row["number"] for row in after}
        if gone:
            query = delete(table).where(*_is(table, case), table.c.number.in_(gone))
            await self._connection.execute(query)

    async def save_counted(self, cases: Sequence[Case]) -> None:
        """Write what cases and deadlines have counted; the cases' versions stay."""
        rows = [deadline_values(case, deadline) for case in cases for deadline in case.deadlines]
        if rows:
            await self._connection.execute(_upsert(DEADLINES), rows)
        await counting_rows.write_counted(self._connection, cases)

    async def remove(self, cases: Sequence[Case]) -> None:
        """Delete cases with all that hangs on them."""
        keys = [case.key for case in cases]
        await self._connection.execute(
            delete(CASES).where(tuple_(CASES.c.region, CASES.c.uid).in_(keys))
        )
        await self._forget_answers(cases)

    async def _forget_answers(self, cases: Sequence[Case]) -> None:
        """Delete the stored answers that hold one of these cases."""
        for case in cases:
            await self._connection.execute(_FORGET, {"name": case.name.encode()})

    async def note_withdrawn(self, petitions: Mapping[str, datetime]) -> None:
        """Remember withdrawn petitions that have no case yet."""
        rows = [{"petition": name, "withdrawn_at": at} for name, at in petitions.items()]
        await self._connection.execute(insert(WITHDRAWN).on_conflict_do_nothing(), rows)

    async def take_withdrawn(self, petitions: Collection[str]) -> set[str]:
        """Return which petitions were withdrawn before their case was opened, and forget them."""
        query = delete(WITHDRAWN).where(WITHDRAWN.c.petition.in_(list(petitions)))
        rows = await self._connection.execute(query.returning(WITHDRAWN.c.petition))
        return {row.petition for row in rows}

    async def forget_withdrawn(self) -> None:
        """Forget all withdrawals that wait for the opening of a case."""
        await self._connection.execute(delete(WITHDRAWN))

    async def publish(self, news: Sequence[News], now: datetime) -> None:
        """Publish what changes tell others; it becomes visible by the commit."""
        await self._tx.publish([event for item in news for event in events_of(item, now)])


def _is(table: Table, case: Case) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.c.region == case.region, table.c.uid == case.uid


def _upsert(table: Table) -> Insert:
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    new = {c.name: statement.excluded[c.name] for c in table.c if c.name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=new)
