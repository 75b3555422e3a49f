"""Fresh, migrated databases for tests, as copies of one template per service and session.

Migrating takes seconds and copying a template some 50 ms, so every test can have a database of its
own. Everything here blocks, so that synchronous and asynchronous tests use it alike.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NotRequired, TypedDict, TypeVar

import asyncpg

from heed_local.postgres import Cluster
from heed_local.service_databases import SCHEMAS, ServiceDatabases
from heed_shared.migrations import run_migrations

T = TypeVar("T")


class MadeDatabase(TypedDict):
    """How a test reaches its database: as the app, as the owner and as the superuser."""

    url: str
    owner_url: str
    reader_url: str
    admin_url: str
    schema: str
    sealed_url: NotRequired[str]
    """Of intake only: the role of the sealed lane."""


class DatabaseTemplates:
    """Makes a template per service when first asked for it, and copies on every call."""

    def __init__(self, cluster: Cluster, password_file: Path) -> None:
        self._cluster = cluster
        self._password_file = password_file
        self._templates: dict[str, ServiceDatabases] = {}
        self._numbers = itertools.count(1)

    def copy(self, service: str) -> MadeDatabase:
        """Make a fresh database of `service`."""
        name = f"{service}_{next(self._numbers)}"
        if service not in self._templates:
            self._templates[service] = _blocking(self._make_template(service))
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{_template(service)}"')
        admin_url = self._cluster.url(name)
        copied = ServiceDatabases(admin_url, self._templates[service].passwords)
        made = MadeDatabase(
            url=copied.url(service, "app"),
            owner_url=copied.url(service, "owner"),
            reader_url=copied.url(service, "reader"),
            admin_url=admin_url,
            schema=SCHEMAS[service][0],
        )
        if service == "intake":
            made["sealed_url"] = copied.url(service, "sealed_app")
        return made

    def drop(self, made: MadeDatabase) -> None:
        """Remove a database, ending the sessions that still use it."""
        name = made["admin_url"].rpartition("/")[2]
        self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    async def _make_template(self, service: str) -> ServiceDatabases:
        await ServiceDatabases.make_database(self._cluster.admin_url, _template(service))
        made = await ServiceDatabases.provisioned(
            self._cluster.url(_template(service)), self._password_file, services=(service,)
        )
        owner_url = made.url(service, "owner")
        await run_migrations(service, f"heed_{service}", owner_url, SCHEMAS[service][0])
        return made

    def _execute(self, statement: str) -> None:
        async def execute() -> None:
            connection = await asyncpg.connect(self._cluster.admin_url)
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        _blocking(execute())


def _template(service: str) -> str:
    return f"template_{service}"


def _blocking(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end on a loop of its own, also where a test's loop is running."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, work).result()
