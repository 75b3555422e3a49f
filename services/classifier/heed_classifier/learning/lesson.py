"""What a training learns from: generated texts, and those that people corrected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from heed_classifier.domain.content import ContentBook
from heed_classifier.domain.models import LabelledText, corrected_weight
from heed_classifier.domain.nature import Nature
from heed_classifier.learning.corpus import CorpusWriter, Sample
from heed_classifier.learning.train import Recipe, Trained, _fit, train_starter

# Texts to be tested on are harder than those to learn from: more of them touch on two things.
_HELD_OUT_MIXED = 0.6
_HELD_OUT_SEED = 7_919
# The rarest category is about one text in a hundred.
_WRITTEN_FOR_EACH = 100


def train_model(
    book: ContentBook, corrected: Sequence[LabelledText], generated: int, seed: int
) -> Trained:
    """Train on generated texts and on corrected ones, which weigh more."""
    recipe = Recipe(samples=generated, held_out=max(200, generated // 4), seed=seed)
    trained = train_starter(book, recipe)
    samples = [sample for item in corrected if (sample := _sample(book, item)) is not None]
    if not samples:
        return trained
    times = round(corrected_weight(generated, len(samples)))
    written = CorpusWriter(book, seed, recipe.mixed).write(generated)
    vocabulary, network = _fit(written + samples * times, book.codes, recipe)
    return replace(trained, vocabulary=vocabulary, network=network)


def held_out_texts(book: ContentBook, each: int, seed: int) -> list[LabelledText]:
    """Generated texts that no training of this seed has seen, up to ``each`` per first level.

    They are the same for every model, and rare categories count as much as common ones.
    """
    writer = CorpusWriter(book, seed + _HELD_OUT_SEED, _HELD_OUT_MIXED)
    found: dict[str, list[LabelledText]] = {}
    for sample in writer.write(each * _WRITTEN_FOR_EACH):
        kept = found.setdefault(sample.code[:2], [])
        if len(kept) < each:
            kept.append(LabelledText(sample.text, sample.code, sample.nature))
    return [item for _, items in sorted(found.items()) for item in items]


def _sample(book: ContentBook, item: LabelledText) -> Sample | None:
    """A corrected text as a training sample; None when no second level of it can be learned."""
    children = [code for code in book.codes if code.startswith(item.code)]
    if not children:
        return None
    scores = book.scores(book.hits(item.text))
    best = max(children, key=lambda code: (scores.get(code, 0.0), code))
    return Sample(item.text, best, item.nature or Nature.APPEAL_REQUEST)
