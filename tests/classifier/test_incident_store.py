"""Incidents on a real database: batches make no difference, removed members leave."""

from __future__ import annotations

from datetime import timedelta

from heed_classifier.adapters.data_files import content_book
from heed_classifier.adapters.queries import PostgresQueries
from heed_classifier.application.ports import MaskedPetition
from heed_classifier.domain.records import IncidentRecord, PetitionKey
from heed_classifier.learning.corpus import CorpusWriter
from heed_shared.database import raw
from tests.classifier.builders import NOON, Feed, petition
from tests.classifier.test_incidents import CONCRETE, ELSEWHERE, PROPERTY
from tests.classifier.test_petition_feed import classification, events


def stream() -> list[MaskedPetition]:
    """Concrete plant, property charges and another place among ordinary petitions."""
    ordinary = [s.text for s in CorpusWriter(content_book(), 12).write(120) if "举报" not in s.text]
    texts = [(text[:30], text[30:]) for text in ordinary]
    for place, text in zip(
        (20, 35, 50, 62, 77, 90), (*CONCRETE, *PROPERTY, ELSEWHERE), strict=True
    ):
        texts.insert(place, text)
    return [
        petition(request, facts, at=NOON + timedelta(hours=number))
        for number, (request, facts) in enumerate(texts)
    ]


def named(items: list[MaskedPetition], text: tuple[str, str]) -> PetitionKey:
    return next(item.key for item in items if item.text.request == text[0])


async def members(feed: Feed) -> set[frozenset[PetitionKey]]:
    async with feed.database.read() as connection:
        rows = await (await raw(connection)).fetch(
            "SELECT region, uid, incident_uid FROM matter WHERE incident_uid IS NOT NULL"
        )
    groups: dict[object, set[PetitionKey]] = {}
    for row in rows:
        groups.setdefault(row["incident_uid"], set()).add(PetitionKey(row["region"], row["uid"]))
    return {frozenset(group) for group in groups.values()}


async def incidents(feed: Feed) -> list[IncidentRecord]:
    return await PostgresQueries(feed.database).largest("", 1, None, (), 100)


async def test_how_arrivals_are_cut_into_batches_makes_no_difference(feed: Feed) -> None:
    items = stream()
    await feed.register(*items)
    at_once = await members(feed)
    await feed.seal(*(item.key for item in items))

    for start in range(0, len(items), 7):
        await feed.register(*items[start : start + 7])

    assert await members(feed) == at_once
    concrete = {named(items, text) for text in CONCRETE}
    assert frozenset(concrete) in at_once
    assert frozenset(named(items, text) for text in PROPERTY) in at_once


async def test_a_sealed_member_leaves_and_the_incident_goes_on(feed: Feed) -> None:
    items = stream()
    await feed.register(*items)
    gone = named(items, CONCRETE[0])

    await feed.seal(gone)

    left = frozenset({named(items, CONCRETE[1]), named(items, CONCRETE[2])})
    assert left in await members(feed)
    count = {record.matter_count for record in await incidents(feed) if "搅拌站" in record.keywords}
    assert count == {2}


async def test_an_incident_of_one_is_none_and_its_matter_is_told(feed: Feed) -> None:
    items = stream()
    await feed.register(*items)
    before = len(await incidents(feed))
    stays = named(items, PROPERTY[1])

    await feed.seal(named(items, PROPERTY[0]))

    record = await classification(feed, stays)
    assert record is not None
    assert record.matters[0].incident is None
    assert len(await incidents(feed)) == before - 1
    assert (await events(feed))[-1] == "INCIDENT_CHANGED"


async def test_the_founder_is_told_that_it_has_an_incident_now(feed: Feed) -> None:
    items = [petition(*text, at=NOON + timedelta(hours=n)) for n, text in enumerate(CONCRETE)]
    ordinary = [item for item in stream() if item.text.request not in {t[0] for t in CONCRETE}]
    await feed.register(*ordinary)
    first = await _registered(feed, items[0])

    await feed.register(items[1])

    record = await classification(feed, items[0].key)
    assert record is not None
    assert record.version == first + 1
    assert record.matters[0].incident is not None
    assert (await events(feed))[-2:] == ["CLASSIFIED", "INCIDENT_CHANGED"]


async def test_matters_of_two_cities_are_never_grouped(feed: Feed) -> None:
    items = stream()
    await feed.register(*items)
    abroad = petition(*CONCRETE[0], region="130102")

    await feed.register(abroad)

    record = await classification(feed, abroad.key)
    assert record is not None
    assert record.matters[0].incident is None


async def test_term_counts_return_to_nothing_when_all_is_removed(feed: Feed) -> None:
    items = stream()
    await feed.register(*items)

    await feed.seal(*(item.key for item in items))

    async with feed.database.read() as connection:
        assert await (await raw(connection)).fetchval("SELECT count(*) FROM term_count") == 0
    assert await incidents(feed) == []


async def _registered(feed: Feed, item: MaskedPetition) -> int:
    await feed.register(item)
    record = await classification(feed, item.key)
    assert record is not None
    return record.version
