"""Which phrases of a text carried a decision, with their places.

The network is nearly linear around one text: the gradient of the chosen logit times each n-gram's
vector is what that n-gram added. The share of every n-gram is spread over its characters, and the
phrases are known words of the category and the runs of characters that carried most.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from heed_classifier.domain.decision import Evidence
from heed_classifier.learning.features import LONGEST_TEXT, Bag, Vocabulary, characters
from heed_classifier.learning.network import SortingNetwork

_MOST_PHRASES = 6
_LONGEST_RUN = 8
_BREAKS = frozenset("，。！？；：、,.!?;:\n \r（）()“”\"'")


def character_weights(
    network: SortingNetwork, vocabulary: Vocabulary, bag: Bag, text: str, chosen: Sequence[int]
) -> NDArray[Any]:
    """How much each character of the (cut) text added to the chosen outputs, (T,)."""
    length = len(characters(text))
    weights: NDArray[Any] = np.zeros(length)
    if not len(bag.indices):
        return weights
    vectors = network.embedding.weight[torch.from_numpy(bag.indices)].detach()  # (G, D)
    summed = (vectors * torch.from_numpy(bag.weights)[:, None]).sum(0)  # (D,)
    slope = 1.0 - torch.tanh(summed) ** 2  # (D,)
    outputs = network.content.weight.detach()  # (C, D)
    direction = (outputs[list(chosen)].mean(0) - outputs.mean(0)) * slope  # (D,)
    added = (vectors @ direction).numpy() * bag.weights  # (G,)
    points = characters(text)
    packed = (
        (points, 1),
        ((points[:-1] << 21) | points[1:], 2),
        ((points[:-2] << 42) | (points[1:-1] << 21) | points[2:], 3),
    )
    known = vocabulary.grams[bag.indices]  # sorted, as the indices are
    for grams, size in packed:
        if len(grams):
            _spread(weights, grams, size, known, added)
    return weights


def _spread(
    weights: NDArray[Any],
    grams: NDArray[Any],
    size: int,
    known: NDArray[Any],
    added: NDArray[Any],
) -> None:
    places = np.minimum(np.searchsorted(known, grams), len(known) - 1)
    share = np.where(known[places] == grams, added[places], 0.0)
    _, inverse, counts = np.unique(grams, return_inverse=True, return_counts=True)
    share = share / counts[inverse] / size
    for offset in range(size):
        weights[offset : offset + len(share)] += share


def phrases(
    text: str, weights: NDArray[Any], words: Sequence[tuple[int, int, float]]
) -> tuple[Evidence, ...]:
    """The strongest phrases: known words (start, end, rule weight) and strong runs between them."""
    total = float(np.abs(weights).sum()) or 1.0
    found = [
        (start, end, float(weights[start:end].sum()) / total + 0.05 * rule)
        for start, end, rule in words
        if end <= min(len(weights), LONGEST_TEXT)
    ]
    found += [
        (start, end, float(weights[start:end].sum()) / total) for start, end in _runs(text, weights)
    ]
    found.sort(key=lambda item: (-item[2], item[0]))
    chosen: list[Evidence] = []
    for start, end, weight in found:
        free = all(
            (end <= other.start or start >= other.end) and other.phrase != text[start:end]
            for other in chosen
        )
        if weight > 0 and free and len(chosen) < _MOST_PHRASES:
            chosen.append(Evidence(text[start:end], start, end, round(weight, 4)))
    return tuple(chosen)


def _runs(text: str, weights: NDArray[Any]) -> list[tuple[int, int]]:
    """Runs of two to eight characters that all carried more than the average positive one."""
    positive = weights[weights > 0]
    if not len(positive):
        return []
    least = float(positive.mean())
    runs: list[tuple[int, int]] = []
    start = None
    for place in range(len(weights) + 1):
        strong = place < len(weights) and weights[place] >= least and text[place] not in _BREAKS
        if strong and start is None:
            start = place
        if start is not None and (not strong or place - start >= _LONGEST_RUN):
            if place - start >= 2:
                runs.append((start, place))
            start = place if strong else None
    return runs
