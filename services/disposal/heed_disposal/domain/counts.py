"""What warning learns of deadlines: counts of items due and overdue, never an item.

Each deadline remembers what it has added to which cell, so that every change sends exactly the
difference. The day of all counts is the day on which the item was due: overdue over due is then a
true share in every cell and window. Only appeals and requests count; a warning's own clock does not
feed warnings.
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


@dataclass(frozen=True)
class Counted:
    """What one deadline has added so far."""

    region_code: str = ""
    category_code: str = ""
    due_on: date | None = None
    overdue: bool = False


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


def differences(changes: Iterable[tuple[Counted, Counted]]) -> list[CountDelta]:
    """Return what takes the sums from the old counts to the new ones, without zeros."""
    sums: Counter[tuple[Cell, CountKind]] = Counter()
    for old, new in changes:
        for counted, sign in ((old, -1), (new, +1)):
            if counted.due_on is None:
                continue
            cell = Cell(counted.region_code, counted.category_code, counted.due_on)
            sums[cell, CountKind.DUE] += sign
            sums[cell, CountKind.OVERDUE] += sign * counted.overdue
    return [CountDelta(cell, kind, delta) for (cell, kind), delta in sorted(sums.items()) if delta]
