"""The schema: partitions by month, revisions both ways, and the commands that use them."""

import re
import uuid
from datetime import UTC, datetime

import asyncpg
import pytest

from heed_intake.adapters.months import Months
from heed_intake.main import main
from heed_local.authority import Authority
from heed_shared.clock import ReplayClock
from heed_shared.database import Database
from heed_shared.ids import new_uid
from heed_shared.migrations import run_migrations, schema_is_current
from tests.database_templates import MadeDatabase
from tests.intake.conftest import NOW, Office

FORBIDDEN = re.compile(
    r"score|visit_count|risk|organi[sz]er|occupation|religion|ethnic|whereabouts|blacklist|id_no"
)


async def partitions(office: Office) -> list[str]:
    """In which partitions the petitions lie."""
    rows = await office.rows("SELECT tableoid::regclass::text AS name FROM intake.petition")
    return sorted(row["name"] for row in rows)


async def test_petitions_lie_in_the_partition_of_their_business_month(office: Office) -> None:
    await office.register()
    clock = office.service.clock
    assert isinstance(clock, ReplayClock)
    later = datetime(2027, 6, 30, 23, 59, 59, 999_000, tzinfo=UTC)
    clock.advance(later)
    for catch_up in office.service.on_advance:
        await catch_up(later)
    await office.register()
    clock.advance(datetime(2027, 7, 1, tzinfo=UTC))
    await office.register()
    assert await partitions(office) == [
        "intake.petition_202603",
        "intake.petition_202706",
        "intake.petition_202707",
    ]


async def test_a_month_that_nobody_made_takes_petitions_all_the_same(office: Office) -> None:
    clock = office.service.clock
    assert isinstance(clock, ReplayClock)
    clock.advance(datetime(2031, 1, 5, tzinfo=UTC))
    answer = await office.register()
    assert await partitions(office) == ["intake.petition_default"]
    # The month can no longer be made beside those rows; that is told and breaks nothing.
    database = await Database.open(office.database["url"], "intake", 1)
    await Months(clock, database).catch_up(clock.now())
    await database.close()
    assert answer.petition.receipt_number == "110105-2031-000001"
    names = await office.rows("SELECT relname FROM pg_class WHERE relname LIKE 'petition_2031%'")
    assert "petition_203101" not in {row["relname"] for row in names}
    assert "petition_203102" in {row["relname"] for row in names}


async def test_the_order_of_uids_is_that_of_the_business_clock(database: MadeDatabase) -> None:
    connection = await asyncpg.connect(database["admin_url"])
    earlier, later = new_uid(NOW), new_uid(NOW.replace(microsecond=NOW.microsecond + 1000))
    assert await connection.fetchval("SELECT $1::uuid < $2::uuid", earlier, later)
    await connection.close()


async def test_revisions_run_down_and_up_again(database: MadeDatabase) -> None:
    await run_migrations("intake", "heed_intake", database["owner_url"], "intake", "base")
    connection = await asyncpg.connect(database["admin_url"])
    left = await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname IN ('intake', 'intake_sealed')"
    )
    assert {row[0] for row in left} <= {"alembic_version"}
    await connection.close()
    await run_migrations("intake", "heed_intake", database["owner_url"], "intake")
    opened = await Database.open(database["url"], "intake", 1)
    assert await schema_is_current(opened, "heed_intake")
    await opened.close()


async def test_no_column_is_about_a_person(office: Office) -> None:
    columns = await office.rows(
        "SELECT table_schema || '.' || table_name || '.' || column_name AS name"
        " FROM information_schema.columns WHERE table_schema LIKE 'intake%'"
    )
    assert len(columns) > 50
    assert [row["name"] for row in columns if FORBIDDEN.search(row["name"])] == []


async def test_the_database_itself_refuses_what_the_domain_excludes(office: Office) -> None:
    await office.register()
    for change in ("state = 2", "channel = 0", "region_code = 'x'", "version = 0"):
        with pytest.raises(asyncpg.CheckViolationError):
            await office.rows(f"UPDATE intake.petition SET {change}")
    with pytest.raises(asyncpg.UniqueViolationError):
        await office.rows(
            "INSERT INTO intake.receipt SELECT number, $1, region_code, code_hash, received_at,"
            " registered_at FROM intake.receipt",
            uuid.uuid4(),
        )


def test_migrate_needs_the_owner_and_says_so(
    authority: Authority,
    database: MadeDatabase,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    restored_logs: None,
) -> None:
    environ = authority.environment("intake") | {
        "HEED_DATABASE_URL": database["url"],
        "HEED_SEALED_DATABASE_URL": database["sealed_url"],
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert main(["migrate"]) == 2
    assert "HEED_MIGRATION_URL" in capsys.readouterr().err
    monkeypatch.setenv("HEED_MIGRATION_URL", database["owner_url"])
    assert main(["migrate"]) == 0


def test_missing_settings_are_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HEED_DATABASE_URL", raising=False)
    assert main(["serve"]) == 2
    printed = capsys.readouterr().err
    for name in ("HEED_DATABASE_URL", "HEED_SEALED_DATABASE_URL", "HEED_KEY_RING"):
        assert f"{name}: required" in printed
