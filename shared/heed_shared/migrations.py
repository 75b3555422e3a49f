"""Runs the Alembic revisions of a service, without an alembic.ini or env.py of its own.

Revisions lie in ``<package>/migrations/versions/NNNN_title.py``. The version table is in the
service's schema. Two runs at once wait for each other. Each revision is a transaction.
"""

import importlib.util
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from heed_shared import logs
from heed_shared.database import Database
from heed_shared.foundation import create_foundation, drop_foundation

__all__ = [
    "create_foundation",
    "drop_foundation",
    "require_current",
    "run_migrations",
    "schema_is_current",
]

_VERSION_TABLE = "alembic_version"
_LOCK = text("SELECT pg_advisory_lock(hashtextextended('heed.migrations.' || :schema, 0))")
_UNLOCK = text("SELECT pg_advisory_unlock(hashtextextended('heed.migrations.' || :schema, 0))")
_HAS_SCHEMA = text("SELECT to_regnamespace(quote_ident(:schema)) IS NOT NULL")
# A revision gives up rather than stand in the way of writers; the job is then run again.
_TIMEOUTS = {"lock_timeout": "10s", "statement_timeout": "10min", "timezone": "UTC"}


async def run_migrations(
    service: str, package: str, url: str, schema: str, revision: str = "head"
) -> None:
    """Bring ``schema`` to ``revision``: upwards, or downwards to an older one or ``base``.

    Args:
        service: Name of the service, such as ``intake``; for the log.
        package: Package that has the revisions, such as ``heed_intake``.
        url: DSN of the owner role.
        schema: Schema of the service; made when it is missing and the role may.
        revision: Where to go.
    """
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        poolclass=NullPool,
        connect_args={
            "server_settings": {
                "search_path": f'"{schema}", public',
                "application_name": f"heed-migrate-{service}",
            }
            | _TIMEOUTS
        },
    )
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_migrate, package, schema, revision)
    finally:
        await engine.dispose()
    logs.info(logs.Event.MIGRATED, migrated=service, revision=revision)


async def schema_is_current(database: Database, package: str) -> bool:
    """Say whether the schema is at the newest revision that this code has."""
    async with database.read() as connection:
        return await connection.run_sync(_heads, database.schema) == _newest(package)


async def require_current(database: Database, package: str) -> None:
    """Raise unless the database answers and its schema is at the newest revision; for readiness."""
    if not await schema_is_current(database, package):
        raise RuntimeError("the schema is not at the newest revision")


@cache
def _newest(package: str) -> frozenset[str]:
    """Read the revisions once: readiness asks every second, and the code does not change."""
    return frozenset(_scripts(package).get_heads())


def _migrate(connection: Connection, package: str, schema: str, revision: str) -> None:
    # The lock is of the session: each revision commits by itself.
    connection.execute(_LOCK, {"schema": schema})
    try:
        if not connection.scalar(_HAS_SCHEMA, {"schema": schema}):
            connection.exec_driver_sql(f'CREATE SCHEMA "{schema}"')
        connection.commit()
        _run(connection, package, schema, revision)
        connection.commit()
    finally:
        connection.rollback()
        connection.execute(_UNLOCK, {"schema": schema})


def _run(connection: Connection, package: str, schema: str, revision: str) -> None:
    scripts = _scripts(package)
    steps = _steps(scripts, revision, _heads(connection, schema))
    environment = EnvironmentContext(Config(), scripts, fn=steps)
    with environment:
        environment.configure(
            connection=connection,
            version_table=_VERSION_TABLE,
            version_table_schema=schema,
            transaction_per_migration=True,
        )
        with environment.begin_transaction():
            environment.run_migrations()


def _steps(
    scripts: ScriptDirectory, revision: str, present: set[str]
) -> Callable[[Any, MigrationContext], Any]:
    """Return Alembic's own planner for the direction in which ``revision`` lies.

    ``alembic.command`` calls these two methods through an env.py, which this module does without.
    """
    behind = {
        script.revision
        for head in present
        for script in scripts.iterate_revisions(head, "base")
        if script.revision not in present
    }
    if revision == "base" or revision in behind:
        return lambda current, _: scripts._downgrade_revs(revision, current)  # noqa: SLF001
    return lambda current, _: scripts._upgrade_revs(revision, current)  # noqa: SLF001


def _heads(connection: Connection, schema: str) -> set[str]:
    context = MigrationContext.configure(
        connection, opts={"version_table": _VERSION_TABLE, "version_table_schema": schema}
    )
    return set(context.get_current_heads())


def _scripts(package: str) -> ScriptDirectory:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"no package {package}")
    folder = Path(spec.submodule_search_locations[0]) / "migrations"
    return ScriptDirectory(folder, version_locations=[str(folder / "versions")])
