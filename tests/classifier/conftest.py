"""Fixtures of the classifier's tests: a database to feed, and one small trained model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from heed_classifier.adapters.build_sorting import nature_rules
from heed_classifier.adapters.data_files import content_book
from heed_classifier.learning.sorter import TorchSorter
from heed_classifier.learning.stored_model import from_bytes, to_bytes
from heed_classifier.learning.train import Recipe, Trained, train_starter
from heed_local.authority import Authority
from heed_shared.database import Database
from tests.classifier.builders import Feed
from tests.classifier.serving import Serving, serving
from tests.database_templates import MadeDatabase

SMALL = Recipe(samples=3000, held_out=800, epochs=3, seed=7)


@pytest.fixture(scope="session")
def trained() -> Trained:
    """A small starter model, trained once in a session."""
    return train_starter(content_book(), SMALL)


@pytest.fixture(scope="session")
def trained_bytes(trained: Trained) -> bytes:
    """The small model as it is stored."""
    return to_bytes(trained)


@pytest.fixture(scope="session")
def sorter(trained: Trained) -> TorchSorter:
    """The small model as the service loads it, from its bytes."""
    return TorchSorter("small", from_bytes(to_bytes(trained)), content_book(), nature_rules())


@pytest.fixture
async def feed(make_database: Callable[[str], MadeDatabase]) -> AsyncIterator[Feed]:
    """The handler on a fresh database, sorting by the rules."""
    made = make_database("classifier")
    database = await Database.open(made["url"], made["schema"], 4)
    yield Feed(database)
    await database.close()


@pytest.fixture
async def served(
    make_database: Callable[[str], MadeDatabase], authority: Authority
) -> AsyncIterator[Serving]:
    """A classifier that serves."""
    async with serving(make_database("classifier"), authority) as running:
        yield running
