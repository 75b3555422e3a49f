"""A model that breaks loses no petition: the rules answer, say so, and it is counted."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from heed_classifier.adapters.model_keeper import ModelKeeper
from heed_classifier.adapters.model_table import store_model
from heed_classifier.application.ports import Sorter
from heed_classifier.application.sorting import ToSort
from heed_classifier.domain.decision import Cutoffs, Opinion
from heed_classifier.domain.nature import Method, Nature
from heed_classifier.domain.text import PetitionText
from heed_classifier.learning.sorter import TorchSorter
from heed_shared import telemetry
from heed_shared.telemetry import Telemetry
from tests.classifier.builders import NOON, Feed, petition, sorting

TEXTS = ("工地拖欠工资", "路灯坏了", "毒", "化工厂夜里排放刺鼻气体")
Answer = Callable[[Sequence[str]], list[Opinion]]


class Model:
    """A model that answers as the test wants."""

    name = "test"
    cutoffs = Cutoffs(0.9, 0.5)

    def __init__(self, opinions: Answer) -> None:
        self.opinions = opinions


def opinion(probability: float = 1.0) -> Opinion:
    return Opinion({"0101": probability}, {Nature.ENQUIRY: 1.0}, (), sure=True)


def poisoned(texts: Sequence[str]) -> list[Opinion]:
    if any("毒" in text for text in texts):
        raise RuntimeError("breaks on this one")
    return [opinion() for _ in texts]


def methods(model: Sorter) -> list[Method]:
    items = [ToSort(PetitionText(text, "")) for text in TEXTS]
    return [answer.method for answer in sorting(model).sort_now(items)]


def raises(texts: Sequence[str]) -> list[Opinion]:
    raise ZeroDivisionError


def numberless(texts: Sequence[str]) -> list[Opinion]:
    return [opinion(math.nan if "毒" in text else 1.0) for text in texts]


def endless(texts: Sequence[str]) -> list[Opinion]:
    return [opinion(math.inf) for _ in texts]


def too_few(texts: Sequence[str]) -> list[Opinion]:
    return [opinion() for _ in texts[1:]]


@pytest.mark.parametrize("broken", [raises, endless, too_few])
def test_rules_answer_for_a_model_that_fails(broken: Answer) -> None:
    assert methods(Model(broken)) == [Method.RULES] * 4


@pytest.mark.parametrize("broken", [poisoned, numberless])
def test_only_the_text_that_breaks_the_model_is_left_to_the_rules(broken: Answer) -> None:
    model, rules = Method.MODEL, Method.RULES
    assert methods(Model(broken)) == [model, model, rules, model]


async def test_no_petition_is_lost_to_a_broken_model(feed: Feed) -> None:
    feed.sorting.opinions.use(Model(raises))
    items = [petition(text, at=NOON) for text in TEXTS]
    await feed.register(*items)
    async with feed.database.read() as connection:
        rows = await connection.exec_driver_sql("SELECT method, source FROM classification")
        assert [tuple(row) for row in rows] == [(Method.RULES, "rules-1")] * 4


@pytest.fixture
def metrics() -> Iterator[InMemoryMetricReader]:
    """Metrics in memory."""
    before, reader = telemetry.current(), InMemoryMetricReader()
    telemetry.install(Telemetry("test", 0.0, metric_reader=reader))
    yield reader
    telemetry.install(before)


def values(reader: InMemoryMetricReader) -> dict[str, float]:
    data = json.loads(reader.get_metrics_data().to_json())  # type: ignore[union-attr]
    return {
        metric["name"]: metric["data"]["data_points"][-1].get("value")
        for resource in data["resource_metrics"]
        for scope in resource["scope_metrics"]
        for metric in scope["metrics"]
    }


async def test_what_answers_can_be_seen_from_outside(
    feed: Feed, metrics: InMemoryMetricReader, trained_bytes: bytes
) -> None:
    keeper = ModelKeeper(feed.database, feed.sorting.opinions)
    await keeper.refresh()
    seen = values(metrics)
    assert seen["heed.classifier.model_loaded"] == 0
    assert seen["heed.classifier.model_trained_at"] == 0
    await store_model(feed.database, "good", trained_bytes, {}, {}, NOON)
    await keeper.refresh()
    seen = values(metrics)
    assert seen["heed.classifier.model_loaded"] == 1
    assert seen["heed.classifier.model_trained_at"] == NOON.timestamp()
    feed.sorting.opinions.use(Model(raises))
    feed.sorting.sort_now([ToSort(PetitionText("停水", ""))])
    assert values(metrics)["heed.classifier.model_failures"] == 1


async def test_a_batch_is_answered_by_one_model_only(feed: Feed, sorter: TorchSorter) -> None:
    opinions = feed.sorting.opinions

    def swapping(texts: Sequence[str]) -> list[Opinion]:
        opinions.use(sorter)
        return [opinion() for _ in texts]

    opinions.use(Model(swapping))
    items = [ToSort(PetitionText(text, "")) for text in TEXTS]
    assert {answer.source for answer in feed.sorting.sort_now(items)} == {"test"}
    assert {answer.source for answer in feed.sorting.sort_now(items)} == {"small"}


def test_torch_is_imported_only_where_a_model_runs() -> None:
    code = (
        "import sys; import heed_classifier.main, heed_classifier.training; "
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
    assert done.returncode == 0
