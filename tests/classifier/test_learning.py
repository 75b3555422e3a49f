"""The starter model: trained on written text, judged on phrases that it never saw."""

from __future__ import annotations

import json

import numpy as np
import pytest

from heed_classifier.adapters.build_sorting import nature_rules
from heed_classifier.adapters.data_files import content_book
from heed_classifier.domain.decision import first_level, open_category
from heed_classifier.domain.nature import Nature
from heed_classifier.domain.rules_sorter import RulesSorter
from heed_classifier.learning.calibration import macro_f1
from heed_classifier.learning.corpus import CorpusWriter
from heed_classifier.learning.features import grams_of, learn_vocabulary, weigh_all
from heed_classifier.learning.reading import read
from heed_classifier.learning.sorter import TorchSorter
from heed_classifier.learning.stored_model import BadModelError, from_bytes, to_bytes
from heed_classifier.learning.train import Recipe, Trained, split_book, train_starter

TINY = Recipe(samples=300, held_out=100, hidden=8, epochs=1, least_texts=2)


def test_the_corpus_is_a_function_of_its_seed() -> None:
    book = content_book()

    assert CorpusWriter(book, 3).write(20) == CorpusWriter(book, 3).write(20)
    assert CorpusWriter(book, 3).write(20) != CorpusWriter(book, 4).write(20)


def test_every_slot_and_choice_of_the_corpus_is_filled() -> None:
    samples = CorpusWriter(content_book(), 5).write(2000)

    assert [s.text for s in samples if set(s.text) & set("{}<>|")] == []
    assert {s.code[:2] for s in samples} == {f"{n:02}" for n in range(1, 18)}
    assert {s.nature for s in samples} == set(Nature) - {Nature.UNKNOWN}


def test_no_sentence_that_judges_was_seen_in_training() -> None:
    seen, unseen = split_book(content_book())

    def facts(book: object) -> set[str]:
        return {fact for entry in book.entries for fact in entry.facts}  # type: ignore[attr-defined]

    shared = facts(seen) & facts(unseen)
    # Categories so small that all their sentences fall on one side keep them on both.
    whole = [e for e in content_book().entries if set(e.facts) <= shared]
    assert shared <= {fact for entry in whole for fact in entry.facts}
    assert len(facts(unseen) - shared) >= 50


def test_the_same_recipe_gives_the_same_model() -> None:
    one = to_bytes(train_starter(content_book(), TINY))
    other = to_bytes(train_starter(content_book(), TINY))

    assert one == other


def test_the_model_beats_rules_and_chance_on_unseen_text(
    trained: Trained, sorter: TorchSorter
) -> None:
    samples = CorpusWriter(content_book(), 999, mixed=0.6).write(600)
    truth = [sample.code[:2] for sample in samples]
    texts = [sample.text for sample in samples]
    rules = RulesSorter(content_book(), nature_rules())

    def answers(opinions: list) -> list[str]:  # type: ignore[type-arg]
        return [first_level(o.content)[0][0] if o.content else "17" for o in opinions]

    model_f1 = macro_f1(truth, answers(sorter.opinions(texts)))
    rules_f1 = macro_f1(truth, answers(rules.opinions(texts)))
    assert model_f1 > rules_f1 > 1 / 17
    assert trained.metrics["macro_f1"] > 0.5
    assert trained.metrics["nature_accuracy"] > 0.8


def test_answers_of_band_auto_are_right_as_often_as_promised(trained: Trained) -> None:
    assert trained.metrics["auto_precision"] >= 0.94
    assert trained.metrics["auto_share"] > 0.1
    assert trained.cutoffs.review <= trained.cutoffs.auto


def test_a_stored_model_answers_as_the_trained_one(trained: Trained) -> None:
    text = "工地拖欠工资，包工头失联，请求帮助讨薪"
    book, rules = content_book(), nature_rules()
    loaded = TorchSorter("loaded", from_bytes(to_bytes(trained)), book, rules)
    again = TorchSorter("again", from_bytes(to_bytes(trained)), book, rules)

    assert loaded.opinions([text]) == again.opinions([text])
    assert first_level(loaded.opinions([text])[0].content)[0][0] == "03"


@pytest.mark.parametrize("damage", ["empty", "cut", "other format", "pickle"])
def test_bytes_that_are_no_model_are_refused(trained: Trained, damage: str) -> None:
    whole = to_bytes(trained)
    length = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + length])
    description = json.loads(header["__metadata__"]["description"]) | {"format": "another"}
    header["__metadata__"]["description"] = json.dumps(description)
    other = json.dumps(header).encode()
    damaged = {
        "empty": b"",
        "cut": whole[: len(whole) // 2],
        "other format": len(other).to_bytes(8, "little") + other + whole[8 + length :],
        "pickle": b"\x80\x04cos\nsystem\n(S'true'\ntR.",
    }[damage]

    with pytest.raises(BadModelError):
        from_bytes(damaged)


def test_evidence_points_at_its_phrase_in_the_text(sorter: TorchSorter) -> None:
    texts = [sample.text for sample in CorpusWriter(content_book(), 31).write(100)]

    for text, opinion in zip(texts, sorter.opinions(texts), strict=True):
        assert opinion.evidence
        for evidence in opinion.evidence:
            assert text[evidence.start : evidence.end] == evidence.phrase
            assert evidence.weight > 0
        weights = [evidence.weight for evidence in opinion.evidence]
        assert weights == sorted(weights, reverse=True)


def test_evidence_is_of_the_category_that_is_answered(sorter: TorchSorter) -> None:
    text = "希望落实疾控中心和公共卫生人员的工资待遇，卫生系统补贴、津贴、绩效工资没有发"

    opinion = sorter.opinions([text])[0]

    category = open_category(opinion.content)
    words = {
        phrase
        for entry in content_book().entries
        if entry.code[:2] == category
        for phrase in (*entry.strong, *entry.weak)
    }
    assert any(evidence.phrase in words for evidence in opinion.evidence[:2])


def test_removing_the_evidence_lowers_the_probability_more_than_removing_other_text(
    sorter: TorchSorter,
) -> None:
    generator = np.random.default_rng(5)
    texts = [s.text for s in CorpusWriter(content_book(), 77).write(80) if len(s.text) > 60]
    drops: list[tuple[float, float]] = []
    for text, opinion in zip(texts, sorter.opinions(texts), strict=True):
        category, before = first_level(opinion.content)[0]
        spans = [(e.start, e.end) for e in opinion.evidence]
        size = sum(end - start for start, end in spans)
        start = int(generator.integers(0, max(1, len(text) - size)))
        without = _cut(text, spans)
        at_random = _cut(text, [(start, start + size)])
        after, other = (
            dict(first_level(o.content)).get(category, 0.0)
            for o in sorter.opinions([without, at_random])
        )
        drops.append((before - after, before - other))

    assert np.mean([one for one, _ in drops]) > 2 * np.mean([other for _, other in drops])


def test_ngrams_do_not_cross_from_one_text_into_the_next() -> None:
    together = grams_of(read(["路😀灯", "坏了"]))
    apart = [set(grams_of(read([text])).hashes.tolist()) for text in ("路😀灯", "坏了")]

    assert set(together.hashes.tolist()) == apart[0] | apart[1]
    assert [len(grams) for grams in apart] == [6, 3]
    assert len(weigh_all(learn_vocabulary(["路灯", "路灯坏了"], 2, 100), ["路灯"]).indices) == 3


def _cut(text: str, spans: list[tuple[int, int]]) -> str:
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + text[end:]
    return text
