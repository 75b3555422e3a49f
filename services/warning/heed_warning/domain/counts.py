"""Signed counts and how they roll up from county to city to province."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

ITEMS = 1
"""Measure of appeals and requests received: the only one that warnings are raised on."""


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
