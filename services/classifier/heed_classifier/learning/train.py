"""Training of the starter model: seeded, on one thread, in well under a minute.

Two networks are trained the same way. The first sees four fifths of the sentences and words and is
judged on petitions written from the fifth that it never saw: that gives the metrics, the
temperature and the cut-offs of the bands. The second sees all of them and is the one that is kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from heed_classifier.domain.content import ContentBook, ContentEntry
from heed_classifier.domain.decision import Cutoffs, blend_content
from heed_classifier.learning import calibration
from heed_classifier.learning.corpus import CorpusWriter, Sample
from heed_classifier.learning.features import Vocabulary, Weighted, learn_vocabulary, weigh_all
from heed_classifier.learning.network import SortingNetwork

NATURES = 4


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training: the same recipe gives the same model."""

    samples: int = 12_000
    held_out: int = 3_000
    hidden: int = 64
    epochs: int = 4
    batch_size: int = 256
    learning_rate: float = 5e-3
    gram_dropout: float = 0.3
    least_texts: int = 3
    most_grams: int = 60_000
    mixed: float = 0.15
    judged_mixed: float = 0.6
    seed: int = 20260101


@dataclass(frozen=True)
class Trained:
    """A trained model before it is stored."""

    vocabulary: Vocabulary
    network: SortingNetwork
    codes: tuple[str, ...]
    temperature: float
    nature_temperature: float
    cutoffs: Cutoffs
    metrics: dict[str, float]


def train_starter(book: ContentBook, recipe: Recipe) -> Trained:
    """Train, judge on unseen phrases, calibrate, train again on everything."""
    torch.set_num_threads(1)
    seen, unseen = split_book(book)
    shadow = _fit(
        CorpusWriter(seen, recipe.seed, recipe.mixed).write(recipe.samples), book.codes, recipe
    )
    judged = CorpusWriter(unseen, recipe.seed + 1, recipe.judged_mixed).write(recipe.held_out)
    content, nature = _logits(shadow, judged)
    content_truth = np.array([book.codes.index(sample.code) for sample in judged])
    nature_truth = np.array([int(sample.nature) - 1 for sample in judged])
    rules = np.stack([rule_vector(seen, book.codes, sample.text) for sample in judged])
    temperature = calibration.best_temperature(blend_content(content, rules), content_truth)
    nature_temperature = calibration.best_temperature(nature, nature_truth)
    first = calibration.first_level(
        calibration.softmax(blend_content(content, rules) / temperature), book.codes
    )
    truth = [code[:2] for code in (sample.code for sample in judged)]
    cutoffs = calibration.band_cutoffs(first, truth)
    metrics = calibration.metrics(first, truth, cutoffs)
    metrics["nature_accuracy"] = float((nature.argmax(1) == nature_truth).mean())
    final = _fit(
        CorpusWriter(book, recipe.seed, recipe.mixed).write(recipe.samples), book.codes, recipe
    )
    return Trained(
        final[0], final[1], book.codes, temperature, nature_temperature, cutoffs, metrics
    )


def split_book(book: ContentBook) -> tuple[ContentBook, ContentBook]:
    """Part the phrases of every category into four fifths seen and one fifth unseen."""
    seen: list[ContentEntry] = []
    unseen: list[ContentEntry] = []
    for entry in book.entries:
        for target, keep in ((seen, False), (unseen, True)):
            target.append(
                ContentEntry(
                    entry.code,
                    _part(entry.strong, held=keep),
                    _part(entry.weak, held=keep),
                    _part(entry.facts, held=keep),
                    _part(entry.asks, held=keep),
                )
            )
    return ContentBook(seen), ContentBook(unseen)


def rule_vector(book: ContentBook, codes: Sequence[str], text: str) -> np.ndarray:
    """The rules' scores of one text in the order of the model's codes."""
    scores = book.scores(book.hits(text))
    return np.array([scores.get(code, 0.0) for code in codes])


def _part(phrases: tuple[str, ...], *, held: bool) -> tuple[str, ...]:
    chosen = tuple(phrase for phrase in phrases if _is_held(phrase) == held)
    return chosen or phrases


def _is_held(phrase: str) -> bool:
    return hashlib.blake2b(phrase.encode(), digest_size=1).digest()[0] % 5 == 0


def _fit(
    samples: Sequence[Sample], codes: Sequence[str], recipe: Recipe
) -> tuple[Vocabulary, SortingNetwork]:
    """Train one network on written samples."""
    vocabulary = learn_vocabulary([s.text for s in samples], recipe.least_texts, recipe.most_grams)
    bags = weigh_all(vocabulary, [sample.text for sample in samples])
    content = torch.tensor([codes.index(sample.code) for sample in samples])
    nature = torch.tensor([int(sample.nature) - 1 for sample in samples])
    torch.manual_seed(recipe.seed)
    network = SortingNetwork(len(vocabulary), recipe.hidden, len(codes), NATURES)
    optimizer = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate)
    order = np.random.default_rng(recipe.seed)
    for _ in range(recipe.epochs):
        shuffled = order.permutation(len(samples))
        for start in range(0, len(samples), recipe.batch_size):
            chosen = shuffled[start : start + recipe.batch_size]
            loss = _loss(network, bags.rows(chosen), content[chosen], nature[chosen], recipe)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    network.eval()
    return vocabulary, network


def _loss(
    network: SortingNetwork, bags: Weighted, content: Tensor, nature: Tensor, recipe: Recipe
) -> Tensor:
    indices, offsets, weights = bags.tensors()
    kept = torch.rand(weights.shape) > recipe.gram_dropout
    weights = weights * kept / (1.0 - recipe.gram_dropout)
    content_logits, nature_logits = network(indices, offsets, weights)
    return functional.cross_entropy(content_logits, content, label_smoothing=0.05) + (
        0.5 * functional.cross_entropy(nature_logits, nature)
    )


def _logits(
    fitted: tuple[Vocabulary, SortingNetwork], samples: Sequence[Sample]
) -> tuple[np.ndarray, np.ndarray]:
    vocabulary, network = fitted
    with torch.inference_mode():
        content, nature = network(*weigh_all(vocabulary, [s.text for s in samples]).tensors())
    return content.log_softmax(1).numpy(), nature.log_softmax(1).numpy()
