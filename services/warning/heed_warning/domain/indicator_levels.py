"""Which level the indicators of a cell propose, by families, beside that of its count.

Blue: one indicator over, at least ten items. Yellow: two families over, or one for two periods.
Orange: three families, or a fifth of at least thirty due items overdue, or hazards over with at
least five. Red is never proposed here. A cell above is silent about what a cell below it says
itself. The rule is the office's own, from what indicators mean together; it grades services.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from heed_warning.domain.evidence import Evidence
from heed_warning.domain.indicator_readings import Readings
from heed_warning.domain.indicators import Family, Reading
from heed_warning.domain.inhibition import NO_PARENT
from heed_warning.domain.panel import CITY, COUNTY, Booleans, Floats, Ints
from heed_warning.domain.policy import Level

ITEMS_REQUIRED = 10
ITEMS_WINDOW_DAYS = 28
OVERDUE, OVERDUE_SHARE, OVERDUE_ITEMS = "B4", 0.2, 30
HAZARD, HAZARD_ITEMS = "C4", 5


@dataclass(frozen=True)
class IndicatorBoard:
    """The indicators of all cells of an evaluation."""

    readings: Sequence[Readings]
    flagged: Booleans
    """Which indicators speak for a level in each cell, (K, N)."""
    level: Ints
    """Level that they propose, (N,)."""

    def speaking(self, row: int) -> tuple[Reading, ...]:
        """Return the indicators of a cell that speak for its level, the most unusual first."""
        found = [
            one.reading(row)
            for one, flags in zip(self.readings, self.flagged, strict=True)
            if flags[row]
        ]
        return tuple(sorted(found, key=lambda reading: -reading.percentile))


def grade(readings: Sequence[Readings], evidence: Evidence) -> IndicatorBoard:
    """Find the level that indicators of every cell propose."""
    count = len(evidence.cells)
    items = evidence.items(ITEMS_WINDOW_DAYS, evidence.every_row(), 1)[:, 0]
    over, urgent = np.zeros((2, len(readings), count), dtype=np.bool_)
    before = np.zeros_like(over)
    for number, one in enumerate(readings):
        over[number] = one.over & (items >= ITEMS_REQUIRED)
        before[number] = one.over_before
        urgent[number] = _urgent(one)
    flagged = _not_said_below(over | urgent, evidence.levels, evidence.parents)
    over, urgent = over & flagged, urgent & flagged
    families = _by_family(readings, over)
    lasting = families & _by_family(readings, before)
    level = np.zeros(count, dtype=np.int64)
    level[families.any(axis=0)] = Level.BLUE
    level[(families.sum(axis=0) >= 2) | lasting.any(axis=0)] = Level.YELLOW
    level[(families.sum(axis=0) >= len(Family)) | urgent.any(axis=0)] = Level.ORANGE
    return IndicatorBoard(readings, flagged, level)


def _urgent(one: Readings) -> Booleans:
    """Say where one indicator proposes orange by itself, (N,)."""
    if one.definition.code == OVERDUE:
        share: Floats = np.nan_to_num(one.value)
        return np.asarray((share >= OVERDUE_SHARE) & (one.denominator >= OVERDUE_ITEMS))
    if one.definition.code == HAZARD:
        return np.asarray(one.over & (one.numerator >= HAZARD_ITEMS))
    return np.zeros(len(one.over), dtype=np.bool_)


def _not_said_below(flags: Booleans, levels: Ints, parents: Ints) -> Booleans:
    """Take from each cell what a cell below it says already, (K, N)."""
    said = np.zeros_like(flags)
    for level in (COUNTY, CITY):
        rows = np.flatnonzero((levels == level) & (parents != NO_PARENT))
        for indicator in range(len(flags)):
            speaks = rows[flags[indicator, rows] | said[indicator, rows]]
            said[indicator, parents[speaks]] = True
    return np.asarray(flags & ~said)


def _by_family(readings: Sequence[Readings], flags: Booleans) -> Booleans:
    """Say in which families a cell has an indicator over, (3, N)."""
    found = np.zeros((len(Family), flags.shape[1]), dtype=np.bool_)
    for one, own in zip(readings, flags, strict=True):
        found[one.definition.family - 1] |= own
    return found
