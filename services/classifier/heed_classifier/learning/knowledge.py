"""What the project already knows of petitions, as features of a text for any label set.

The starter's network and the written rules together say how likely each of our own second-level
categories is. A model for other labels learns from examples what that means for its labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heed_classifier.domain.content import ContentBook
from heed_classifier.domain.decision import blend_content
from heed_classifier.learning.explain import spread
from heed_classifier.learning.features import Grams, Weighted, chunks, grams_of
from heed_classifier.learning.reading import Reading, read
from heed_classifier.learning.rule_scores import RuleHits, RuleTable
from heed_classifier.learning.stored_model import LoadedModel

Array = NDArray[Any]

# How much the features weigh beside the n-grams of a text, whose norm is 1; by cross-validation.
_WEIGHT = 0.5
# Keeps the slope of the square root finite.
_LEAST = 1e-5


@dataclass(frozen=True)
class Known:
    """What the starter and the rules say of a batch."""

    probabilities: Array  # (B, K) of our second-level categories
    natures: Array  # (B, N) log probabilities
    weighted: Weighted  # the texts as the starter's n-grams
    hits: RuleHits  # the rules' words
    rules: Tensor  # (B, K) scores of the rules

    @property
    def features(self) -> Array:
        """Square roots of the probabilities, (B, K), each text of norm ``_WEIGHT``."""
        roots: Array = (_WEIGHT * np.sqrt(self.probabilities)).astype(np.float32)
        return roots


class Knowledge:
    """The starter and the rules, asked about whole batches."""

    def __init__(self, starter: LoadedModel, book: ContentBook) -> None:
        self.starter = starter
        self.book = book
        self._table = RuleTable(book)

    def of(self, reading: Reading, grams: Grams) -> Known:
        """Ask about a batch that was read."""
        weighted = self.starter.vocabulary.weigh(grams, reading.size)
        hits = self._table.find(reading)
        rules = self._table.scores(hits, reading.size)
        with torch.inference_mode():
            content, nature = self.starter.network(*weighted.tensors())
            probabilities = self._probabilities(content, rules)
        natures = nature.log_softmax(1).numpy()
        return Known(probabilities.numpy(), natures, weighted, hits, rules)

    def attribute(
        self, reading: Reading, grams: Grams, known: Known, answer: Callable[[Tensor], Tensor]
    ) -> tuple[Array, list[list[tuple[int, int]]]]:
        """What each character added to an answer, (N,), and the rules' words that spoke for it.

        Args:
            reading: The batch.
            grams: Its n-grams.
            known: What ``of`` made of it.
            answer: A number computed from the probabilities, (B, K), summed over the batch.
        """
        indices, offsets, weights = known.weighted.tensors()
        weights = weights.clone().requires_grad_()
        rules = known.rules.clone().requires_grad_()
        content, _ = self.starter.network(indices, offsets, weights)
        total = answer(self._probabilities(content, rules))
        by_gram, by_rule = torch.autograd.grad(total, (weights, rules))
        added = (by_gram * weights).detach().numpy()
        totals = spread(reading, grams, self.starter.vocabulary, known.weighted, added)
        hits, by_hit = known.hits, self._table.added(known.hits, by_rule)
        sizes = hits.ends - hits.starts
        places = np.repeat(hits.ends - np.cumsum(sizes), sizes) + np.arange(sizes.sum())
        totals += np.bincount(places, np.repeat(by_hit / sizes, sizes), len(totals))
        words: list[list[tuple[int, int]]] = [[] for _ in range(reading.size)]
        for number in np.nonzero(by_hit > 0)[0].tolist():
            place = int(hits.starts[number]), int(hits.ends[number])
            words[hits.documents[number]].append(place)
        return totals, words

    def _probabilities(self, content: Tensor, rules: Tensor) -> Tensor:
        blend: Any = blend_content  # plain arithmetic: tensors blend as arrays do
        blended: Tensor = blend(content.log_softmax(1), rules)
        return (blended / self.starter.temperature).softmax(1)


def for_features(slopes: Array) -> Callable[[Tensor], Tensor]:
    """The answer that is linear in the features, with slopes (B, K)."""
    wanted = torch.from_numpy(slopes)
    return lambda probabilities: (_WEIGHT * (probabilities + _LEAST).sqrt() * wanted).sum()


def for_odds(chosen: Array) -> Callable[[Tensor], Tensor]:
    """The answer that is the log odds of the chosen categories, (B, K) of bool."""
    mask = torch.from_numpy(chosen)

    def odds(probabilities: Tensor) -> Tensor:
        share = (probabilities * mask).sum(1)
        rest = (probabilities * ~mask).sum(1)
        return ((share + _LEAST).log() - (rest + _LEAST).log()).sum()

    return odds


def knowledge_of(texts: Sequence[str], knowledge: Knowledge | None) -> Array:
    """The features of any number of texts, (N, K); without knowledge K is 0."""
    if knowledge is None:
        return np.zeros((len(texts), 0), np.float32)
    found = []
    for chunk in chunks(texts):
        reading = read(chunk)
        found.append(knowledge.of(reading, grams_of(reading)).features)
    return np.concatenate(found)
