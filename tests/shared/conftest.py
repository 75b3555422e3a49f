"""Fixtures of the shared layers: databases that have the foundation only."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest

from heed_local.postgres import Cluster
from heed_shared.database import Database
from heed_shared.migrations import run_migrations
from heed_shared.provision import provision

SCHEMA = "sample"
PACKAGE = "tests.shared.sample_service"
PASSWORDS = {"owner": "o", "app": "a", "reader": "r"}


async def new_database(cluster: Cluster, template: str | None = None) -> str:
    """Makes an empty database, or a copy of one; returns its name."""
    name = f"t{uuid.uuid4().hex[:12]}"
    admin = await asyncpg.connect(cluster.admin_url)
    await admin.execute(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
    await admin.close()
    return name


async def new_migrated(cluster: Cluster) -> str:
    """Makes a database with the sample schema, migrated by its owner; returns its name."""
    name = await new_database(cluster)
    await provision(cluster.url(name), "sample", [SCHEMA], PASSWORDS)
    await run_migrations("sample", PACKAGE, role_url(cluster, name, "owner"), SCHEMA)
    return name


def role_url(cluster: Cluster, name: str, kind: str) -> str:
    """How a role of the sample service reaches a database."""
    return f"postgresql://heed_sample_{kind}:{PASSWORDS[kind]}@{cluster.host}:{cluster.port}/{name}"


@pytest.fixture(scope="session")
def sample_template(cluster: Cluster) -> str:
    """A migrated database to copy."""
    return asyncio.run(new_migrated(cluster))


@pytest.fixture
async def database(cluster: Cluster, sample_template: str) -> AsyncIterator[Database]:
    """An open database with the foundation."""
    name = await new_database(cluster, sample_template)
    opened = await Database.open(role_url(cluster, name, "app"), SCHEMA, 5)
    yield opened
    await opened.close()


@pytest.fixture
async def target(cluster: Cluster, sample_template: str) -> AsyncIterator[Database]:
    """A second one: the consumer's."""
    name = await new_database(cluster, sample_template)
    opened = await Database.open(role_url(cluster, name, "app"), SCHEMA, 8)
    yield opened
    await opened.close()


@pytest.fixture
async def own_database(own_cluster: Cluster) -> AsyncIterator[Database]:
    """The same on a cluster where transactions may be held open."""
    name = await new_migrated(own_cluster)
    opened = await Database.open(role_url(own_cluster, name, "app"), SCHEMA, 8)
    yield opened
    await opened.close()
