"""Which n-grams a label model looks at: those that tell labels apart, by chi-square.

Fewer, telling n-grams are better than all of them (see docs/research/classifier.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heed_classifier.learning.features import (
    Vocabulary,
    chunks,
    count_texts,
    present,
    vocabulary_of,
)

Array = NDArray[Any]

# Before labels are looked at: bounds the table of counts by label.
_MOST_CANDIDATES = 300_000


def telling_vocabulary(
    texts: Sequence[str], truths: Sequence[Array], least: int, most: int
) -> Vocabulary:
    """The ``most`` n-grams with the largest chi-square on any axis.

    Args:
        texts: N texts.
        truths: For each axis the number of the label of every text, -1 where unknown, (N,).
        least: In how many texts an n-gram must occur.
        most: How many n-grams are kept.
    """
    hashes, frequency = count_texts(texts, least)
    if len(hashes) > _MOST_CANDIDATES:
        kept = np.sort(np.lexsort((hashes, -frequency))[:_MOST_CANDIDATES])
        hashes, frequency = hashes[kept], frequency[kept]
    scores = np.zeros(len(hashes))
    for truth in truths:
        scores = np.maximum(scores, _chi_square(_counts(texts, truth, hashes), truth))
    kept = np.sort(np.lexsort((hashes, -scores))[:most])
    return vocabulary_of(hashes[kept], frequency[kept], len(texts))


def _counts(texts: Sequence[str], truth: Array, hashes: Array) -> Array:
    """In how many texts of each label every n-gram occurs, (C, V)."""
    labels = int(truth.max()) + 1
    counts = np.zeros(labels * len(hashes), np.float32)
    done = 0
    for chunk in chunks(texts):
        found, documents = present(chunk)
        own = truth[done + documents]
        done += len(chunk)
        places = np.minimum(np.searchsorted(hashes, found), max(0, len(hashes) - 1))
        known = (own >= 0) & (hashes[places] == found) if len(hashes) else np.zeros(0, bool)
        cells = own[known] * len(hashes) + places[known]
        counts += np.bincount(cells, minlength=len(counts)).astype(np.float32)
    return counts.reshape(labels, len(hashes))


def _chi_square(counts: Array, truth: Array) -> Array:
    """Sum over labels of (observed - expected)^2 / expected, (V,)."""
    shares = np.bincount(truth[truth >= 0], minlength=len(counts)) / max(1, (truth >= 0).sum())
    total = counts.sum(0)
    expected = np.maximum(np.outer(shares, total), 1e-9)
    result: Array = (np.square(counts - expected) / expected).sum(0)
    return result
