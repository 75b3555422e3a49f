"""The starter model on real petitions, which nobody here wrote or trained on."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

from heed_classifier.adapters.build_sorting import nature_rules
from heed_classifier.adapters.data_files import content_book
from heed_classifier.application.sorting import Answer, ToSort
from heed_classifier.domain.nature import Band
from heed_classifier.domain.text import PetitionText
from heed_classifier.learning.calibration import macro_f1
from heed_classifier.learning.sorter import TorchSorter
from heed_classifier.learning.stored_model import from_bytes, to_bytes
from heed_classifier.learning.train import Recipe, train_starter
from heed_shared.reference.taxonomy import Taxonomy
from tests.classifier.builders import sorting

SCHEME = "contest-2020"
TAXONOMY = Taxonomy.load()


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with gzip.open(folder / "petitions" / name, "rt", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def contest_label(answer: Answer) -> str:
    """The code of the label that the contest's table of categories gives a second-level one."""
    found, taxonomy = answer.sorted, TAXONOMY
    label = taxonomy.label_of(SCHEME, found.subcategory_code or found.category_code)
    return (taxonomy.from_label(SCHEME, label) if label else None) or found.category_code


@pytest.fixture(scope="module")
def labelled(heed_data: Path) -> tuple[list[ToSort], list[str]]:
    """Texts and the first-level codes of their labels."""
    taxonomy = TAXONOMY
    found = rows(heed_data, "labelled_train.csv.gz")
    truth = [taxonomy.from_label(SCHEME, row["label"]) or "" for row in found]
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
    assert macro_f1(truth, labels) >= 0.84
    assert macro_f1(truth, labels) > macro_f1(truth, by_rules) >= 0.65
    assert precision >= 0.92
