"""The rules' words of content found in a whole batch at once.

The same as ``ContentBook.hits`` and ``ContentBook.scores`` (a test compares them), on folded texts
and many times as fast: the first two characters tell where a phrase can begin at all.
Legend: N characters and B texts of a reading, P phrases, K codes, H hits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from heed_classifier.domain.content import HEAD_CHARACTERS, HEAD_FACTOR, ContentBook
from heed_classifier.learning.features import Vocabulary, grams_of, longer
from heed_classifier.learning.reading import Reading, read

Array = NDArray[Any]


@dataclass(frozen=True)
class RuleHits:
    """Phrases found, in the order of their places; a phrase inside a longer one is left out."""

    documents: Array  # (H,) number of the text
    starts: Array  # (H,) place of the first character in the reading
    ends: Array  # (H,) place after the last character
    phrases: Array  # (H,) number of the phrase
    factors: Array  # (H,) how much a hit counts: more at the head, less when said again


class RuleTable:
    """The phrases of a book as numbers."""

    def __init__(self, book: ContentBook) -> None:
        reading = read(list(book.weights))
        sizes = np.diff(reading.bounds)
        self._longest = int(sizes.max(initial=1))
        grams = grams_of(reading, range(1, self._longest + 1))
        whole = grams.sizes == sizes[grams.documents]
        hashes, first = np.unique(grams.hashes[whole], return_index=True)
        self._known = Vocabulary(hashes, np.ones(len(hashes), np.float32))
        begin = (grams.sizes == 2) & (grams.starts == reading.bounds[grams.documents])
        pairs = np.unique(grams.hashes[begin])
        self._begins = Vocabulary(pairs, np.ones(len(pairs), np.float32))
        places = {code: place for place, code in enumerate(book.codes)}
        table = np.zeros((len(hashes), len(places)), np.float32)
        weights = list(book.weights.values())
        for number, document in enumerate(grams.documents[whole][first]):
            for code, weight in weights[document].items():
                table[number, places[code]] = weight
        self.weights = torch.from_numpy(table)  # (P, K)

    def find(self, reading: Reading) -> RuleHits:
        """All phrases of a batch."""
        starts, sizes, phrases = self._all(reading)
        order = np.lexsort((-sizes, starts))
        starts, phrases = starts[order], phrases[order]
        ends = starts + sizes[order]
        covered = np.maximum.accumulate(np.append(0, ends))[:-1]
        kept = ends > covered
        starts, ends, phrases = starts[kept], ends[kept], phrases[kept]
        documents = reading.documents[starts]
        head = starts - reading.bounds[documents] < HEAD_CHARACTERS
        times = _times_before(documents * len(self._known) + phrases)
        factors = np.where(head, HEAD_FACTOR, 1.0) / (1 + times)
        return RuleHits(documents, starts, ends, phrases, factors.astype(np.float32))

    def scores(self, hits: RuleHits, texts: int) -> Tensor:
        """Sums of the weights of each text's hits, (B, K)."""
        return functional.embedding_bag(
            torch.from_numpy(hits.phrases),
            self.weights,
            torch.from_numpy(np.searchsorted(hits.documents, np.arange(texts))),
            mode="sum",
            per_sample_weights=torch.from_numpy(hits.factors),
        )

    def added(self, hits: RuleHits, slopes: Tensor) -> Array:
        """What each hit added to an answer with slopes (B, K) in the scores, (H,)."""
        own = slopes[torch.from_numpy(hits.documents)]
        added = (own * self.weights[torch.from_numpy(hits.phrases)]).sum(1).numpy()
        result: Array = added * hits.factors
        return result

    def _all(self, reading: Reading) -> tuple[Array, Array, Array]:
        """Starts, sizes and numbers of all phrases, also of those inside others."""
        grams = grams_of(reading, (1, 2))
        single = grams.sizes == 1
        characters = grams.hashes[single]
        begins = self._begins.find(grams.hashes[~single])[1]
        at, hashes = grams.starts[~single][begins], grams.hashes[~single][begins]
        limits = reading.bounds[reading.documents[at] + 1]
        size, found = 2, [_hits(grams.starts[single], 1, *self._known.find(characters))]
        while len(at) and size <= self._longest:
            found.append(_hits(at, size, *self._known.find(hashes)))
            size += 1
            inside = at + size <= limits
            at, limits = at[inside], limits[inside]
            hashes = longer(hashes[inside], characters[at + size - 1])
        starts, sizes, phrases = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return starts, sizes, phrases


def _hits(starts: Array, size: int, places: Array, known: Array) -> tuple[Array, Array, Array]:
    return starts[known], np.full(int(known.sum()), size), places[known]


def _times_before(keys: Array) -> Array:
    """How often each key stood before, in order, (H,)."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    first = np.searchsorted(ordered, ordered)
    times = np.empty(len(keys), np.int64)
    times[order] = np.arange(len(keys)) - first
    return times
