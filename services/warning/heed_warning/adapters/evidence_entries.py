"""Lays counts out of memory and log as the domain's evidence has them: by cell, seen from a day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from heed_warning.adapters.count_memory import BUCKETS, CountMemory, Rows
from heed_warning.domain.counts import (
    INDICATOR_MEASURES,
    REVERTING,
    Above,
    CellDay,
    Measure,
)
from heed_warning.domain.evidence import Entries, Numbers
from heed_warning.domain.panel import Cell, Floats, Ints

_Part = tuple[Numbers, Numbers, Numbers, Floats]
"""Row, age, age when known, count."""
_DAY_ZERO_ORDINAL = 730120
"""Ordinal of 2000-01-01, from which days are numbered."""


def entries_of(
    memory: CountMemory,
    cells: Sequence[Cell],
    last: int,
    later: Sequence[tuple[CellDay, int]],
    log: tuple[Rows, Ints],
    above: Above,
) -> Mapping[Measure, Mapping[int, Entries]]:
    """Return the entries of every measure that indicators read.

    Args:
        memory: Sums as known now.
        cells: Cells in the order of their rows.
        last: Number of the day of evaluation.
        later: What was recorded after it, to be taken off again; of every level of region.
        log: Counts that may be taken back, of the finest regions, and when each became known.
        above: The regions above one.
    """
    row_of = {cell: row for row, cell in enumerate(cells)}
    rows = np.array([row_of.get(cell, -1) for cell in memory.cells], dtype=np.int32)
    parts: dict[tuple[Measure, int], list[_Part]] = defaultdict(list)
    for measure in sorted(INDICATOR_MEASURES):
        for kind, numbers, days, counts in memory.of_kinds(
            measure * BUCKETS, (measure + 1) * BUCKETS
        ):
            age = (last - days).astype(np.int32)
            parts[measure, kind % BUCKETS].append((rows[numbers], age, age, counts))
    for key, part in _taken_off(later, row_of, last).items():
        parts[key].append(part)
    for key, found in _logged(log, row_of, last, above).items():
        parts[key].append(found)
    made: dict[Measure, dict[int, Entries]] = defaultdict(dict)
    for (measure, bucket), given in parts.items():
        entries = _entries(given)
        if len(entries.row):
            made[measure][bucket] = entries
    return made


def _entries(parts: Sequence[_Part]) -> Entries:
    """Join parts, without rows of unknown cells, days to come and zeros.

    Millions of rows that need none of that, as most kinds do, are not copied.
    """
    if len(parts) == 1:
        row, age, known_age, count = parts[0]
    else:
        row, age, known_age, count = (np.concatenate(part) for part in zip(*parts, strict=True))
    use = (row >= 0) & (age >= 0) & (count != 0)
    if known_age is not age:
        known_age = np.minimum(known_age, age)
    if not use.all():
        row, age, known_age, count = row[use], age[use], known_age[use], count[use]
    return Entries(row, age, known_age, count)


def _taken_off(
    later: Sequence[tuple[CellDay, int]], row_of: Mapping[Cell, int], last: int
) -> dict[tuple[Measure, int], _Part]:
    found: dict[tuple[Measure, int], list[tuple[int, int, int]]] = defaultdict(list)
    for key, count in later:
        if key.measure in INDICATOR_MEASURES - REVERTING:
            row = row_of.get(Cell(key.region, key.category), -1)
            age = last - (key.day.toordinal() - _DAY_ZERO_ORDINAL)
            found[Measure(key.measure), key.bucket].append((row, age, -count))
    made = {}
    for kind, rows in found.items():
        row, age, count = np.array(rows, dtype=np.int64).T
        row, age = row.astype(np.int32), age.astype(np.int32)
        made[kind] = (row, age, age, count.astype(float))
    return made


def _logged(
    log: tuple[Rows, Ints], row_of: Mapping[Cell, int], last: int, above: Above
) -> dict[tuple[Measure, int], _Part]:
    """Return the log's counts in every cell they count in: the finest and those above it."""
    given, known_day = log
    if not len(given.day):
        return {}
    codes, number = np.unique(given.cell, return_inverse=True)
    depth = [_lineage(code.decode("ascii"), row_of, above) for code in codes.tolist()]
    levels = max(len(rows) for rows in depth)
    lineage = np.array([[*rows, *[-1] * (levels - len(rows))] for rows in depth], dtype=np.int32)
    age = np.tile((last - given.day).astype(np.int32), levels)
    # Known before its day came: known on it.
    known_age = np.tile(np.maximum(last - known_day, 0).astype(np.int32), levels)
    row, kind = lineage[number].T.reshape(-1), np.tile(given.kind, levels)
    count = np.tile(given.count, levels)
    made = {}
    for own in np.unique(given.kind).tolist():
        use = kind == own
        key = (Measure(own // BUCKETS), own % BUCKETS)
        made[key] = (row[use], age[use], known_age[use], count[use])
    return made


def _lineage(code: str, row_of: Mapping[Cell, int], above: Above) -> list[int]:
    region, category = code[:6], code[6:8]
    return [row_of.get(Cell(place, category), -1) for place in (region, *above(region))]
