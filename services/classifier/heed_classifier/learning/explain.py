"""Which phrases of a text carried a decision, with their places.

What an n-gram added to the answer is its weight times the slope of the answer in it. The share of
every n-gram is spread over its characters; the phrases are the words, and the runs of neighbouring
words, that carried most. Legend: N characters and B texts of a reading, E known n-grams.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import rjieba
from numpy.typing import NDArray

from heed_classifier.domain.decision import Evidence
from heed_classifier.learning.features import Grams, Vocabulary, Weighted
from heed_classifier.learning.reading import Reading, is_letter

Array = NDArray[Any]

_MOST_PHRASES = 6
_LONGEST_PHRASE = 8
# Neighbouring words join while each carries at least this share of the stronger one.
_JOINED_SHARE = 0.4


def spread(
    reading: Reading, grams: Grams, vocabulary: Vocabulary, weighted: Weighted, added: Array
) -> Array:
    """Spread what each known n-gram of each text added, (E,), over the characters, (N,)."""
    totals: Array = np.zeros(len(reading.points))
    if not len(added):
        return totals
    size = len(vocabulary)
    owners = np.repeat(np.arange(reading.size), np.diff(weighted.bounds))
    places, known = vocabulary.find(grams.hashes)
    wanted = grams.documents[known] * size + places[known]
    entries = np.searchsorted(owners * size + weighted.indices, wanted)
    lengths = grams.sizes[known]
    share = added[entries] / np.bincount(entries, minlength=len(added))[entries] / lengths
    starts = grams.starts[known]
    for offset in range(int(lengths.max(initial=0))):
        inside = lengths > offset
        totals += np.bincount(starts[inside] + offset, share[inside], len(totals))
    return totals


def phrases(
    text: str, reading: Reading, document: int, weights: Array, words: Sequence[tuple[int, int]]
) -> tuple[Evidence, ...]:
    """The strongest phrases of one text, strongest first.

    Args:
        text: The original text, to which all offsets refer.
        reading: The batch that the text is in.
        document: Which text of the batch it is.
        weights: What each character of the reading added, (N,).
        words: Start and end in the reading of known words of this text.
    """
    first = int(reading.bounds[document])
    cut = slice(first, reading.bounds[document + 1])
    own, places = weights[cut], reading.places[cut]
    total = float(np.abs(own).sum()) or 1.0
    found = _candidates(reading.text(document), own, is_letter(reading.points[cut]))
    for start, end in words:
        found.append((float(own[start - first : end - first].sum()), start - first, end - first))
    chosen: list[Evidence] = []
    for added, start, end in sorted(found, key=lambda run: (-run[0], run[1])):
        begin, finish = int(places[start]), int(places[end - 1]) + 1
        phrase = text[begin:finish]
        if added > 0 and not any(
            (begin < other.end and other.start < finish) or phrase in other.phrase
            for other in chosen
        ):
            chosen.append(Evidence(phrase, begin, finish, round(added / total, 4)))
            if len(chosen) == _MOST_PHRASES:
                break
    return tuple(chosen)


def _candidates(text: str, weights: Array, letters: Array) -> list[tuple[float, int, int]]:
    """Words of at least two letters and runs of them: what they added, start, end."""
    sums = np.concatenate([np.zeros(1), np.cumsum(weights)]).tolist()
    marks = np.concatenate([np.zeros(1, np.int64), np.cumsum(~letters)]).tolist()
    runs: list[tuple[float, int, int]] = []
    end = 0
    for word in rjieba.cut(text):
        start, end = end, end + len(word)
        added = sums[end] - sums[start]
        if marks[end] > marks[start] or added <= 0:
            continue
        if runs:
            before, first, last = runs[-1]
            joins = last == start and end - first <= _LONGEST_PHRASE
            if joins and min(before, added) >= _JOINED_SHARE * max(before, added):
                runs[-1] = (before + added, first, end)
                continue
        runs.append((added, start, end))
    return [run for run in runs if run[2] - run[1] >= 2]
