"""Counts for the warning service: what one matter adds to a cell, and what a change moves.

Only appeals and requests count as items; suggestions are counted apart and never warned about;
enquiries and accusations are not counted at all (DOMAIN 4.5). A delta names no petition.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from heed_classifier.domain.nature import Nature


class Measure(IntEnum):
    """Measures (计量项) that sorting gives; the numbers are the contract's."""

    ITEMS = 1
    REPEAT = 2
    JOINT = 3
    HAZARD = 4
    PEOPLE = 5
    SUGGESTION = 10


# Bucket 1 is one person; unset is read as one.
_ONE_PERSON = 1


@dataclass(frozen=True)
class Counted:
    """What is counted of one matter; kept with it, so that it can be taken back exactly."""

    received_day: date
    region_code: str
    category_code: str
    nature: Nature
    hazard: bool
    people_bucket: int
    repeat: bool = False
    """Whether a person linked the matter to an earlier one; counted by matter, never by person."""


@dataclass(frozen=True, order=True)
class Delta:
    """A signed count for one cell."""

    region_code: str
    category_code: str
    measure: Measure
    bucket: int
    delta: int


def deltas(before: Sequence[Counted], after: Sequence[Counted]) -> list[Delta]:
    """The signed counts that turn the matters ``before`` into those ``after``.

    What does not change is left out.
    """
    sums: Counter[tuple[str, str, Measure, int]] = Counter()
    for matters, sign in ((before, -1), (after, 1)):
        for counted in matters:
            for cell in _cells(counted):
                sums[cell] += sign
    return sorted(Delta(*cell, delta) for cell, delta in sums.items() if delta)


def cell_key(counted: Counted) -> str:
    """What keeps the order of a cell's observations."""
    return f"{counted.region_code}|{counted.category_code}"


def _cells(counted: Counted) -> list[tuple[str, str, Measure, int]]:
    region, category = counted.region_code, counted.category_code
    if counted.nature is Nature.SUGGESTION:
        return [(region, category, Measure.SUGGESTION, 0)]
    if counted.nature is not Nature.APPEAL_REQUEST:
        return []
    bucket = counted.people_bucket or _ONE_PERSON
    cells = [(region, category, Measure.ITEMS, 0), (region, category, Measure.PEOPLE, bucket)]
    if bucket > _ONE_PERSON:
        cells.append((region, category, Measure.JOINT, 0))
    if counted.repeat:
        cells.append((region, category, Measure.REPEAT, 0))
    if counted.hazard:
        cells.append((region, category, Measure.HAZARD, 0))
    return cells
