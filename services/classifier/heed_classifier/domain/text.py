"""The text of a petition as the classifier reads it.

Everything that points into a text (evidence, rules) counts characters of ``request + newline +
facts``. Folding for comparison therefore never changes the number of characters.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_FULLWIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_ENDS = frozenset("，。！？；：、,.!?;:\n")
_CLAUSE = re.compile(r"[^，。！？；：、,.!?;:\n]+")
# The beginning tells the language; six characters say something.
_READ_CHARACTERS, _LEAST_CHINESE = 400, 6
_FOLD = {**_FULLWIDTH, 0x3000: 0x20, 0x00A0: 0x20, ord("\t"): 0x20}


@dataclass(frozen=True)
class PetitionText:
    """Request (诉求) and facts (事实) of one petition, masked by intake."""

    request: str
    facts: str

    @property
    def joined(self) -> str:
        """The text to which all offsets refer."""
        return f"{self.request}\n{self.facts}"


@lru_cache(maxsize=8)  # one text is folded by every rule in turn
def fold(text: str) -> str:
    """Fold full-width forms and case for comparison; the length stays the same."""
    folded = text.translate(_FOLD)
    lowered = folded.lower()
    return lowered if len(lowered) == len(text) else folded


def is_chinese(text: str) -> bool:
    """Whether a text has enough Chinese characters to be read, and is mostly made of them."""
    beginning = text[:_READ_CHARACTERS]
    characters = sum("\u4e00" <= character <= "\u9fff" for character in beginning)
    return characters >= _LEAST_CHINESE and 2 * characters >= len("".join(beginning.split()))


def clauses(text: str) -> Iterator[tuple[int, str]]:
    """Cut a text at punctuation; yields (offset, clause) for every clause that is not blank."""
    for found in _CLAUSE.finditer(text):
        if not found.group().isspace():
            yield found.start(), found.group()


class Clauses:
    """The clauses of one text, found by a place inside them."""

    def __init__(self, text: str) -> None:
        self._ends = [place for place, character in enumerate(text) if character in _ENDS]
        self._length = len(text)

    def around(self, place: int) -> tuple[int, int]:
        """Start and end of the clause in which a place lies."""
        following = bisect_left(self._ends, place)
        start = self._ends[following - 1] + 1 if following else 0
        end = self._ends[following] if following < len(self._ends) else self._length
        return start, end


def title_of(text: PetitionText, longest: int = 40) -> str:
    """A short title: the first clause that says something, cut to a length."""
    for _, clause in clauses(text.joined):
        clean = " ".join(clause.split())
        if len(clean) >= 4 and not clean.startswith(("尊敬的", "您好", "你好")):
            return clean if len(clean) <= longest else clean[: longest - 1] + "…"
    joined = " ".join(text.joined.split())
    return joined[:longest]
