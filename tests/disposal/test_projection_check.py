"""What is stored of deadlines follows from their intervals; a row that does not is found."""

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from heed_disposal.adapters.case_store import PostgresCaseStore
from heed_disposal.adapters.projection_check import Deviation, deviations
from heed_disposal.adapters.reference_files import load_handbook
from heed_disposal.application.changes import record
from heed_disposal.application.ports import Change
from heed_disposal.domain import clocks
from heed_disposal.domain.case import Case
from heed_disposal.domain.handbook import Handbook
from heed_disposal.domain.terms import Actor, Level
from heed_shared.database import Database
from tests.disposal.builders import HANDLER, accepted, act, at, handbook, opened, warned

HEAD = Actor("staff/head", "", "住建局")


async def stored(database: Database, *cases: Case) -> None:
    async with database.transaction() as tx:
        changes = [Change(None, case) for case in cases]
        await record(PostgresCaseStore(tx), changes, cases[0].opened_at)
        await tx.commit()


async def found(database: Database, book: Handbook | None = None) -> list[Deviation]:
    return [one async for one in deviations(database, book or handbook(), batch=2)]


async def corrupt(database: Database, change: str) -> None:
    async with database.transaction() as tx:
        await tx.connection.execute(text(f"UPDATE case_deadline SET {change} WHERE code = 'D05'"))
        await tx.commit()


def extended() -> Case:
    asked = clocks.Extension("D05", 20, "需要鉴定", HEAD)
    return clocks.extend(accepted(), asked, act(HANDLER, at("2026-09-30")), handbook())


async def test_what_the_service_writes_deviates_nowhere(database: Database) -> None:
    await stored(database, opened(number=2), extended(), warned(Level.RED))
    assert await found(database) == []


@pytest.mark.parametrize(
    ("change", "columns"),
    [
        ("due_internal = due_internal - 1", {"due_internal"}),
        ("due_legal = due_legal + 3", {"due_legal"}),
        ("burns_at = burns_at + interval '1 day'", {"burns_at"}),
        ("stood_still = interval '1 day'", {"stood_still"}),
        ("extended_days = 0", {"due_internal", "due_legal", "burns_at"}),
        ("unit = 'elsewhere'", {"unit"}),
        ("handling_region = '310101'", {"handling_region"}),
        ("rule_version = '1999'", {"rule_version"}),
    ],
)
async def test_a_corrupted_row_is_named_with_what_it_should_be(
    database: Database, change: str, columns: set[str]
) -> None:
    case = extended()
    await stored(database, opened(number=2), case)
    await corrupt(database, change)
    told = await found(database)
    assert {one.column for one in told} == columns
    assert {(one.case, one.code) for one in told} == {(case.name, "D05")}
    assert all(one.stored != one.computed for one in told)


async def test_a_notice_loaded_later_settles_a_provisional_date(
    database: Database, tmp_path: Path
) -> None:
    late = at("2026-12-28")
    await stored(database, opened(now=late, received_at=late))
    assert await found(database) == []
    notice = tmp_path / "holidays.csv"
    notice.write_text("day,kind\n2027-01-01,rest\n2027-01-12,rest\n", "utf-8")
    told = {
        one.column: one.computed for one in await found(database, load_handbook(holidays=notice))
    }
    assert told == {"provisional": False, "due_legal": date(2027, 1, 13)}
