"""Each service gets a database of its own roles, and each test a fresh one."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from heed_local.authority import SERVICES
from heed_local.postgres import Cluster
from heed_local.service_databases import SCHEMAS, ServiceDatabases, with_login
from tests.database_templates import MadeDatabase

MakeDatabase = Callable[[str], MadeDatabase]


async def value(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


@pytest.mark.parametrize("service", SERVICES)
async def test_a_made_database_is_migrated_and_the_app_can_read_its_tables(
    make_database: MakeDatabase, service: str
) -> None:
    made = make_database(service)
    count = f"SELECT count(*) FROM {made['schema']}.feed_event"
    assert await value(made["url"], count) == 0
    assert await value(made["reader_url"], count) == 0


async def test_two_made_databases_share_nothing(make_database: MakeDatabase) -> None:
    first, second = make_database("warning"), make_database("warning")
    insert = "INSERT INTO warning.daily_job (name, last_day) VALUES ('job', '2026-01-01')"
    await value(first["url"], insert)
    assert await value(second["url"], "SELECT count(*) FROM warning.daily_job") == 0


async def test_the_sealed_lane_of_intake_is_closed_to_its_app(make_database: MakeDatabase) -> None:
    made = make_database("intake")
    query = "SELECT count(*) FROM intake_sealed.petition"
    assert await value(made["sealed_url"], query) == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await value(made["url"], query)


# A cluster of its own: roles and their passwords are shared by a whole cluster.
async def test_passwords_are_made_once_and_kept_private(
    own_cluster: Cluster, tmp_path: Path
) -> None:
    await ServiceDatabases.make_database(own_cluster.admin_url, "passwords_test")
    url = own_cluster.url("passwords_test")
    first = await ServiceDatabases.provisioned(url, tmp_path / "passwords.json", ("warning",))
    second = await ServiceDatabases.provisioned(url, tmp_path / "passwords.json", ("warning",))
    assert first == second
    assert stat.S_IMODE((tmp_path / "passwords.json").stat().st_mode) == 0o600
    assert set(first.passwords) == set(SERVICES) == set(SCHEMAS)


def test_another_login_keeps_host_database_and_options() -> None:
    url = "postgresql://admin:a@b@db.example:5433/heed?sslmode=verify-full"
    changed = with_login(url, "heed_intake_app", "pw")
    rest = "@db.example:5433/heed?sslmode=verify-full"
    assert changed == f"postgresql://heed_intake_app:pw{rest}"
