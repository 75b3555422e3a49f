"""A model that learned from corrections: right where people were, like the starter elsewhere."""

from __future__ import annotations

import pytest

from heed_classifier.adapters.build_sorting import nature_rules
from heed_classifier.adapters.data_files import content_book
from heed_classifier.application.sorting import ToSort
from heed_classifier.domain.decision import first_level
from heed_classifier.domain.models import LabelledText
from heed_classifier.domain.nature import Band, Method, Nature
from heed_classifier.domain.text import PetitionText
from heed_classifier.learning import lesson
from heed_classifier.learning.learned_sorter import LearnedSorter
from heed_classifier.learning.lesson import Taught, teach
from heed_classifier.learning.serving import sorter_of
from heed_classifier.learning.sorter import TorchSorter
from heed_classifier.learning.stored_model import BadModelError
from tests.classifier.builders import REGION, sorting
from tests.classifier.model_setup import CODE, PATTERN, PLACES
from tests.classifier.test_sorting import noise

ELSEWHERE = ("工地拖欠农民工工资三个月，包工头失联，请求帮助讨薪", "03")
OWN = "18"
"""A category of an authority's own taxonomy, of which the project has written nothing."""


def one_lesson() -> Taught:
    """Learn a pattern, and a category that the starter does not have."""
    corrected = [
        LabelledText(PATTERN.format(place), CODE, Nature.APPEAL_REQUEST) for place in PLACES
    ]
    corrected += [
        LabelledText(f"{place}的古树名木被绳索勒伤，请挂牌保护", OWN, Nature.SUGGESTION)
        for place in PLACES
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lesson, "_GOING_ALONG", 15)  # a quarter, for quick tests
        return teach(content_book(), corrected, 600, 3, lambda _: None)


@pytest.fixture(scope="module")
def taught() -> Taught:
    """The lesson, once for all tests."""
    return one_lesson()


@pytest.fixture(scope="module")
def learned(taught: Taught) -> LearnedSorter:
    """It as the service loads it."""
    loaded = sorter_of("learned", taught.weights, content_book(), nature_rules())
    assert isinstance(loaded, LearnedSorter)
    return loaded


def test_it_knows_what_people_corrected_and_keeps_what_the_starter_knew(
    learned: LearnedSorter,
) -> None:
    texts = (PATTERN.format("别处"), "别处的古树名木被绳索勒伤，请挂牌保护", ELSEWHERE[0])
    items = [ToSort(PetitionText(text, ""), REGION) for text in texts]
    answers = sorting(learned).sort_now(items)
    assert [answer.sorted.category_code for answer in answers] == [CODE, OWN, ELSEWHERE[1]]
    assert {answer.method for answer in answers} == {Method.MODEL}
    assert answers[2].sorted.subcategory_code.startswith("03")
    assert answers[1].sorted.subcategory_code == ""


def test_probabilities_add_up_and_evidence_lies_in_the_text(learned: LearnedSorter) -> None:
    texts = [PATTERN.format("别处"), ELSEWHERE[0], "一", "ok?"]
    for text, opinion in zip(texts, learned.opinions(texts), strict=True):
        assert sum(opinion.content.values()) == pytest.approx(1.0, abs=1e-4)
        assert sum(opinion.nature.values()) == pytest.approx(1.0, abs=1e-4)
        assert all(text[e.start : e.end] == e.phrase for e in opinion.evidence)
    evidence = learned.opinions(texts)[0].evidence
    assert any(phrase.phrase in PATTERN for phrase in evidence)


def test_a_text_is_answered_alike_alone_and_among_others(learned: LearnedSorter) -> None:
    texts = [PATTERN.format(place) for place in PLACES[:5]] + [ELSEWHERE[0]]
    together = learned.opinions(texts)
    for text, opinion in zip(texts, together, strict=True):
        alone = learned.opinions([text])[0]
        assert first_level(alone.content)[0][0] == first_level(opinion.content)[0][0]
        assert alone.content == pytest.approx(opinion.content, abs=1e-4)
    assert learned.opinions([]) == []


def test_noise_is_never_auto(learned: LearnedSorter) -> None:
    items = [ToSort(PetitionText(text, "")) for text in noise(200)]
    bands = [answer.sorted.band for answer in sorting(learned).sort_now(items)]
    assert len(bands) == 200
    assert Band.AUTO not in bands


def test_a_starter_is_loaded_as_one_and_damaged_bytes_are_refused(
    taught: Taught, trained_bytes: bytes
) -> None:
    book, rules = content_book(), nature_rules()
    assert isinstance(sorter_of("starter", trained_bytes, book, rules), TorchSorter)
    whole = taught.weights
    middle = len(whole) // 2
    for damaged in (b"", b"{}", whole[:middle], whole[:64] + whole[80:], b"\x80\x04" + whole):
        with pytest.raises(BadModelError):
            sorter_of("damaged", damaged, book, rules)


def test_the_same_lesson_gives_the_same_model(taught: Taught) -> None:
    assert one_lesson() == taught
