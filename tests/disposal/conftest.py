"""Fixtures of the disposal tests."""

from collections.abc import AsyncIterator, Callable

import pytest

from heed_local.authority import Authority
from heed_shared.database import Database
from tests.database_templates import MadeDatabase
from tests.disposal.serving import Serving, serving


@pytest.fixture
async def database(
    make_database: Callable[[str], MadeDatabase],
) -> AsyncIterator[Database]:
    """A fresh database of disposal."""
    made = make_database("disposal")
    opened = await Database.open(made["url"], made["schema"], 5)
    yield opened
    await opened.close()


@pytest.fixture
async def disposal(
    make_database: Callable[[str], MadeDatabase], authority: Authority
) -> AsyncIterator[Serving]:
    """Disposal that serves on a fresh database, its clock standing at MONDAY."""
    async with serving(authority, make_database("disposal")) as running:
        yield running
