"""What tests of indicators share: evidence made by hand, week by week."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from heed_warning.adapters.indicator_table import load_indicators
from heed_warning.domain.counts import Measure
from heed_warning.domain.evidence import Entries, Evidence
from heed_warning.domain.indicators import IndicatorDefinition
from heed_warning.domain.inhibition import parent_rows
from heed_warning.domain.panel import Cell, Floats
from tests.warning.simulation import ancestors, level_of

CELL = Cell("9A0101", "01")
Entry = tuple[Cell, int, int, int, float]
"""Cell, bucket, age in days, age in days when it became known, count."""


def definition(code: str, **fields: object) -> IndicatorDefinition:
    """The shipped definition of a code, with some fields changed."""
    (found,) = (one for one in load_indicators() if one.code == code)
    return replace(found, **fields)  # type: ignore[arg-type]


def evidence_of(
    weekly: Mapping[Cell, Sequence[float] | Floats],
    entries: Mapping[Measure, Sequence[Entry]] | None = None,
    history_days: int | None = None,
) -> Evidence:
    """Evidence from weekly items, the latest week first, and entries of other measures."""
    cells = tuple(sorted(weekly))
    row_of = {cell: row for row, cell in enumerate(cells)}
    weeks = max(len(row) for row in weekly.values())
    items = np.zeros((len(cells), weeks))
    for cell, row in weekly.items():
        items[row_of[cell], : len(row)] = row
    return Evidence(
        cells=cells,
        levels=np.array([level_of(cell.region) for cell in cells]),
        parents=parent_rows(cells, ancestors),
        history_days=np.full(len(cells), history_days or 7 * weeks),
        weekly=items,
        entries={
            measure: {
                bucket: _entries(
                    [(row_of[cell], *rest) for cell, own, *rest in given if own == bucket]
                )
                for bucket in {entry[1] for entry in given}
            }
            for measure, given in (entries or {}).items()
        },
    )


def weekly_entries(cell: Cell, counts: Sequence[float], bucket: int = 0) -> list[Entry]:
    """One entry a week, the latest week first, each in the middle of its week."""
    return [
        (cell, bucket, 7 * ago + 3, 7 * ago + 3, float(count))
        for ago, count in enumerate(counts)
        if count
    ]


def _entries(rows: Sequence[tuple[float, ...]]) -> Entries:
    row, age, known_age, count = np.array(rows, dtype=float).reshape(-1, 4).T
    return Entries(row.astype(np.int32), age.astype(np.int32), known_age.astype(np.int32), count)
