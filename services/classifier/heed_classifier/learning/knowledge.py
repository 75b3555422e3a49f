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

from heed_classifier.domain.content import ContentBook, ContentHit
from heed_classifier.domain.decision import blend_content
from heed_classifier.learning.explain import Word
from heed_classifier.learning.features import Grams, Weighted, chunks, grams_of
from heed_classifier.learning.reading import LONGEST_TEXT, Reading, read
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
    hits: Sequence[Sequence[ContentHit]]  # the rules' words of each text
    rules: Array  # (B, K) scores of the rules

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
        self._places = {code: place for place, code in enumerate(starter.codes)}

    def of(self, reading: Reading, grams: Grams, texts: Sequence[str]) -> Known:
        """Ask about a batch that was read."""
        weighted = self.starter.vocabulary.weigh(grams, reading.size)
        hits = [self.book.hits(text[:LONGEST_TEXT]) for text in texts]
        rules = np.zeros((len(texts), len(self._places)), np.float32)
        for number, found in enumerate(hits):
            for code, score in self.book.scores(found).items():
                rules[number, self._places[code]] = score
        with torch.inference_mode():
            content, nature = self.starter.network(*weighted.tensors())
            probabilities = self._probabilities(content, torch.from_numpy(rules))
        natures = nature.log_softmax(1).numpy()
        return Known(probabilities.numpy(), natures, weighted, hits, rules)

    def attribute(
        self, known: Known, answer: Callable[[Tensor], Tensor]
    ) -> tuple[Array, list[list[Word]]]:
        """What the starter's n-grams, (E,), and the rules' words added to an answer.

        Args:
            known: The batch.
            answer: A number computed from the probabilities, (B, K), summed over the batch.
        """
        indices, offsets, weights = known.weighted.tensors()
        weights = weights.clone().requires_grad_()
        rules = torch.from_numpy(known.rules).clone().requires_grad_()
        content, _ = self.starter.network(indices, offsets, weights)
        total = answer(self._probabilities(content, rules))
        by_gram, by_rule = torch.autograd.grad(total, (weights, rules))
        words = [
            [self._word(hit, slopes) for hit in hits]
            for hits, slopes in zip(known.hits, by_rule.numpy(), strict=True)
        ]
        return (by_gram * weights).detach().numpy(), words

    def _word(self, found: ContentHit, slopes: Array) -> Word:
        added = sum(slopes[self._places[code]] * weight for code, weight in found.weights.items())
        return Word(found.hit.start, found.hit.end, float(added))

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
        found.append(knowledge.of(reading, grams_of(reading), chunk).features)
    return np.concatenate(found)
