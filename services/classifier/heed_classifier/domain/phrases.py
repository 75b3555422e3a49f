"""Finding many known phrases in one text at once, with their positions."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Hit:
    """One phrase found at a place of the text; offsets in characters, end exclusive."""

    phrase: str
    start: int
    end: int


class PhraseIndex:
    """A set of phrases, looked up by their first two characters.

    A regular expression of all first characters skips the places where nothing can begin, so that
    small sets cost next to nothing; what is left is one dictionary look-up for each place.
    """

    def __init__(self, phrases: Iterable[str]) -> None:
        self._by_start: dict[str, list[str]] = {}
        self._single: dict[str, str] = {}
        for phrase in sorted(set(phrases), key=lambda p: (-len(p), p)):
            if len(phrase) == 1:
                self._single[phrase] = phrase
            else:
                self._by_start.setdefault(phrase[:2], []).append(phrase)
        first = {start[0] for start in self._by_start} | set(self._single)
        self._first = re.compile(f"[{re.escape(''.join(sorted(first)))}]") if first else None

    def find(self, text: str) -> Iterator[Hit]:
        """Yield every phrase of the set in a folded text, longer ones first at each place."""
        for place in self._first.finditer(text) if self._first else ():
            start = place.start()
            for phrase in self._by_start.get(text[start : start + 2], ()):
                if text.startswith(phrase, start):
                    yield Hit(phrase, start, start + len(phrase))
            if text[start] in self._single:
                yield Hit(text[start], start, start + 1)


class PhraseGroups:
    """Several sets of phrases, looked up in one pass over a text."""

    def __init__(self, groups: Mapping[str, Iterable[str]]) -> None:
        of_phrase: dict[str, list[str]] = {}
        for group, phrases in groups.items():
            for phrase in dict.fromkeys(phrases):
                of_phrase.setdefault(phrase, []).append(group)
        self._of_phrase = of_phrase
        self._index = PhraseIndex(of_phrase)

    def find(self, text: str) -> defaultdict[str, list[Hit]]:
        """The phrases of a folded text by group, each in the order of ``PhraseIndex.find``."""
        found: defaultdict[str, list[Hit]] = defaultdict(list)
        for hit in self._index.find(text):
            for group in self._of_phrase[hit.phrase]:
                found[group].append(hit)
        return found
