"""Content (内容) by written words: which phrases point to which second-level category.

The book is data (``content/*.toml``). Scores are sums of phrase weights; a phrase that many
categories share counts less. Rules must answer without any model, and they also steady the model
on texts unlike those that it was trained on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from heed_classifier.domain.phrases import Hit, PhraseIndex
from heed_classifier.domain.text import fold

STRONG_WEIGHT = 2.0
WEAK_WEIGHT = 0.7
# A phrase in the request or title says more than one in the middle of a long story.
HEAD_CHARACTERS = 40
HEAD_FACTOR = 2.0


@dataclass(frozen=True)
class ContentEntry:
    """Words and sentences of one second-level category."""

    code: str
    strong: tuple[str, ...]
    weak: tuple[str, ...]
    facts: tuple[str, ...]
    asks: tuple[str, ...]


@dataclass(frozen=True)
class ContentHit:
    """A phrase that counted for some categories."""

    hit: Hit
    weights: Mapping[str, float]


class ContentBook:
    """All entries with an index over their phrases."""

    def __init__(self, entries: Sequence[ContentEntry]) -> None:
        self.entries = tuple(sorted(entries, key=lambda entry: entry.code))
        self.codes = tuple(entry.code for entry in self.entries)
        raw: dict[str, dict[str, float]] = {}
        for entry in self.entries:
            for words, weight in ((entry.weak, WEAK_WEIGHT), (entry.strong, STRONG_WEIGHT)):
                for word in words:
                    raw.setdefault(fold(word), {})[entry.code] = weight
        # Folded phrase -> second-level code -> weight.
        self.weights = {word: _shared(word, codes) for word, codes in raw.items()}
        self._index = PhraseIndex(self.weights)

    def hits(self, text: str) -> list[ContentHit]:
        """Every phrase found, once per place; a phrase inside a longer one is left out."""
        found: list[ContentHit] = []
        covered = 0
        for hit in self._index.find(fold(text)):
            if hit.end <= covered:
                continue
            covered = max(covered, hit.end)
            found.append(ContentHit(hit, self.weights[hit.phrase]))
        return found

    def scores(self, hits: Sequence[ContentHit]) -> dict[str, float]:
        """Sum the hits per second-level code; a phrase said again counts less each time."""
        seen: dict[str, int] = {}
        scores: dict[str, float] = {}
        for found in hits:
            times = seen.get(found.hit.phrase, 0)
            seen[found.hit.phrase] = times + 1
            head = HEAD_FACTOR if found.hit.start < HEAD_CHARACTERS else 1.0
            for code, weight in found.weights.items():
                scores[code] = scores.get(code, 0.0) + head * weight / (1 + times)
        return scores


def _shared(word: str, codes: Mapping[str, float]) -> dict[str, float]:
    """Lower a phrase's weight by how many first levels claim it; a longer one says more."""
    parents = len({code[:2] for code in codes})
    length = min(1.6, 0.7 + 0.15 * len(word))
    return {code: weight * length / math.sqrt(parents) for code, weight in codes.items()}
