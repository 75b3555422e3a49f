"""Character n-grams of a text as numbers, in pure numpy.

An n-gram of one to three characters is packed into one 63-bit integer (21 bits a character), so
the vocabulary is exact: what was never seen in training says nothing, instead of colliding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heed_classifier.domain.text import fold

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float32]

# Longer texts are cut in the middle of nowhere; their beginning says what they are about.
LONGEST_TEXT = 4000


@dataclass(frozen=True)
class Bag:
    """The known n-grams of one text: places in the vocabulary and weights (L2 norm 1)."""

    indices: IntArray
    weights: FloatArray


@dataclass(frozen=True)
class Vocabulary:
    """Sorted n-grams with their inverse document frequency."""

    grams: IntArray  # (V,) sorted
    idf: FloatArray  # (V,)

    def __len__(self) -> int:
        return len(self.grams)

    def bag(self, text: str) -> Bag:
        """Weigh the known n-grams of a text: (1 + log tf) * idf, normalised."""
        grams, counts = np.unique(pack(text), return_counts=True)
        places = np.searchsorted(self.grams, grams)
        places = np.minimum(places, len(self.grams) - 1)
        known = self.grams[places] == grams
        places = places[known]
        weights = (1.0 + np.log(counts[known])) * self.idf[places]
        norm = float(np.sqrt(np.square(weights).sum())) or 1.0
        return Bag(places.astype(np.int64), (weights / norm).astype(np.float32))


def characters(text: str) -> IntArray:
    """Code points of the folded text."""
    folded = fold(text[:LONGEST_TEXT])
    return np.frombuffer(folded.encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.int64)


def pack(text: str) -> IntArray:
    """All n-grams of one to three characters, packed; those across line ends too."""
    points = characters(text)
    parts = [points]
    if len(points) > 1:
        parts.append((points[:-1] << 21) | points[1:])
    if len(points) > 2:
        parts.append((points[:-2] << 42) | (points[1:-1] << 21) | points[2:])
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def learn_vocabulary(texts: Sequence[str], least: int, most: int) -> Vocabulary:
    """Keep the ``most`` frequent n-grams that occur in at least ``least`` texts."""
    packed = np.concatenate([np.unique(pack(text)) for text in texts])
    grams, frequency = np.unique(packed, return_counts=True)
    order = np.lexsort((grams, -frequency))
    order = order[frequency[order] >= least][:most]
    kept = np.sort(order)
    idf = np.log((1.0 + len(texts)) / (1.0 + frequency[kept])) + 1.0
    return Vocabulary(grams[kept].astype(np.int64), idf.astype(np.float32))
