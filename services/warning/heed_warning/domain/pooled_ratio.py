"""Ratios of discounted sums for many cells, where few observations borrow from many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heed_warning.domain.panel import Booleans, Floats, Ints

HALF_LIFE_DAYS = 180.0
_KEEP = 0.5 ** (1.0 / HALF_LIFE_DAYS)


@dataclass(frozen=True)
class Shrinkage:
    """How strongly a ratio of sums is held back, in units of its denominator."""

    start: float
    cell_weight: float
    group_weight: float


@dataclass
class PooledRatio:
    """A ratio of discounted sums for each cell, shrunk to its category's and to that of all."""

    category: Ints
    shrinkage: Shrinkage
    above: Floats
    below: Floats
    ratio: Floats

    @classmethod
    def start(cls, category: Ints, shrinkage: Shrinkage) -> PooledRatio:
        """Return the sums of nothing."""
        count = len(category)
        return cls(
            category, shrinkage, np.zeros(count), np.zeros(count),
            np.full(count, shrinkage.start),
        )  # fmt: skip

    def add(self, above: Floats, below: Floats, usable: Booleans) -> None:
        """Take one day in."""
        self.above *= _KEEP
        self.below *= _KEEP
        self.above += above * usable
        self.below += below * usable

    def settle(self) -> None:
        """Work the ratio out anew."""
        group, start = self.shrinkage.group_weight, self.shrinkage.start
        cell = self.shrinkage.cell_weight
        pool = (self.above.sum() + group * start) / (self.below.sum() + group)
        above = np.bincount(self.category, self.above)
        below = np.bincount(self.category, self.below)
        shared = ((above + group * pool) / (below + group))[self.category]
        own = (self.above + cell * shared) / (self.below + cell)
        self.ratio = np.maximum(own, 0.0)
