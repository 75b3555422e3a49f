"""What a change of policies would raise or clear on a day, cell by cell; nothing is changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np

from heed_warning.domain.board import Board
from heed_warning.domain.panel import Cell
from heed_warning.domain.policy import Level

MOST_CHANGES = 1000


@dataclass(frozen=True)
class PreviewedChange:
    """What becomes of one cell."""

    cell: Cell
    present_level: Level
    new_level: Level
    present_threshold: float
    new_threshold: float


@dataclass(frozen=True)
class Preview:
    """What becomes of the cells that a policy applies to."""

    as_of: date
    cell_count: int
    raised_count: int
    cleared_count: int
    changes: tuple[PreviewedChange, ...]
    """At most MOST_CHANGES, highest new level first."""


def preview(present: Board, new: Board, policy_id: str, visible: Callable[[Cell], bool]) -> Preview:
    """Compare two evaluations of one day, before and after a policy is written.

    Only cells that it applies to, or applied to, and that the caller may see are counted. What
    indicators say is the same under every policy and left out.
    """
    rows = [
        row
        for row, cell in enumerate(new.panel.cells)
        if policy_id in {new.policy(row).policy_id, present.policy(row).policy_id} and visible(cell)
    ]
    before, after = present.net_level[rows], new.net_level[rows]
    changed = [rows[place] for place in np.flatnonzero(before != after)]
    changed.sort(key=lambda row: (-new.net_level[row], present.net_level[row], row))
    return Preview(
        as_of=new.as_of,
        cell_count=len(rows),
        raised_count=int(((before == Level.NONE) & (after > Level.NONE)).sum()),
        cleared_count=int(((before > Level.NONE) & (after == Level.NONE)).sum()),
        changes=tuple(
            PreviewedChange(
                cell=new.panel.cells[row],
                present_level=Level(int(present.net_level[row])),
                new_level=Level(int(new.net_level[row])),
                present_threshold=present.lowest_threshold(row),
                new_threshold=new.lowest_threshold(row),
            )
            for row in changed[:MOST_CHANGES]
        ),
    )
