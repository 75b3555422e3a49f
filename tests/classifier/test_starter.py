"""Preparing a schema: the starter is trained once, and a broken model leaves the rules at work."""

from __future__ import annotations

from datetime import UTC, datetime

from heed_classifier.adapters.model_keeper import load_sorter
from heed_classifier.adapters.model_table import current_model, store_model
from heed_classifier.application.sorting import ToSort
from heed_classifier.domain.nature import Method
from heed_classifier.domain.text import PetitionText
from heed_classifier.learning.starter import ensure_starter
from heed_classifier.learning.train import Recipe
from heed_shared.database import raw
from tests.classifier.builders import Feed, sorting

TINY = Recipe(samples=300, held_out=100, hidden=8, epochs=1, least_texts=2)


async def test_a_schema_without_a_model_has_none_to_load(feed: Feed) -> None:
    assert await current_model(feed.database) is None
    assert await load_sorter(None) is None


async def test_the_starter_is_trained_once_and_says_how_it_was_made(feed: Feed) -> None:
    name = await ensure_starter(feed.database, TINY)
    again = await ensure_starter(feed.database, TINY)

    assert again == name
    async with feed.database.read() as connection:
        rows = await (await raw(connection)).fetch("SELECT name, recipe, metrics FROM model")
    assert [row["name"] for row in rows] == [name]
    for word in ("seed", "code_version", "data_window", "phrases"):
        assert word in rows[0]["recipe"]
    assert "macro_f1" in rows[0]["metrics"]


async def test_a_loaded_starter_answers_under_its_name(feed: Feed) -> None:
    name = await ensure_starter(feed.database, TINY)

    answer = sorting(await load_sorter(await current_model(feed.database))).sort_now(
        [ToSort(PetitionText("工地拖欠工资，请求讨薪", ""))]
    )[0]

    assert (answer.method, answer.source) == (Method.MODEL, name)


async def test_a_model_that_cannot_be_read_leaves_the_rules_at_work(feed: Feed) -> None:
    await store_model(feed.database, "broken", b"no model", {}, {}, datetime.now(UTC))
    stored = await current_model(feed.database)

    assert stored is not None
    assert await load_sorter(stored) is None


async def test_a_model_that_a_newer_program_cannot_read_is_replaced_by_a_starter(
    feed: Feed,
) -> None:
    await store_model(feed.database, "old", b"of another format", {}, {}, datetime.now(UTC))

    name = await ensure_starter(feed.database, TINY)

    stored = await current_model(feed.database)
    assert stored is not None
    assert stored.name == name != "old"
    assert await ensure_starter(feed.database, TINY) == name
