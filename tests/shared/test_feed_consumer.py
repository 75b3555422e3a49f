"""Pull, apply, advance: every event takes effect once and in order, whatever happens."""

from collections.abc import AsyncIterator

import pytest

from heed_local.authority import Authority
from heed_local.postgres import Cluster
from heed_shared.database import Database
from heed_shared.feed import FeedConsumer
from tests.shared.conftest import SCHEMA, new_database
from tests.shared.feed_setup import (
    FEED,
    Recorder,
    applied,
    consuming,
    event,
    publish,
    publish_many,
    served,
)


@pytest.fixture
async def target(cluster: Cluster, sample_template: str) -> AsyncIterator[Database]:
    """The consumer's own database."""
    opened = await Database.open(
        cluster.url(await new_database(cluster, sample_template)), SCHEMA, 8
    )
    yield opened
    await opened.close()


async def test_every_event_takes_effect_once_and_in_order(
    authority: Authority, database: Database, target: Database
) -> None:
    await publish_many(database, 500)
    async with served(authority, database) as feed:
        consumer = FeedConsumer(
            FEED, "classifier", feed.channel(name="classifier"), target, Recorder()
        )
        async with consuming(consumer):
            await applied(target, 500)
            await publish(database, event("petitions/1", "later"))
            rows = await applied(target, 501)
    assert len(rows) == len(set(rows)) == 501
    for subject in {row[0] for row in rows}:
        notes = [note for name, note in rows if name == subject]
        assert notes == sorted(notes)
