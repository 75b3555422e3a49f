"""How far a rise may reach: which neighbouring regions, and which region above, may follow.

Two things are told of each: how likely it exceeds its own threshold within four weeks, by its own
forecast, and how often it did so within four weeks after this cell had begun to exceed, in the
history of both. The second is a share of past beginnings, never a cause.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from heed_warning.domain.panel import Booleans, Cell, Floats, Panel

FOLLOW_DAYS = 28
FEWEST_BEGINNINGS = 3
"""Beginnings in the history of a cell below which no share is told."""
MOST_FOLLOWERS = 10
NEVER_SEEN = -1.0
_WINDOW_DAYS = 7

Ancestors = Callable[[str], Sequence[str]]


class Relation(IntEnum):
    """How a region stands to another; the numbers are the contract's."""

    NEIGHBOUR = 1
    PARENT = 2


@dataclass(frozen=True)
class Risk:
    """What a cell's own forecast says of the next four weeks."""

    exceedance: float
    threshold: float
    """Items in seven days."""


@dataclass(frozen=True)
class Follower:
    """A cell that may follow."""

    cell: Cell
    relation: Relation
    exceedance: float
    followed_share: float


def related(
    cells: Sequence[Cell], asked: Sequence[Cell], above: Ancestors
) -> dict[Cell, list[tuple[Cell, Relation]]]:
    """Return for each asked cell its neighbours and its parent, of the same category."""
    siblings: dict[tuple[str, str], list[Cell]] = {}
    known = set(cells)
    parents = {region: tuple(above(region)) for region in {cell.region for cell in cells}}
    for cell in cells:
        if parents[cell.region]:
            siblings.setdefault((parents[cell.region][0], cell.category), []).append(cell)
    found = {}
    for cell in asked:
        up = parents.get(cell.region, ())
        nearby = siblings.get((up[0], cell.category), []) if up else []
        neighbours = [(other, Relation.NEIGHBOUR) for other in nearby if other != cell]
        higher = (Cell(region, cell.category) for region in up)
        parent = next(((item, Relation.PARENT) for item in higher if item in known), None)
        found[cell] = neighbours + ([parent] if parent else [])
    return found


def followers(
    panel: Panel,
    risks: Mapping[Cell, Risk],
    relations: Mapping[Cell, Sequence[tuple[Cell, Relation]]],
) -> dict[Cell, list[Follower]]:
    """Return for each cell those that are likely to follow, the likeliest first.

    Args:
        panel: Counts up to the last known day.
        risks: Of every cell that has a forecast; others are left out.
        relations: What `related` returned.
    """
    rows = [row for row, cell in enumerate(panel.cells) if cell in risks]
    place = {panel.cells[row]: number for number, row in enumerate(rows)}
    limits = np.array([risks[panel.cells[row]].threshold for row in rows])
    begins, follows = _histories(panel.counts[rows], limits)
    found = {}
    for cell, others in relations.items():
        able = [(other, relation) for other, relation in others if other in place]
        shares = np.full(len(able), NEVER_SEEN)
        if cell in place and able:
            begun = begins[place[cell]]
            if begun.sum() >= FEWEST_BEGINNINGS:
                after = follows[[place[other] for other, _ in able]]
                shares = (after & begun).sum(axis=1) / begun.sum()
        made = [
            Follower(other, relation, risks[other].exceedance, float(share))
            for (other, relation), share in zip(able, shares, strict=True)
        ]
        made.sort(key=lambda item: (-item.exceedance, -item.followed_share, item.cell))
        found[cell] = made[:MOST_FOLLOWERS]
    return found


def _histories(counts: Floats, limits: Floats) -> tuple[Booleans, Booleans]:
    """Return on which days each cell began to exceed, and whether it exceeds in the 28 days after.

    A beginning is an exceeding day with none in the 28 days before it. Days with fewer than 28
    days before or after them tell nothing and are left out. (N, D) each.
    """
    days = counts.shape[1] - _WINDOW_DAYS + 1 - 2 * FOLLOW_DAYS
    if days <= 0 or not len(counts):
        nothing = np.zeros((len(counts), 0), dtype=bool)
        return nothing, nothing
    sums = np.concatenate([np.zeros((len(counts), 1)), counts.cumsum(axis=1)], axis=1)
    exceeds = sums[:, _WINDOW_DAYS:] - sums[:, :-_WINDOW_DAYS] > limits[:, None]
    total = np.concatenate(
        [np.zeros((len(counts), 1), dtype=np.int64), exceeds.cumsum(axis=1)], axis=1
    )
    now = np.arange(FOLLOW_DAYS, FOLLOW_DAYS + days)
    before = total[:, now] - total[:, now - FOLLOW_DAYS]
    after = total[:, now + 1 + FOLLOW_DAYS] - total[:, now + 1]
    return exceeds[:, now] & (before == 0), after > 0
