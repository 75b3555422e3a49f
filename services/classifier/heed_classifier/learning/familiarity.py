"""How familiar a text is: whether it is written like those that the model was trained on.

A model is as sure about noise as about petitions, so familiarity is asked apart from it. Pairs of
wide letters and triples of narrow ones are remembered in a bitmap; marks and digits do not count.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heed_classifier.learning.features import Grams, chunks, grams_of
from heed_classifier.learning.reading import LONGEST_TEXT, Reading, is_letter, read

Array = NDArray[Any]

_BITS = 22
_WIDE = 0x2E80
_FEW = 10
# Text that speaks to a program about its own sorting; a person must look at it.
_ORDERS = re.compile(
    r"(忽略|无视|忘记|不要理会).{0,8}(指示|指令|提示|规则|要求)"
    r"|(分类|归类|标记|输出)(为|成|[:：])"
    r"|(你|您)(现在)?(是|扮演)一?个?.{0,12}(助手|模型|机器人|程序|分类器|专家)"
    r"|(ignore|disregard|forget).{0,24}(instruction|prompt|rule|above)"
    r"|system ?prompt|as an ai|<\|.{0,20}\|>|\[/?inst\]",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class FamiliarityCutoffs:
    """What a text must reach: to be AUTO, and to be more than UNCERTAIN."""

    share: float
    count: float
    least_share: float
    least_count: float

    def doubts(self, shares: Array, counts: Array) -> Array:
        """0 nothing speaks against AUTO, 1 too strange for it, 2 too strange for any answer."""
        strange = (shares < self.share) | (counts < self.count)
        lost = (shares < self.least_share) | (counts < self.least_count)
        doubts: Array = np.maximum(strange.astype(int), 2 * lost)
        return doubts


@dataclass(frozen=True)
class Familiarity:
    """A bitmap of letter groups seen in training, packed (2^22 / 8,) uint8."""

    bitmap: Array

    def measure(self, reading: Reading) -> tuple[Array, Array]:
        """Share of familiar letter groups of each text, and how many different ones, (B,) each."""
        slots, documents = _groups(reading)
        bits = self.bitmap[slots >> 3] >> (slots & 7).astype(np.uint8) & 1
        total = np.bincount(documents, minlength=reading.size)
        familiar = np.bincount(documents, bits, reading.size)
        keys = np.sort((documents << _BITS | slots)[bits > 0])
        different = keys[np.diff(keys, prepend=-1) > 0] >> _BITS
        return familiar / np.maximum(total, 1), np.bincount(different, minlength=reading.size)


def gives_orders(text: str) -> bool:
    """Whether a text tells a program how to sort it."""
    return _ORDERS.search(text[:LONGEST_TEXT]) is not None


def remember(texts: Sequence[str]) -> Familiarity:
    """Remember the letter groups of texts."""
    seen = np.zeros(1 << _BITS, bool)
    for chunk in chunks(texts):
        seen[_groups(read(chunk))[0]] = True
    return Familiarity(np.packbits(seen, bitorder="little"))


def familiarity_cutoffs(shares: Array, counts: Array) -> FamiliarityCutoffs:
    """Cut-offs from texts that were held out: all but the strangest one in fifty are familiar."""
    share, count = float(np.quantile(shares, 0.02)), float(np.quantile(counts, 0.02))
    return FamiliarityCutoffs(
        share=share,
        count=min(_FEW, max(2.0, count)),
        least_share=share / 2,
        least_count=min(4.0, max(1.0, count / 2)),
    )


def _groups(reading: Reading) -> tuple[Array, Array]:
    """Slots of the letter groups of a reading and the texts that they are from."""
    letters = is_letter(reading.points)
    wide = reading.points >= _WIDE
    pairs, triples = grams_of(reading, (2,)), grams_of(reading, (3,))
    first, second = pairs.starts, pairs.starts + 1
    kept = letters[first] & letters[second] & (wide[first] | wide[second])
    narrow = letters & ~wide
    at = triples.starts
    kept_triples = narrow[at] & narrow[at + 1] & narrow[at + 2]
    return (
        np.concatenate([_slots(pairs)[kept], _slots(triples)[kept_triples]]),
        np.concatenate([pairs.documents[kept], triples.documents[kept_triples]]),
    )


def _slots(grams: Grams) -> Array:
    mixed = grams.hashes * np.uint64(0xD6E8_FEB8_6659_FD93)
    slots: Array = (mixed >> np.uint64(64 - _BITS)).astype(np.int64)
    return slots
