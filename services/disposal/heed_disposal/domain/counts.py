"""What warning learns of the handling: counts of a cell, never an item.

Whatever was added to a cell is remembered as a mark, so that every change sends exactly the
difference, and a sealed petition takes back all it added. Only appeals and requests count; a
warning's own clock does not feed warnings.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import IntEnum


class CountKind(IntEnum):
    """Measure (计量项) of a cell that disposal adds to; numbers as in the contract."""

    OVERDUE = 6
    DUE = 7
    RATED = 8
    DISSATISFIED = 9
    INVITED = 11
    SUPPORTED = 12
    UNPERFORMED = 13
    REVIEWED = 14
    OVERTURNED = 15
    STALE = 16


@dataclass(frozen=True)
class Mark:
    """One item that was added to a cell."""

    kind: CountKind
    day: date
    """Day that the count belongs to."""
    bucket: int = 0
    region_code: str = ""
    """Empty while it counts nowhere, because the case is no appeal or request."""
    category_code: str = ""


@dataclass(frozen=True)
class Counted:
    """What one deadline has added so far.

    Its day is the one on which the item was due: overdue over due is then a true share in every
    cell and window.
    """

    region_code: str = ""
    category_code: str = ""
    due_on: date | None = None
    overdue: bool = False

    def marks(self) -> list[Mark]:
        """Return it as marks."""
        if self.due_on is None:
            return []
        kinds = (CountKind.DUE, CountKind.OVERDUE) if self.overdue else (CountKind.DUE,)
        return [Mark(kind, self.due_on, 0, self.region_code, self.category_code) for kind in kinds]


NOTHING_COUNTED = Counted()


@dataclass(frozen=True, order=True)
class Cell:
    """Region, category and day that a count belongs to."""

    region_code: str
    category_code: str
    day: date


@dataclass(frozen=True)
class CountDelta:
    """A signed count for one cell."""

    cell: Cell
    kind: CountKind
    delta: int
    bucket: int = 0
    """Of a histogram measure; 0 elsewhere."""


def differences(before: Iterable[Mark], after: Iterable[Mark]) -> list[CountDelta]:
    """Return what takes the sums from the old marks to the new ones, without zeros."""
    sums: Counter[tuple[Cell, CountKind, int]] = Counter()
    for marks, sign in ((before, -1), (after, +1)):
        for mark in marks:
            if mark.region_code:
                cell = Cell(mark.region_code, mark.category_code, mark.day)
                sums[cell, mark.kind, mark.bucket] += sign
    return [
        CountDelta(cell, kind, delta, bucket)
        for (cell, kind, bucket), delta in sorted(sums.items())
        if delta
    ]
