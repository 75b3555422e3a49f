"""The starter model and the grouping on real petitions, which nobody here wrote or trained on."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from datetime import datetime
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from heed_classifier.adapters.build_sorting import nature_rules
from heed_classifier.adapters.data_files import content_book
from heed_classifier.adapters.ordinary_language import term_reader
from heed_classifier.application.sorting import Answer, ToSort
from heed_classifier.domain.incidents import (
    CityGrouping,
    IncidentKey,
    Known,
    MatterKey,
    TermCounts,
)
from heed_classifier.domain.nature import Band
from heed_classifier.domain.text import PetitionText
from heed_classifier.learning.calibration import macro_f1
from heed_classifier.learning.sorter import TorchSorter
from heed_classifier.learning.stored_model import from_bytes, to_bytes
from heed_classifier.learning.train import Recipe, train_starter
from heed_shared.reference.taxonomy import Taxonomy
from tests.classifier.builders import sorting

# Second-level categories of ours that the contest files under another first level, by its own
# table of categories; the rest follows its first-level name.
ELSEWHERE = {
    "0202": "01", "0605": "01", "1107": "01", "1108": "01", "1101": "12", "1104": "12",
    "1203": "12", "1302": "06",
}  # fmt: skip


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with gzip.open(folder / "petitions" / name, "rt", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def contest_label(answer: Answer) -> str:
    found = answer.sorted
    return ELSEWHERE.get(found.subcategory_code, found.category_code)


@pytest.fixture(scope="module")
def labelled(heed_data: Path) -> tuple[list[ToSort], list[str]]:
    """Texts and the first-level codes of their labels."""
    taxonomy = Taxonomy.load()
    found = rows(heed_data, "labelled_train.csv.gz")
    truth = [taxonomy.from_label("contest-2020", row["label"]) or "" for row in found]
    return [ToSort(PetitionText("", row["text"])) for row in found], truth


def test_the_starter_model_sorts_real_petitions(
    labelled: tuple[list[ToSort], list[str]],
) -> None:
    items, truth = labelled
    trained = from_bytes(to_bytes(train_starter(content_book(), Recipe())))
    starter = TorchSorter("starter", trained, content_book(), nature_rules())

    answers = sorting(starter).sort_now(items)

    labels = [contest_label(answer) for answer in answers]
    sure = [i for i, answer in enumerate(answers) if answer.sorted.band is Band.AUTO]
    precision = sum(labels[i] == truth[i] for i in sure) / len(sure)
    by_rules = [contest_label(answer) for answer in sorting().sort_now(items)]
    print(  # noqa: T201 - the figures are the point
        f"macro-F1 starter {macro_f1(truth, labels):.3f}, rules {macro_f1(truth, by_rules):.3f};"
        f" AUTO {len(sure) / len(items):.2f} of all, right in {precision:.3f}"
    )
    assert macro_f1(truth, labels) >= 0.80
    assert macro_f1(truth, labels) > macro_f1(truth, by_rules) >= 0.65
    assert precision >= 0.92


EVENTS = [
    ("伊景园", "2019-07", 55, 40, "parking spaces tied to flats"),
    ("搅拌", "2019-11", 55, 45, "a concrete plant beside an estate"),
    ("58车贷", "2019-01", 15, 11, "a lender that closed"),
]


def test_real_events_are_found_in_the_stream_of_a_city(heed_data: Path) -> None:
    stream = sorted(rows(heed_data, "stream_one_city.csv.gz"), key=lambda row: row["time"])
    reader, counts = term_reader(), TermCounts({}, 0)
    grouping = CityGrouping(counts)
    groups: Counter[IncidentKey] = Counter()
    members: dict[IncidentKey, list[str]] = {}
    for number, row in enumerate(stream):
        text = PetitionText(row["subject"], row["detail"])
        key = MatterKey("110100", UUID(int=number))
        at = datetime.fromisoformat(row["time"]).replace(tzinfo=ZoneInfo("Asia/Shanghai"))
        arrival = Known(key, counts.arrive(reader.read(text)), at, "", row["subject"])
        grouping.add(arrival, IncidentKey("110100", UUID(int=number)))
    for number in range(len(stream)):
        incident = IncidentKey("110100", UUID(int=number))
        members[incident] = [
            stream[known.key.uid.int]["subject"] + stream[known.key.uid.int]["detail"]
            for known in grouping.members(incident)
        ]
        groups[incident] = len(members[incident])

    largest = groups.most_common(12)
    for word, _, known, least, what in EVENTS:
        hits = {key: sum(word in text for text in members[key]) for key, _ in largest}
        best = max(hits, key=lambda key: hits[key])
        print(f"{what}: {hits[best]} of about {known}, in a group of {groups[best]}")  # noqa: T201
        assert hits[best] >= least, what
        assert hits[best] >= 0.9 * groups[best], what
