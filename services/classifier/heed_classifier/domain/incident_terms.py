"""The terms by which matters are compared: names of things, and words of the problem.

Names are character n-grams that the language of petitions does not use elsewhere (estates, firms,
roads, projects), so no segmenter has to know them. Words of the problem are the phrases of the
content book. Keeping the two apart lets two matters that share an estate stay two.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from heed_classifier.domain.content import ContentBook
from heed_classifier.domain.text import PetitionText, fold

_RUN = re.compile(r"[\u4e00-\u9fff]+|[a-z0-9]*[a-z][a-z0-9]+")
# A number says something with what it counts or names (a bus line, a company), except for dates
# and amounts.
_NUMBERED = re.compile(
    r"(?<![0-9a-z.])[0-9a-z]{2,6}(?![年月日号栋元米平点时分万个户层楼岁期多％%.])[\u4e00-\u9fff]{2}"
)
# A word in Latin letters is a kind of thing (a karaoke bar, an app), hardly ever the name of one.
_LATIN = re.compile(r"(?<![0-9a-z])[a-z]{2,}(?![0-9a-z])")
_MASKED_PLACE = re.compile(r"[a-z]\d*[市区县]|\*+")
# Characters that begin or end no name.
_EDGES = frozenset(
    "的了是在我你他她们这那和与就都也还有为及被把对等吗呢吧啊个之于以其或并而且但不没很请问您好谢"
)
_SIZES = (2, 3)
# What a petition is about stands at its beginning; the rest only adds noise.
_FACTS_CHARACTERS = 300
_REQUEST_FACTOR = 3.0
_PROBLEM_REQUEST_FACTOR = 2.0
# A term that a few matters share is as good as one that nobody else has: the matters of a growing
# incident must not drown in words that occur by chance.
_RARE_COUNT = 5
# Marks a piece of a problem's phrase: phrases that say the same share pieces.
PIECE = "~"
_MOST_NAMES = 40
_DIGITS = 5
# Two characters are shared by chance; three name something.
_HEAD_LENGTH = 3


@dataclass(frozen=True)
class Terms:
    """Terms of one text with their frequency weights, before rarity is known."""

    names: Mapping[str, float]
    problem: Mapping[str, float]
    heads: frozenset[str] = frozenset()
    """Names in the request or the place: what the matter says it is about."""


@dataclass(frozen=True)
class Profile:
    """Terms weighed by rarity, names and problem each of length 1."""

    names: Mapping[str, float]
    problem: Mapping[str, float]
    heads: frozenset[str] = frozenset()


class TermReader:
    """Reads the terms of texts."""

    def __init__(self, book: ContentBook, ordinary: Iterable[str]) -> None:
        self._book = book
        self._ordinary = {
            gram for phrase in ordinary for run in _RUN.findall(phrase) for gram in _grams(run)
        }

    def read(self, text: PetitionText, place: str = "") -> Terms:
        """The terms of a text; the request and the place count more."""
        head = clean(f"{text.request} {place}")
        if not text.request.strip():
            head = clean(f"{text.facts[:40]} {place}")
        whole = f"{head} {clean(text.facts[:_FACTS_CHARACTERS])}"
        names = Counter(self._names(whole))
        head_names = set(self._names(head))
        problem = Counter(self._problem(whole))
        head_problem = set(self._problem(head))
        return Terms(
            {g: _frequency(n, g in head_names, _REQUEST_FACTOR) for g, n in names.items()},
            {
                p: _frequency(n, p in head_problem, _PROBLEM_REQUEST_FACTOR)
                for p, n in problem.items()
            },
            frozenset(name for name in head_names if len(name) >= _HEAD_LENGTH),
        )

    def _problem(self, text: str) -> list[str]:
        phrases = [hit.hit.phrase for hit in self._book.hits(text) if len(hit.hit.phrase) > 1]
        pieces = [
            PIECE + phrase[start : start + 2]
            for phrase in phrases
            for start in range(len(phrase) - 1)
        ]
        return phrases + _LATIN.findall(text) + pieces

    def _names(self, text: str) -> list[str]:
        numbered = _NUMBERED.findall(text)
        for found in self._book.hits(text):
            # Words of the problem are no part of a name; a single character may well be.
            if found.hit.end - found.hit.start > 1:
                blank = " " * (found.hit.end - found.hit.start)
                text = text[: found.hit.start] + blank + text[found.hit.end :]
        return numbered + [
            gram
            for run in _RUN.findall(_LATIN.sub(" ", text))
            for gram in _grams(run)
            if gram not in self._ordinary
        ]


def weigh(terms: Terms, counts: Mapping[str, int], total: int) -> Profile:
    """Weigh terms by how rare they are among the ``total`` matters of the city seen so far."""

    def rarity(term: str) -> float:
        count = max(counts.get(term, 0), _RARE_COUNT)
        return max(0.0, math.log((total + 20) / (count + 1)))

    names = {term: weight * rarity(term) ** 2 for term, weight in terms.names.items()}
    kept = dict(sorted(names.items(), key=lambda item: (-item[1], item[0]))[:_MOST_NAMES])
    problem = {term: weight * rarity(f"#{term}") ** 1.5 for term, weight in terms.problem.items()}
    return Profile(unit(kept), unit(problem), terms.heads)


def counted_terms(terms: Terms) -> list[str]:
    """The keys under which a matter is counted; words of the problem are marked by ``#``."""
    return sorted(terms.names) + sorted(f"#{term}" for term in terms.problem)


def unit(weights: Mapping[str, float]) -> dict[str, float]:
    """Scale to length 1, rounded so that a stored profile equals the computed one."""
    length = math.sqrt(sum(weight * weight for weight in weights.values()))
    if length <= 0:
        return {}
    return {term: round(weight / length, _DIGITS) for term, weight in weights.items()}


def cosine(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Cosine of two weighted sets of terms."""
    small, large = (one, other) if len(one) <= len(other) else (other, one)
    shared = sum(weight * large[term] for term, weight in small.items() if term in large)
    if not shared:
        return 0.0
    lengths = math.sqrt(sum(w * w for w in one.values()) * sum(w * w for w in other.values()))
    return shared / lengths


def clean(text: str) -> str:
    """Fold a text for comparison, without masked places."""
    return _MASKED_PLACE.sub(" ", fold(text))


def _grams(run: str) -> list[str]:
    if run[0].isascii():
        return [run]
    return [
        gram
        for size in _SIZES
        for start in range(len(run) - size + 1)
        if (gram := run[start : start + size])[0] not in _EDGES and gram[-1] not in _EDGES
    ]


def _frequency(count: int, at_head: bool, factor: float) -> float:  # noqa: FBT001
    return (1.0 + math.log(count)) * (factor if at_head else 1.0)
