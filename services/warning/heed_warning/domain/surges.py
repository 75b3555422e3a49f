"""Surges that a backtest adds to the cells' own history, to see whether they would be found.

Real surges are rarely labelled. So each cell gets made-up ones on its real counts: five sizes, from
two to ten standard deviations of its own seven-day sums (Noufaily et al. 2013, Statistics in
Medicine 32:1206-1222, adds outbreaks the same way), and three shapes: sudden (three days), swelling
and ebbing (two weeks), creeping (four weeks, growing to the end). They are drawn from a seed, one
in about a quarter of a year, at times that nothing in the counts has a part in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from heed_warning.domain.panel import Floats, Ints

SIZES = (2.0, 3.0, 4.5, 7.0, 10.0)
SHAPES: Mapping[str, Floats] = {
    "sudden": np.array([0.5, 0.3, 0.2]),
    "swelling": np.array([1, 2, 3, 5, 7, 9, 10, 9, 7, 5, 3, 2, 1, 1]) / 65.0,
    "creeping": np.arange(1.0, 29.0) / 406.0,
}
"""Share of a surge's items on each of its days."""
SPACING_DAYS = 91
SMALLEST_SURGE = 5
"""Items: smaller ones are nobody's warning."""


@dataclass(frozen=True)
class Surges:
    """S surges of a panel; arrays are (S,)."""

    row: Ints
    start: Ints
    """Day number of the first item."""
    stop: Ints
    """Day number after the last item."""
    peak: Ints
    """Day number with the most items."""

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.row)


NO_SURGES = Surges(*(np.zeros(0, dtype=np.int64) for _ in range(4)))


def add_surges(
    counts: Floats, started: Ints, first: int, last: int, seed: int
) -> tuple[Floats, Surges]:
    """Return counts with surges that lie wholly in the days first .. last, and where they are.

    A cell's deviation is that of its own seven-day sums before `first`, by their median and the
    Poisson law, or over all days where it began later; counts and the answer are (N, T).
    """
    rng = np.random.default_rng(seed)
    deviations = _deviations(counts, first)
    added = counts.copy()
    found: list[tuple[int, int, int, int]] = []
    shapes = list(SHAPES.values())
    for row in range(len(counts)):
        start = max(first, int(started[row]) + 28 + 7) + int(rng.integers(SPACING_DAYS // 2))
        while start <= last:
            shape = shapes[int(rng.integers(len(shapes)))]
            size = SIZES[int(rng.integers(len(SIZES)))] * deviations[row]
            if start + len(shape) - 1 > last:
                break
            items = rng.multinomial(max(round(size), SMALLEST_SURGE), shape)
            added[row, start : start + len(shape)] += items
            peak = start + int(np.argmax(shape))
            found.append((row, start, start + len(shape), peak))
            start += SPACING_DAYS + int(rng.integers(-14, 15))
    if not found:
        return added, NO_SURGES
    return added, Surges(*np.array(found, dtype=np.int64).T)


def _deviations(counts: Floats, first: int) -> Floats:
    """Return the deviation of each cell's seven-day sums, never below that of the Poisson law."""
    sums = counts.cumsum(axis=1)
    weeks = sums[:, 7:] - sums[:, :-7]
    weeks = weeks[:, : first - 7] if first >= 7 + 28 else weeks
    if not weeks.shape[1]:
        return np.ones(len(counts))
    middle = np.median(weeks, axis=1)
    spread = 1.4826 * np.median(np.abs(weeks - middle[:, None]), axis=1)
    return np.asarray(np.maximum(np.maximum(spread, np.sqrt(weeks.mean(axis=1))), 1.0))
