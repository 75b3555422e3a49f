"""Signed counts and how they roll up from county to city to province."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum
from typing import NamedTuple


class Measure(IntEnum):
    """What is counted (计量项); the numbers are the contract's."""

    ITEMS = 1
    REPEAT = 2
    JOINT = 3
    HAZARD = 4
    PEOPLE = 5
    OVERDUE = 6
    DUE = 7
    RATED = 8
    DISSATISFIED = 9
    SUGGESTION = 10
    INVITED = 11
    SUPPORTED = 12
    UNPERFORMED = 13
    REVIEWED = 14
    OVERTURNED = 15
    STALE = 16


ITEMS = int(Measure.ITEMS)
"""Measure of appeals and requests received: the only one whose rise raises warnings by itself."""
REVERTING = frozenset({Measure.OVERDUE, Measure.UNPERFORMED, Measure.STALE})
"""Measures that are taken back when their reason ends: what a past day knew is not their sum."""
INDICATOR_MEASURES = frozenset(Measure) - {Measure.ITEMS, Measure.SUGGESTION}
"""Measures that indicators read beside items; suggestions are opinions and never among them."""


@dataclass(frozen=True)
class Delta:
    """A signed count for the finest known region of a cell."""

    received_day: date
    recorded_at: datetime
    region: str
    category: str
    measure: int
    bucket: int
    delta: int


class CellDay(NamedTuple):
    """Key of one sum; sorting by it gives every writer the same order of locks."""

    region: str
    category: str
    measure: int
    bucket: int
    day: date


@dataclass(frozen=True)
class RecordedCount:
    """History as a source gives it: the count of a cell, measure and day."""

    region: str
    category: str
    measure: int
    day: date
    count: int


Above = Callable[[str], Sequence[str]]
"""Returns the regions above one, the nearest first."""


def rolled_up(counts: Iterable[tuple[CellDay, int]], above: Above) -> list[tuple[CellDay, int]]:
    """Return the sums of every level that counts touch, in order, without those that cancel out.

    An item given at city level counts in its city and province only.
    """
    sums: dict[CellDay, int] = defaultdict(int)
    for key, count in counts:
        for region in (key.region, *above(key.region)):
            sums[key._replace(region=region)] += count
    return sorted((key, count) for key, count in sums.items() if count)
