"""Texts as the models read them: folded code points of a whole batch, with their way back.

Every character is folded on its own by one table: full width and compatibility forms (NFKC), case,
traditional to simplified. Blanks between Chinese characters, which OCR likes to add, invisible
characters and HTML tags are dropped; each kept character remembers its place in the original.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Longer texts are cut in the middle of nowhere; their beginning says what they are about.
LONGEST_TEXT = 4000

_BLANK = 0x20
_EAST_ASIAN = 0x2E80
_SYMBOL_CATEGORIES = ("P", "S", "Z", "C", "N")
_FOLDED_RANGES = ((0, 0x1_0000), (0x1_D400, 0x1_D800), (0x1_F100, 0x1_F200), (0x2_F800, 0x2_FA20))
_TAG = re.compile(r"</?[A-Za-z!][^<>]{0,300}>|&[a-zA-Z]{2,8};|&#\d{1,7};")


@dataclass(frozen=True)
class Reading:
    """A batch of texts laid end to end. N characters in all, B texts."""

    points: Array  # (N,) uint32, folded code points
    documents: Array  # (N,) int64, number of the text
    places: Array  # (N,) int64, place of the character in its original text
    bounds: Array  # (B + 1,) int64, where each text begins and ends

    @property
    def size(self) -> int:
        """How many texts there are."""
        return len(self.bounds) - 1

    def text(self, document: int) -> str:
        """The folded text of one document."""
        points = self.points[self.bounds[document] : self.bounds[document + 1]]
        return points.astype("<u4").tobytes().decode("utf-32-le")


def read(texts: Sequence[str]) -> Reading:
    """Fold a batch of texts; each is cut to ``LONGEST_TEXT`` characters first."""
    cut = [text[:LONGEST_TEXT] for text in texts]
    lengths = np.fromiter(map(len, cut), np.int64, len(cut))
    raw = np.frombuffer("".join(cut).encode("utf-32-le", "replace"), "<u4")
    points = _table()[raw]
    starts = np.cumsum(lengths) - lengths
    for number, text in enumerate(cut):
        if "<" in text or "&" in text:
            for tag in _TAG.finditer(text):
                points[starts[number] + tag.start() : starts[number] + tag.end()] = 0
    documents = np.repeat(np.arange(len(cut)), lengths)
    kept = np.nonzero(points)[0]
    kept = kept[_is_needed(points[kept], documents[kept])]
    documents = documents[kept]
    return Reading(
        points=points[kept],
        documents=documents,
        places=kept - starts[documents],
        bounds=np.searchsorted(documents, np.arange(len(cut) + 1)),
    )


def is_letter(points: Array) -> Array:
    """Which folded code points are letters of some script, (N,) of bool."""
    letters: Array = _letters()[points]
    return letters


def _is_needed(points: Array, documents: Array) -> Array:
    """All but blanks that stand beside a Chinese character, another blank or an end."""
    blank = points == _BLANK
    narrow = (points < _EAST_ASIAN) & ~blank
    same = documents[1:] == documents[:-1]
    after = np.zeros(len(points), bool)
    before = np.zeros(len(points), bool)
    after[1:] = narrow[:-1] & same
    before[:-1] = (narrow | blank)[1:] & same
    needed: Array = ~blank | (after & before)
    return needed


@cache
def _table() -> Array:
    """For every code point the one that it is folded to; 0 drops it."""
    table = np.arange(0x11_0000, dtype=np.uint32)
    for first, last in _FOLDED_RANGES:
        for point in range(first, last):
            table[point] = _folded(chr(point))
    simpler = _simplified()
    for traditional, simplified in simpler.items():
        table[ord(traditional)] = ord(simplified)
    return table


@cache
def _letters() -> Array:
    letters = np.ones(0x11_0000, bool)
    for point in range(0x1_0000):
        letters[point] = unicodedata.category(chr(point))[0] not in _SYMBOL_CATEGORIES
    letters[0x1_F000:0x2_0000] = False  # pictographs
    return letters


def _folded(character: str) -> int:
    kind = unicodedata.category(character)
    if character.isspace() or kind == "Zs":
        return _BLANK
    if kind in ("Cc", "Cf", "Cs", "Co", "Mn", "Me"):
        return 0
    for form in (unicodedata.normalize("NFKC", character).lower(), character.lower()):
        if len(form) == 1:
            return ord(form)
    return ord(character)


def _simplified() -> dict[str, str]:
    """Traditional characters with their first simplified form, from the tables of OpenCC."""
    source = files("opencc").joinpath("dictionary", "TSCharacters.txt")
    pairs = (line.split() for line in source.read_text(encoding="utf-8").splitlines())
    return {pair[0]: pair[1] for pair in pairs if len(pair) > 1 and len(pair[0]) == 1}
