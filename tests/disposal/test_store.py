"""What lies in the database: dates as the intervals give them, tables as the code knows them."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from heed_disposal.adapters.case_store import PostgresCaseStore
from heed_disposal.adapters.tables import METADATA
from heed_disposal.adapters.work import PostgresWorkshop
from heed_disposal.application.changes import record
from heed_disposal.application.ports import Change
from heed_disposal.domain.case import Case
from heed_disposal.domain.deadlines import Pause
from heed_disposal.domain.measures import Decision, decide
from heed_disposal.domain.procedure_terms import ReportStage, ReviewResult, SupervisionKind
from heed_disposal.domain.records import ClosingReport, MajorReport, Objection, Review
from heed_disposal.domain.supervision import Suggestion, supervise
from heed_disposal.domain.terms import DeadlineState, Importance, People
from heed_shared.database import Database
from heed_shared.errors import Conflict
from heed_shared.migrations import run_migrations, schema_is_current
from tests.database_templates import DatabaseTemplates
from tests.disposal.builders import (
    HANDLER,
    LEADER,
    MONDAY,
    UNIT,
    accepted,
    act,
    answered,
    at,
    handbook,
    opened,
    served,
    warned,
)


async def save(database: Database, before: Case | None, after: Case) -> Case:
    async with PostgresWorkshop(database).open() as work:
        (saved,) = await record(work.cases, [Change(before, after)], MONDAY)
        await work.commit()
    return saved


async def loaded(database: Database, case: Case) -> Case:
    async with database.transaction() as tx:
        found = await PostgresCaseStore(tx).of_key(case.key)
    assert found is not None
    return found


def full() -> Case:
    """A case with every kind of part."""
    case = opened(importance=Importance.MAJOR, people=People.OVER_100, incident="incidents/x")
    case = decide(case, case.measures[0].number, Decision(False, ""), act(LEADER), handbook())
    case = answered(accepted(case, now=at("2026-09-22")), now=at("2026-09-29"))
    deadline = case.deadlines[-1]
    pause = Pause(at("2026-09-23"), at("2026-09-25"), "听证")
    extended = replace(
        deadline,
        pauses=(pause,),
        extended_days=30,
        extension_reason="需委托鉴定",
        extension_approved_by=LEADER,
        escalated_at=at("2026-12-30"),
        escalated_to=5,
    )
    review = Review(
        "市住建局",
        "答复与事实不符",
        date(2026, 10, 9),
        result=ReviewResult.UPHELD,
        issued_by=LEADER,
        issued_at=at("2026-10-20"),
    )
    case = supervise(served(case, now=at("2026-09-29")), SUGGESTION, act(LEADER), handbook())
    procedure = replace(
        case.procedure,
        objection=Objection(UNIT, "不属于本单位", "", HANDLER, at("2026-09-21")),
        review=review,
        closing_report=ClosingReport("办结报告", HANDLER, at("2026-10-01")),
        major_reports=(MajorReport(1, ReportStage.FIRST, ("区委",), "停水", LEADER, MONDAY),),
    )
    case = replace(case, procedure=procedure, parent="cases/x", report_required=True)
    return replace(case.with_deadline(extended), concluded_at=at("2026-10-01"), steps=())


SUGGESTION = Suggestion(SupervisionKind.IMPROVE_WORK, "请加快办理", date(2026, 10, 30))


@pytest.mark.parametrize("case", [full(), opened(), warned()], ids=["full", "opened", "warning"])
async def test_a_case_comes_back_as_it_was_saved(database: Database, case: Case) -> None:
    saved = await save(database, None, case)
    assert await loaded(database, saved) == replace(
        saved, deadlines=tuple(sorted(saved.deadlines, key=lambda d: d.number))
    )


async def test_a_change_writes_its_parts_and_deletes_those_that_are_gone(
    database: Database,
) -> None:
    saved = await save(database, None, opened())
    changed = answered(accepted(saved))
    again = await save(database, saved, changed)
    assert again.version == saved.version + 1
    stored = await loaded(database, again)
    assert stored.follow_ups == changed.follow_ups
    assert stored.opinion == changed.opinion
    async with database.read() as connection:
        actions = await connection.execute(text("SELECT action FROM case_step ORDER BY id"))
        assert [row.action for row in actions] == ["accept", "issue_opinion"]


async def test_a_change_that_changes_nothing_writes_nothing(database: Database) -> None:
    saved = await save(database, None, opened())
    assert await save(database, saved, saved) == saved
    assert (await loaded(database, saved)).version == saved.version


async def test_the_stored_dates_are_what_the_intervals_give(database: Database) -> None:
    for number in range(1, 8):
        received_at = MONDAY + timedelta(days=11 * number)
        case = accepted(opened(number=number, received_at=received_at), now=received_at)
        await save(database, None, case)
    async with database.read() as connection:
        keys = (await connection.execute(text("SELECT region, uid FROM cases"))).all()
    assert len(keys) == 7
    async with database.transaction() as tx:
        cases = await PostgresCaseStore(tx).of_keys([(row.region, row.uid) for row in keys])
    for case in cases:
        for deadline in case.deadlines:
            assert deadline.due == handbook().dates(deadline)
            assert deadline.state is not DeadlineState.CANCELLED


async def test_the_repeated_columns_of_a_deadline_follow_its_dates(database: Database) -> None:
    await save(database, None, opened())
    query = text(
        "SELECT count(*) FROM case_deadline WHERE burns_at IS DISTINCT FROM"
        " coalesce(due_at, (due_internal + 1)::timestamp AT TIME ZONE 'Asia/Shanghai')"
    )
    async with database.read() as connection:
        assert await connection.scalar(query) == 0


async def test_a_matter_and_a_warning_have_one_case(database: Database) -> None:
    await save(database, None, opened())
    with pytest.raises(Conflict):
        await save(database, None, opened())
    await save(database, None, warned())
    with pytest.raises(Conflict):
        await save(database, None, warned())


async def test_the_database_itself_refuses_a_measure_approved_by_its_planner(
    database: Database,
) -> None:
    case = opened(importance=Importance.MAJOR, people=People.OVER_100)
    own = replace(case.measures[0], approved_by=case.measures[0].planned_by)
    with pytest.raises(IntegrityError):
        await save(database, None, case.with_measure(own))


async def test_the_tables_in_the_code_are_those_of_the_migrations(database: Database) -> None:
    query = text(
        "SELECT table_name, column_name, is_nullable = 'YES' AS nullable"
        " FROM information_schema.columns WHERE table_schema = 'disposal'"
    )
    async with database.read() as connection:
        rows = (await connection.execute(query)).all()
    in_database = {
        (row.table_name, row.column_name, row.nullable)
        for row in rows
        if row.table_name in METADATA.tables
    }
    in_code = {
        (table.name, column.name, bool(column.nullable))
        for table in METADATA.tables.values()
        for column in table.columns
    }
    assert in_database == in_code


async def test_the_migrations_go_down_and_up_again(
    database_templates: DatabaseTemplates,
) -> None:
    made = database_templates.copy("disposal")
    for revision in ("0004", "head"):
        await run_migrations(
            "disposal", "heed_disposal", made["owner_url"], made["schema"], revision
        )
    database = await Database.open(made["url"], made["schema"], 1)
    assert await schema_is_current(database, "heed_disposal")
    await database.close()
    database_templates.drop(made)
