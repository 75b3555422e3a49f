"""Roles reach their own schema and nothing else, on a real Postgres."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest

from heed_local.postgres import Cluster
from heed_local.service_databases import with_login
from heed_shared.provision import provision, role_name

PASSWORDS = {"owner": "it's", "app": "app", "reader": "reader", "sealed_app": "sealed"}


@pytest.fixture
async def url(cluster: Cluster) -> AsyncIterator[str]:
    """A database with the schemas of two services that no real one has."""
    name = f"provision_{uuid.uuid4().hex[:8]}"
    admin = await asyncpg.connect(cluster.admin_url)
    await admin.execute(f"CREATE DATABASE {name}")
    made = cluster.url(name)
    for service in ("alpha", "beta"):
        await provision(made, service, (service, f"{service}_sealed"), PASSWORDS)
    yield made
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


async def execute(url: str, service: str, kind: str, statement: str) -> None:
    login = with_login(url, role_name(service, kind), PASSWORDS[kind].replace("'", "%27"))
    connection = await asyncpg.connect(login)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
async def tables(url: str) -> str:
    """The same database after a migration by each owner."""
    for service in ("alpha", "beta"):
        for schema in (service, f"{service}_sealed"):
            statement = f"CREATE TABLE {schema}.item (id int)"
            await execute(url, service, "owner", statement)
    return url


@pytest.mark.parametrize(
    ("kind", "statement"),
    [
        ("app", "INSERT INTO alpha.item VALUES (1)"),
        ("app", "UPDATE alpha.item SET id = 2"),
        ("app", "DELETE FROM alpha.item"),
        ("reader", "SELECT * FROM alpha.item"),
        ("sealed_app", "INSERT INTO alpha_sealed.item VALUES (1)"),
        ("owner", "ALTER TABLE alpha.item ADD note text"),
    ],
)
async def test_a_role_can_do_its_work(tables: str, kind: str, statement: str) -> None:
    await execute(tables, "alpha", kind, statement)


@pytest.mark.parametrize(
    ("kind", "statement"),
    [
        ("app", "SELECT * FROM beta.item"),
        ("app", "SELECT * FROM alpha_sealed.item"),
        ("app", "CREATE TABLE alpha.more (id int)"),
        ("app", "DROP TABLE alpha.item"),
        ("app", "CREATE TABLE public.more (id int)"),
        ("owner", "SELECT * FROM beta.item"),
        ("reader", "INSERT INTO alpha.item VALUES (1)"),
        ("reader", "SELECT * FROM alpha_sealed.item"),
        ("sealed_app", "SELECT * FROM alpha.item"),
    ],
)
async def test_a_role_is_kept_from_all_else(tables: str, kind: str, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await execute(tables, "alpha", kind, statement)


async def test_functions_of_the_owner_are_for_the_app_alone(tables: str) -> None:
    make = "CREATE FUNCTION alpha.one() RETURNS int SECURITY DEFINER RETURN 1"
    await execute(tables, "alpha", "owner", make)
    await execute(tables, "alpha", "app", "SELECT alpha.one()")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await execute(tables, "alpha", "reader", "SELECT alpha.one()")


async def test_running_it_again_keeps_rights_that_a_migration_took_back(tables: str) -> None:
    await execute(tables, "alpha", "owner", "REVOKE UPDATE ON alpha.item FROM heed_alpha_app")
    await provision(tables, "alpha", ("alpha", "alpha_sealed"), PASSWORDS)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await execute(tables, "alpha", "app", "UPDATE alpha.item SET id = 2")


async def test_serving_roles_have_bounded_transactions(url: str) -> None:
    connection = await asyncpg.connect(with_login(url, "heed_alpha_app", "app"))
    try:
        assert await connection.fetchval("SHOW transaction_timeout") == "1min"
    finally:
        await connection.close()


async def test_a_changed_password_takes_effect(url: str) -> None:
    changed = {**PASSWORDS, "app": "another"}
    await provision(url, "beta", ("beta", "beta_sealed"), changed)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await execute(url, "beta", "app", "SELECT 1")


async def test_an_administrator_need_not_be_a_superuser(cluster: Cluster) -> None:
    name = f"provision_{uuid.uuid4().hex[:8]}"
    admin = await asyncpg.connect(cluster.admin_url)
    await admin.execute(f"CREATE ROLE {name} LOGIN CREATEROLE CREATEDB PASSWORD 'pw'")
    await admin.execute(f"CREATE DATABASE {name} OWNER {name}")
    url = with_login(cluster.url(name), name, "pw")
    for _ in range(2):
        await provision(url, "gamma", ("gamma",), PASSWORDS)
    await execute(url, "gamma", "owner", "CREATE TABLE gamma.item (id int)")
    await execute(url, "gamma", "app", "INSERT INTO gamma.item VALUES (1)")
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest.mark.parametrize(
    ("service", "schemas", "passwords"),
    [
        ("alpha; DROP", ("alpha",), PASSWORDS),
        ("alpha", ("alpha", "beta"), PASSWORDS),
        ("alpha", ("alpha",), {"owner": "x", "app": "x"}),
    ],
    ids=["statement as name", "schema of another service", "missing password"],
)
async def test_unusable_input_is_refused_before_anything_is_made(
    service: str, schemas: tuple[str, ...], passwords: dict[str, str]
) -> None:
    with pytest.raises(ValueError, match=r"not a usable name|must begin with|no password"):
        await provision("postgresql://nobody@127.0.0.1:1/none", service, schemas, passwords)
