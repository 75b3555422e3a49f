"""The consumer of petitions on a real database: once each, nothing left when sealed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from heed.classifier.v1.events_pb2 import ClassificationEvent
from heed.common.v1.observation_pb2 import Observation
from heed.intake.v1.events_pb2 import PetitionEvent

from heed_classifier.adapters.queries import PostgresQueries
from heed_classifier.application.ports import MaskedPetition
from heed_classifier.domain.nature import Method, Nature, Urgency
from heed_classifier.domain.records import ClassificationRecord, PetitionKey
from heed_shared.database import raw
from tests.classifier.builders import NOON, Feed, petition

REGISTERED = PetitionEvent.KIND_REGISTERED
WAGES = ("工地拖欠工资，请求帮助讨薪", "包工头失联，三个月工资没发")
ACCUSING = ("举报村支书贪污征地款", "村支书套取国家补贴，账目造假")
TABLES = ("classification", "matter", "matter_term", "term_count", "incident", "correction")


async def classification(feed: Feed, key: PetitionKey) -> ClassificationRecord | None:
    return (await PostgresQueries(feed.database).classifications([key])).get(key)


async def events(feed: Feed) -> list[str]:
    """Kinds of the classification events, in order."""
    async with feed.database.read() as connection:
        rows = await (await raw(connection)).fetch(
            "SELECT payload FROM feed_event WHERE feed = 'classifier.classifications' ORDER BY id"
        )
    kinds = [ClassificationEvent.FromString(row["payload"]).kind for row in rows]
    return [ClassificationEvent.Kind.Name(kind).removeprefix("KIND_") for kind in kinds]


async def totals(feed: Feed) -> Counter[tuple[str, str, str, int, int]]:
    """The sum of all observations, by day, region, category, measure and bucket."""
    async with feed.database.read() as connection:
        rows = await (await raw(connection)).fetch(
            "SELECT subject, payload FROM feed_event WHERE feed = 'classifier.observations'"
        )
    total: Counter[tuple[str, str, str, int, int]] = Counter()
    for row in rows:
        assert row["subject"] == ""
        observation = Observation.FromString(row["payload"])
        for delta in observation.deltas:
            cell = (delta.region_code, delta.category_code, delta.measure, delta.bucket)
            total[observation.received_day, *cell] += delta.delta
    return Counter({cell: count for cell, count in total.items() if count})


async def row_counts(feed: Feed) -> dict[str, int]:
    async with feed.database.read() as connection:
        inner = await raw(connection)
        return {table: await inner.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES}


async def test_a_registered_petition_is_sorted_and_counted(feed: Feed) -> None:
    item = petition(*WAGES, people_bucket=4)

    await feed.register(item)

    record = await classification(feed, item.key)
    assert record is not None
    assert record.method is Method.RULES
    assert record.matters[0].answer.category_code == "03"
    assert record.matters[0].answer.nature is Nature.APPEAL_REQUEST
    assert await events(feed) == ["CLASSIFIED"]
    assert await totals(feed) == {
        ("2026-03-02", "110105", "03", 1, 0): 1,
        ("2026-03-02", "110105", "03", 3, 0): 1,
        ("2026-03-02", "110105", "03", 5, 4): 1,
    }


async def test_the_received_day_is_the_local_one(feed: Feed) -> None:
    late = NOON.replace(hour=17)  # one o'clock in the morning of the next day in China

    await feed.register(petition(*WAGES, at=late))

    assert {cell[0] for cell in await totals(feed)} == {"2026-03-03"}


async def test_the_same_registration_again_changes_nothing(feed: Feed) -> None:
    item = petition(*WAGES)
    await feed.register(item)
    before = (await classification(feed, item.key), await totals(feed))

    await feed.deliver((item.key, REGISTERED), (item.key, REGISTERED))

    assert (await classification(feed, item.key), await totals(feed)) == before
    assert await events(feed) == ["CLASSIFIED"]


@pytest.mark.parametrize("kind", [PetitionEvent.KIND_SEALED, PetitionEvent.KIND_ERASED])
async def test_removal_takes_back_every_count_and_row(
    feed: Feed, kind: PetitionEvent.Kind.ValueType
) -> None:
    items = [petition(*WAGES, people_bucket=6), petition(*WAGES, at=NOON + timedelta(days=1))]
    await feed.register(*items)

    await feed.deliver(*((item.key, kind) for item in items))

    assert await totals(feed) == {}
    assert await row_counts(feed) == dict.fromkeys(TABLES, 0)
    assert (await events(feed))[-2:] == ["REMOVED", "REMOVED"]


async def test_a_withdrawn_petition_stays_sorted_and_counted(feed: Feed) -> None:
    # Nobody may make a series fall by pressing people to withdraw: the problem was told.
    known, unknown = petition(*WAGES, people_bucket=6), petition(*WAGES)
    await feed.register(known)
    before = (await classification(feed, known.key), await totals(feed))

    await feed.deliver((known.key, PetitionEvent.KIND_WITHDRAWN))

    assert (await classification(feed, known.key), await totals(feed)) == before
    assert await events(feed) == ["CLASSIFIED"]
    # A snapshot tells of a withdrawn petition by its state alone.
    feed.intake.texts[unknown.key] = unknown
    await feed.deliver((unknown.key, PetitionEvent.KIND_WITHDRAWN))
    assert await classification(feed, unknown.key) is not None


async def test_removing_what_was_never_sorted_is_no_error(feed: Feed) -> None:
    item = petition(*WAGES)

    await feed.deliver((item.key, PetitionEvent.KIND_SEALED), (item.key, REGISTERED))

    assert await events(feed) == []


async def test_a_petition_sealed_before_its_text_was_read_is_skipped(feed: Feed) -> None:
    readable, sealed = petition(*WAGES), petition("小区停水三天")
    feed.intake.texts[readable.key] = readable

    await feed.deliver((sealed.key, REGISTERED), (readable.key, REGISTERED))

    assert await classification(feed, sealed.key) is None
    assert await classification(feed, readable.key) is not None


async def test_registered_and_sealed_in_one_batch_leaves_nothing(feed: Feed) -> None:
    item = petition(*WAGES)
    feed.intake.texts[item.key] = item

    await feed.deliver((item.key, REGISTERED), (item.key, PetitionEvent.KIND_SEALED))

    assert await row_counts(feed) == dict.fromkeys(TABLES, 0)
    assert await totals(feed) == {}


async def test_what_a_person_cleared_in_intake_is_sorted_though_nobody_suspected_it_here(
    feed: Feed,
) -> None:
    item = replace(petition(*ACCUSING), accusation_cleared=True)
    feed.intake.texts[item.key] = item

    await feed.deliver(
        (item.key, REGISTERED), (item.key, PetitionEvent.KIND_SEALED), (item.key, REGISTERED)
    )

    assert await classification(feed, item.key) is not None
    assert "ACCUSATION_SUSPECTED" not in await events(feed)


async def test_a_suspected_accusation_is_reported_and_nothing_of_it_is_kept(feed: Feed) -> None:
    item = petition(*ACCUSING)

    await feed.register(item)

    assert await events(feed) == ["ACCUSATION_SUSPECTED"]
    assert await totals(feed) == {}
    assert await row_counts(feed) == dict.fromkeys(TABLES, 0)


async def test_what_a_person_unsealed_is_sorted_like_any_other(feed: Feed) -> None:
    item = petition(*ACCUSING)
    await feed.register(item)
    await feed.seal(item.key)

    await feed.register(item)

    record = await classification(feed, item.key)
    assert record is not None
    assert record.matters[0].answer.nature is not Nature.ACCUSATION
    assert await events(feed) == ["ACCUSATION_SUSPECTED", "CLASSIFIED"]


async def test_a_suspect_that_is_supplemented_before_it_is_sealed_is_still_suspected(
    feed: Feed,
) -> None:
    item = petition(*ACCUSING)
    await feed.register(item)

    await supplement(feed, item)

    assert await classification(feed, item.key) is None
    assert await events(feed) == ["ACCUSATION_SUSPECTED"] * 2


async def test_what_a_person_unsealed_may_be_supplemented(feed: Feed) -> None:
    item = petition(*ACCUSING)
    await feed.register(item)
    await feed.seal(item.key)
    await feed.register(item)

    await supplement(feed, item)

    assert await classification(feed, item.key) is not None
    assert (await events(feed))[-1] == "CORRECTED"


async def test_no_word_of_a_sealed_petition_stays_in_the_schema(feed: Feed) -> None:
    word = "翡翠梧桐里"
    item = petition(f"{word}拖欠工资", f"{word}工地拖欠工资，请求讨薪", place=word)
    other = petition(f"{word}工地欠薪", f"在{word}干活没有拿到工资，拖欠三个月")
    await feed.register(item, other)
    assert await _mentions(feed, word[:3]) > 0

    await feed.seal(item.key, other.key)

    assert await _mentions(feed, word[:3]) == 0


async def test_a_supplement_sorts_anew_and_moves_the_counts(feed: Feed) -> None:
    item = petition(*WAGES)
    await feed.register(item)
    again = replace(item, text=petition("夜间工厂偷排废水，臭气熏天", "污染河流").text)

    await supplement(feed, again)

    record = await classification(feed, item.key)
    assert record is not None
    assert record.version == 2
    assert record.matters[0].answer.category_code == "05"
    assert {cell[2] for cell in await totals(feed)} == {"05"}
    assert await events(feed) == ["CLASSIFIED", "CORRECTED"]


async def test_danger_in_a_supplement_raises_the_urgency(feed: Feed) -> None:
    item = petition(*WAGES)
    await feed.register(item)

    await supplement(feed, replace(item, text=petition(WAGES[0], "再不解决我就跳楼").text))

    record = await classification(feed, item.key)
    assert record is not None
    assert record.matters[0].answer.urgency is Urgency.U0


async def supplement(feed: Feed, item: MaskedPetition) -> None:
    """Supplement a petition: its text is another one now."""
    feed.intake.texts[item.key] = item
    await feed.deliver((item.key, PetitionEvent.KIND_SUPPLEMENTED))


async def _mentions(feed: Feed, word: str) -> int:
    """Rows of any table of the schema that hold a word, in any column."""
    async with feed.database.read() as connection:
        inner = await raw(connection)
        tables = await inner.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'classifier'"
        )
        return sum(
            [
                await inner.fetchval(
                    f'SELECT count(*) FROM "{row["tablename"]}" AS whole'
                    f" WHERE whole::text LIKE '%{word}%'"
                )
                for row in tables
            ]
        )
