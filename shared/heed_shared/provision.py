"""Makes the roles and schemas of one service, as the database's administrator, before migrations.

Three roles per service: the owner migrates, the app serves with DML on its own schema, the reader
reads it. A further schema, such as ``intake_sealed``, has an app role of its own, which no other
app role can stand in for. No role reaches the schema of another service. Running it again changes
nothing but the passwords, so it serves as a job before each rollout.
"""

import re
from collections.abc import Mapping, Sequence

import asyncpg

MINIMUM_VERSION = 170_000
"""Postgres 17: transaction_timeout is what keeps a stuck writer from holding back every feed."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('heed.provision', 0))"
_SERVING = {
    "transaction_timeout": "60s",
    "idle_in_transaction_session_timeout": "30s",
    "lock_timeout": "10s",
}
_READING = {"transaction_timeout": "10min", "idle_in_transaction_session_timeout": "60s"}


class ProvisionError(Exception):
    """The database cannot be used; the message says why."""


def role_name(service: str, kind: str) -> str:
    """Return the name of a role, such as ``heed_intake_app`` or ``heed_intake_sealed_app``."""
    return f"heed_{service}_{kind}"


async def provision(
    admin_url: str, service: str, schemas: Sequence[str], passwords: Mapping[str, str]
) -> None:
    """Make or adjust everything in one transaction.

    Args:
        admin_url: DSN of a role that may create roles and schemas, on the services' database.
        service: Such as ``intake``.
        schemas: The service's schema, then further ones named ``<service>_<suffix>``.
        passwords: By kind of role: ``owner``, ``app``, ``reader``, and ``<suffix>_app`` for each
            further schema.

    Raises:
        ProvisionError: Postgres is too old.
        ValueError: a name is not usable, or a password is missing.
    """
    kinds = ["owner", "app", "reader", *(_further_kind(service, name) for name in schemas[1:])]
    _check(service, schemas, kinds, passwords)
    connection = await asyncpg.connect(admin_url)
    try:
        if connection.get_server_version().major * 10_000 < MINIMUM_VERSION:
            raise ProvisionError("Heed needs Postgres 17 or newer")
        async with connection.transaction():
            await connection.execute(_LOCK)
            for kind in kinds:
                await _make_role(connection, role_name(service, kind), passwords[kind], kind)
            await _make_schema(connection, service, schemas[0], ("app",), ("reader",))
            for schema in schemas[1:]:
                kind = _further_kind(service, schema)
                await _make_schema(connection, service, schema, (kind,), ())
    finally:
        await connection.close()


def _further_kind(service: str, schema: str) -> str:
    return schema.removeprefix(f"{service}_") + "_app"


def _check(
    service: str, schemas: Sequence[str], kinds: Sequence[str], passwords: Mapping[str, str]
) -> None:
    """Names become part of statements, so they are plain words."""
    for name in (service, *schemas):
        if not _NAME.fullmatch(name):
            raise ValueError(f"not a usable name: {name!r}")
    for schema in schemas[1:]:
        if not schema.startswith(f"{service}_"):
            raise ValueError(f"a further schema of {service} must begin with {service}_: {schema}")
    missing = [kind for kind in kinds if not passwords.get(kind)]
    if missing:
        raise ValueError("no password for: " + ", ".join(missing))


async def _make_role(connection: asyncpg.Connection, role: str, password: str, kind: str) -> None:
    if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
        await connection.execute(f"CREATE ROLE {role} LOGIN")
    quoted = await connection.fetchval("SELECT quote_literal($1::text)", password)
    await connection.execute(f"ALTER ROLE {role} LOGIN PASSWORD {quoted}")
    if kind != "owner":
        for setting, value in (_READING if kind == "reader" else _SERVING).items():
            await connection.execute(f"ALTER ROLE {role} SET {setting} = '{value}'")


async def _make_schema(
    connection: asyncpg.Connection,
    service: str,
    schema: str,
    writers: Sequence[str],
    readers: Sequence[str],
) -> None:
    """Rights come by default privileges only: migrations may take some of them back for good."""
    owner = role_name(service, "owner")
    if not await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        await connection.execute(f"GRANT {owner} TO CURRENT_USER")
    await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {owner}")
    by_default = f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner}"
    # Functions that run as their owner are for the app alone; this right is not per schema.
    await connection.execute(f"{by_default} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")
    for role in (role_name(service, kind) for kind in writers):
        await connection.execute(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
        grant = f"{by_default} IN SCHEMA {schema} GRANT"
        await connection.execute(f"{grant} SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}")
        await connection.execute(f"{grant} USAGE, SELECT ON SEQUENCES TO {role}")
        await connection.execute(f"{grant} EXECUTE ON FUNCTIONS TO {role}")
    for role in (role_name(service, kind) for kind in readers):
        await connection.execute(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
        grant = f"{by_default} IN SCHEMA {schema} GRANT"
        await connection.execute(f"{grant} SELECT ON TABLES TO {role}")
