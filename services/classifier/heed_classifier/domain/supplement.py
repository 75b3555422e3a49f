"""Which matter is which after a petition was supplemented (补充材料).

A matter that has a number keeps it: a case hangs on it. What the text says more of is a matter
more; what it no longer says is kept, because a case is ended by people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from heed_classifier.domain.incidents import MatterKey
from heed_classifier.domain.nature import Urgency
from heed_classifier.domain.records import MatterRecord


def follow(
    stored: Sequence[MatterRecord], sorted_anew: Sequence[MatterRecord], *, decided: bool
) -> tuple[tuple[MatterRecord, ...], dict[MatterKey, int]]:
    """Bring stored matters in line with a new sorting of the longer text.

    Returns the stored matters with their new answers, and for each matter that is new its key with
    its place in ``sorted_anew``. Where a person ``decided``, the answers stay and only the urgency
    may rise.
    """
    pairs = _pairs(stored, sorted_anew)
    followed = []
    for place, matter in enumerate(stored):
        new = sorted_anew[pairs[place]].answer if place in pairs else matter.answer
        if decided:
            urgency = Urgency(min(new.urgency, matter.answer.urgency))
            new = replace(matter.answer, urgency=urgency)
        followed.append(replace(matter, answer=new))
    last = max(matter.key.k for matter in stored)
    unpaired = [place for place in range(len(sorted_anew)) if place not in pairs.values()]
    added = {
        replace(stored[0].key, k=last + number): place for number, place in enumerate(unpaired, 1)
    }
    return tuple(followed), added


def _pairs(stored: Sequence[MatterRecord], sorted_anew: Sequence[MatterRecord]) -> dict[int, int]:
    """Places of stored matters with those of the new answers that are about the same."""
    pairs: dict[int, int] = {}
    for place, matter in enumerate(stored):
        for other, new in enumerate(sorted_anew):
            same = new.answer.category_code == matter.answer.category_code
            if same and other not in pairs.values():
                pairs[place] = other
                break
    # Where each has its counterpart, what is left over is the same under another category now.
    if len(stored) == len(sorted_anew) or (not pairs and 1 in (len(stored), len(sorted_anew))):
        rest = [place for place in range(len(stored)) if place not in pairs]
        free = [place for place in range(len(sorted_anew)) if place not in pairs.values()]
        pairs |= dict(zip(rest, free, strict=False))
    return pairs
