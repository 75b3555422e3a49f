"""When intake starts a new epoch, what was missed is followed, and nothing is sorted twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from heed.common.v1.observation_pb2 import Measure
from heed.intake.v1.events_pb2 import PetitionEvent
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from heed_classifier.adapters.petition_feed import FEED
from heed_classifier.application.ports import MaskedPetition
from heed_local.authority import Authority
from heed_shared.database import Database
from heed_shared.feed import FeedConsumer, FeedSpec, NewEvent, bump_epoch
from heed_shared.ids import petition_name
from tests.classifier.builders import NOON, Feed, petition
from tests.classifier.test_petition_feed import ACCUSING, WAGES, classification, events, totals
from tests.database_templates import MadeDatabase
from tests.shared.feed_setup import consuming, publish, rebuilt, served, until

Kind = PetitionEvent
SPEC = FeedSpec(FEED, "petition", ("classifier",))


def told(item: MaskedPetition, kind: Kind.Kind.ValueType = Kind.KIND_REGISTERED) -> NewEvent:
    """An event of intake."""
    name = petition_name(item.key.region, item.key.uid)
    payload = PetitionEvent(kind=kind, petition=name)
    return NewEvent(FEED, name, item.region_code, "", NOON, payload)


async def stored(feed: Feed) -> list[Any]:
    """All classifications as they are in the tables."""
    async with feed.database.read() as connection:
        rows = await connection.execute(
            text(
                "SELECT c::text, m::text FROM classification AS c"
                " JOIN matter AS m USING (region, uid) ORDER BY 1"
            )
        )
        return list(rows.all())


async def test_petitions_that_were_missed_are_sorted_and_the_rest_stays(
    feed: Feed, authority: Authority, make_database: Callable[[str], MadeDatabase]
) -> None:
    made = make_database("classifier")
    intake = await Database.open(made["url"], made["schema"], 4)
    state: list[NewEvent] = []

    async def snapshot(_connection: AsyncConnection) -> AsyncIterator[NewEvent]:
        for item in state:
            yield item

    known, sealed, gone, accusing, missed = (
        petition(*words) for words in (WAGES, WAGES, WAGES, ACCUSING, WAGES)
    )
    for item in (known, sealed, gone, accusing, missed):
        feed.intake.texts[item.key] = item
    async with served(authority, intake, feeds=(SPEC,), snapshots={FEED: snapshot}) as feeds:
        channel = feeds.channel("classifier")
        consumer = FeedConsumer(FEED, "classifier", channel, feed.database, feed.handler())
        async with consuming(consumer):
            await publish(intake, *(told(item) for item in (known, sealed, gone, accusing)))

            async def sorted_all() -> bool:
                return len(await events(feed)) >= 4

            await until(sorted_all)
            before, published = await stored(feed), await events(feed)
            # Intake has not sealed the accusation yet, so its state still names it as registered.
            state += [told(known), told(sealed), told(accusing)]
            await rebuilt(feed.database, FEED, await bump_epoch(intake))
            assert await stored(feed) == before
            assert await events(feed) == [*published, "ACCUSATION_SUSPECTED"]

            del feed.intake.texts[sealed.key], feed.intake.texts[accusing.key]
            state[1:] = [
                told(sealed, Kind.KIND_SEALED),
                told(accusing, Kind.KIND_SEALED),
                told(missed),
            ]
            for _ in range(2):
                await rebuilt(feed.database, FEED, await bump_epoch(intake))
            assert await classification(feed, sealed.key) is None
            assert await classification(feed, accusing.key) is None
            for item in (known, gone, missed):
                assert await classification(feed, item.key) is not None
            counted = await totals(feed)
            assert sum(n for cell, n in counted.items() if cell[3] == Measure.MEASURE_ITEMS) == 3
            assert (await events(feed)).count("CLASSIFIED") == 4
    await intake.close()
