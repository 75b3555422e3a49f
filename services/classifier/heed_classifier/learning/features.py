"""The n-grams of a batch of texts as numbers, all in numpy.

An n-gram of one to three characters is hashed to 64 bits by a rolling polynomial and looked up in
a sorted vocabulary: what was never seen in training says nothing, instead of colliding.
Legend: B texts, G occurrences of n-grams, V n-grams of the vocabulary, E entries of the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heed_classifier.learning.reading import Reading, read

Array = NDArray[Any]
Sized = TypeVar("Sized", Sequence[str], Array)

# Texts that are read at once in training: bounds the memory, not the result.
CHUNK = 1000
_LONGEST_GRAM = 3
_BASE = np.uint64(0x9E37_79B9_7F4A_7C15)
_MIX = np.uint64(0xBF58_476D_1CE4_E5B9)
_SHIFT = np.uint64(31)
# Beyond so many different n-grams those seen least are forgotten while counting.
_MOST_COUNTED = 4_000_000


@dataclass(frozen=True)
class Grams:
    """Every occurrence of an n-gram in a reading."""

    hashes: Array  # (G,) uint64
    documents: Array  # (G,) int64
    starts: Array  # (G,) int64, place of the first character in the reading
    sizes: Array  # (G,) int64, characters


@dataclass(frozen=True)
class Weighted:
    """Texts as weighted known n-grams: rows of a sparse matrix laid end to end."""

    bounds: Array  # (B + 1,) int64
    indices: Array  # (E,) int64, places in the vocabulary, ascending in each row
    weights: Array  # (E,) float32

    def rows(self, chosen: Array) -> Weighted:
        """The rows of some texts, in the order asked for."""
        lengths = np.diff(self.bounds)[chosen]
        bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        entries = np.repeat(self.bounds[chosen] - bounds[:-1], lengths) + np.arange(bounds[-1])
        return Weighted(bounds, self.indices[entries], self.weights[entries])

    def row(self, number: int) -> tuple[Array, Array]:
        """Indices and weights of one text."""
        cut = slice(self.bounds[number], self.bounds[number + 1])
        return self.indices[cut], self.weights[cut]

    def tensors(self) -> tuple[Tensor, Tensor, Tensor]:
        """What EmbeddingBag wants: indices, offsets and weights."""
        return (
            torch.from_numpy(self.indices),
            torch.from_numpy(self.bounds[:-1]),
            torch.from_numpy(self.weights),
        )


@dataclass(frozen=True)
class Vocabulary:
    """Sorted n-grams with their inverse document frequency."""

    hashes: Array  # (V,) uint64, sorted
    idf: Array  # (V,) float32

    def __len__(self) -> int:
        return len(self.hashes)

    def weigh(self, grams: Grams, texts: int) -> Weighted:
        """Weigh the known n-grams of ``texts`` texts: (1 + log tf) * idf, each text of norm 1."""
        places, known = self.find(grams.hashes)
        keys = np.sort(grams.documents[known] * len(self) + places[known])
        at = np.nonzero(np.diff(keys, prepend=-1))[0]
        counts = np.diff(at, append=len(keys))
        documents, indices = np.divmod(keys[at], max(1, len(self)))
        weights = (1.0 + np.log(counts)) * self.idf[indices]
        norms = np.sqrt(np.bincount(documents, np.square(weights), texts))
        bounds = np.searchsorted(documents, np.arange(texts + 1))
        return Weighted(bounds, indices, (weights / norms[documents]).astype(np.float32))

    def find(self, hashes: Array) -> tuple[Array, Array]:
        """Places of n-grams in the vocabulary, and which of them are really there.

        The first bits of a hash say where to look among the sorted ones, so that most n-grams
        are found at the first look; a search by halves takes five times as long.
        """
        places = self._firsts[(hashes >> self._shift).astype(np.int64)]
        found = self._ended[places] == hashes
        open_ones = np.nonzero(~found & (self._ended[places] < hashes))[0]
        while len(open_ones):
            places[open_ones] += 1
            here = self._ended[places[open_ones]]
            found[open_ones] = here == hashes[open_ones]
            open_ones = open_ones[here < hashes[open_ones]]
        # The number that ends every look is no n-gram.
        return places, found & (places < len(self))

    @cached_property
    def _shift(self) -> np.uint64:
        return np.uint64(64 - max(4, len(self).bit_length() + 1))

    @cached_property
    def _firsts(self) -> Array:
        """For each beginning of a hash the place of the first n-gram that is not below it."""
        starts = np.arange(1 << (64 - int(self._shift)), dtype=np.uint64) << self._shift
        return np.searchsorted(self.hashes, starts)

    @cached_property
    def _ended(self) -> Array:
        """The hashes with the largest number after them, which ends every look."""
        return np.append(self.hashes, np.uint64(0xFFFF_FFFF_FFFF_FFFF))


def weigh_all(vocabulary: Vocabulary, texts: Sequence[str]) -> Weighted:
    """Read and weigh any number of texts, a part at a time."""
    found = []
    for chunk in chunks(texts):
        reading = read(chunk)
        found.append(vocabulary.weigh(grams_of(reading), reading.size))
    return joined(found)


def joined(found: Sequence[Weighted]) -> Weighted:
    """Lay weighted batches end to end."""
    lengths = np.concatenate([np.zeros(1, np.int64), *(np.diff(part.bounds) for part in found)])
    return Weighted(
        np.cumsum(lengths),
        np.concatenate([np.zeros(0, np.int64), *(part.indices for part in found)]),
        np.concatenate([np.zeros(0, np.float32), *(part.weights for part in found)]),
    )


def grams_of(reading: Reading, sizes: Iterable[int] = range(1, _LONGEST_GRAM + 1)) -> Grams:
    """N-grams of one to three characters that do not cross from one text into the next."""
    mixed = (reading.points.astype(np.uint64) + np.uint64(1)) * _MIX
    mixed ^= mixed >> _SHIFT
    none = np.zeros(0, np.int64)
    hashes, found = mixed, [Grams(mixed[:0], none, none, none)]
    for size in range(1, max(sizes, default=0) + 1):
        if size > 1:
            hashes = longer(hashes[:-1], mixed[size - 1 :])
        documents = reading.documents[: len(hashes)]
        whole = np.nonzero(documents == reading.documents[size - 1 :])[0]
        if size in sizes:
            found.append(Grams(hashes[whole], documents[whole], whole, np.full(len(whole), size)))
        if len(hashes) < 2:
            break
    return Grams(
        np.concatenate([grams.hashes for grams in found]),
        np.concatenate([grams.documents for grams in found]),
        np.concatenate([grams.starts for grams in found]),
        np.concatenate([grams.sizes for grams in found]),
    )


def longer(hashes: Array, characters: Array) -> Array:
    """Hashes of n-grams with one character more, given as its hash."""
    result: Array = hashes * _BASE + characters
    return result


def count_texts(texts: Sequence[str], least: int) -> tuple[Array, Array]:
    """All n-grams that occur in at least ``least`` texts, sorted, and in how many they occur."""
    hashes, frequency = np.zeros(0, np.uint64), np.zeros(0, np.int64)
    for chunk in chunks(texts):
        found, _ = present(chunk)
        new, counts = np.unique(found, return_counts=True)
        hashes, inverse = np.unique(np.concatenate([hashes, new]), return_inverse=True)
        frequency = np.bincount(inverse, np.concatenate([frequency, counts])).astype(np.int64)
        if len(hashes) > _MOST_COUNTED:
            cut = np.partition(frequency, -_MOST_COUNTED // 2)[-_MOST_COUNTED // 2]
            hashes, frequency = hashes[frequency > cut], frequency[frequency > cut]
    kept = frequency >= least
    return hashes[kept], frequency[kept]


def present(texts: Sequence[str]) -> tuple[Array, Array]:
    """The different n-grams of each text: hashes and numbers of the texts."""
    grams = grams_of(read(texts))
    order = np.lexsort((grams.documents, grams.hashes))
    hashes, documents = grams.hashes[order], grams.documents[order]
    new = np.ones(len(order), bool)
    new[1:] = (hashes[1:] != hashes[:-1]) | (documents[1:] != documents[:-1])
    return hashes[new], documents[new]


def chunks(items: Sized) -> Iterable[Sized]:
    """Parts of a sequence or array that are handled at once."""
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


def learn_vocabulary(texts: Sequence[str], least: int, most: int) -> Vocabulary:
    """Keep the ``most`` frequent n-grams that occur in at least ``least`` texts."""
    hashes, frequency = count_texts(texts, least)
    kept = np.sort(np.lexsort((hashes, -frequency))[:most])
    return vocabulary_of(hashes[kept], frequency[kept], len(texts))


def vocabulary_of(hashes: Array, frequency: Array, texts: int) -> Vocabulary:
    """Sorted n-grams with the smoothed inverse document frequency log((1 + n) / (1 + df)) + 1."""
    idf = np.log((1.0 + texts) / (1.0 + frequency)) + 1.0
    return Vocabulary(hashes, idf.astype(np.float32))
