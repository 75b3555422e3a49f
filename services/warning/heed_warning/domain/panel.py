"""Cells and their daily counts, side by side.

A panel holds the daily items of many cells as one matrix, so that every model works on all of them
at once. It is cut at a day before a model sees it: that is what keeps the future out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Booleans = NDArray[np.bool_]

PROVINCE, CITY, COUNTY = 0, 1, 2
"""Levels of a region, as stored with every cell."""
LONGEST_SILENCE_DAYS = 28
"""Days without any item anywhere that still are days on which nothing happened."""


@dataclass(frozen=True, order=True)
class Cell:
    """A region and a first-level category: the only thing that is ever warned about."""

    region: str
    category: str


@dataclass(frozen=True)
class Panel:
    """Daily counts of N cells over T days, day 0 being `first_day`."""

    cells: tuple[Cell, ...]
    levels: Ints
    """Region level of each cell, (N,)."""
    first_day: date
    counts: Floats
    """Items, (N, T)."""
    started: Ints
    """Day number on which the counting of each cell's region began, (N,)."""

    @property
    def day_count(self) -> int:
        """Number of days."""
        return int(self.counts.shape[1])

    @property
    def last_day(self) -> date:
        """The last day that the panel knows."""
        return self.first_day + timedelta(days=self.day_count - 1)

    @cached_property
    def digest(self) -> bytes:
        """Tells panels with different cells, days or counts apart."""
        digest = blake2b(digest_size=16)
        for cell in self.cells:
            digest.update(f"{cell.region} {cell.category} ".encode())
        digest.update(f"{self.first_day} {self.counts.shape}".encode())
        for values in (self.levels, self.started, self.counts):
            digest.update(np.ascontiguousarray(values).data)
        return digest.digest()

    def index_of(self, day: date) -> int:
        """Return the day number of a day, which may lie outside."""
        return (day - self.first_day).days

    def until(self, day: date) -> Panel:
        """Return the panel as it was at the end of a day; later days are gone."""
        stop = min(max(self.index_of(day) + 1, 0), self.day_count)
        return Panel(self.cells, self.levels, self.first_day, self.counts[:, :stop], self.started)

    def after_silence(self) -> Panel:
        """Return the panel without the days up to the end of the last silence of the whole system.

        When no cell has an item for more than LONGEST_SILENCE_DAYS in a row, nobody was counting
        yet, or no longer: neither those days nor what came before them are history, for any cell.
        The silence of a single cell, while others have items, is history like any other. Only the
        panel's own days decide, so what comes later never does.
        """
        busy = np.flatnonzero(self.counts.any(axis=0))
        ends = np.append(busy, self.day_count)
        silent = ends - np.concatenate([[-1], busy]) - 1
        long = np.flatnonzero(silent > LONGEST_SILENCE_DAYS)
        if len(long) == 0:
            return self
        return self.since(int(ends[long[-1]]))

    def since(self, day: int) -> Panel:
        """Return the panel without the days before a day number."""
        return Panel(
            self.cells,
            self.levels,
            self.first_day + timedelta(days=day),
            self.counts[:, day:],
            np.maximum(self.started - day, 0),
        )

    def history_days(self) -> Ints:
        """Return for how many days each cell has been counted, zeros included, (N,)."""
        return np.maximum(self.day_count - self.started, 0)

    def select(self, rows: Ints) -> Panel:
        """Return some of the cells."""
        return Panel(
            tuple(self.cells[row] for row in rows.tolist()),
            self.levels[rows],
            self.first_day,
            self.counts[rows],
            self.started[rows],
        )

    def finest(self, rows: Ints) -> Ints:
        """Return those of the rows that lie at the finest level of region among them."""
        levels = self.levels[rows]
        return np.asarray(rows[levels == levels.max(initial=PROVINCE)])

    def by_regions(self, rows: Ints, most: int) -> list[Ints]:
        """Return the rows in parts of whole regions, each of about `most` cells or fewer."""
        regions = np.array([self.cells[row].region for row in rows.tolist()])
        parts: list[list[int]] = [[]]
        for region in np.unique(regions):
            own = rows[regions == region].tolist()
            if parts[-1] and len(parts[-1]) + len(own) > most:
                parts.append([])
            parts[-1] += own
        return [np.array(part, dtype=np.int64) for part in parts if part]

    def groups(self) -> tuple[Ints, Ints]:
        """Return for each cell the number of its category and of its region, (N,) each."""
        _, category = np.unique([cell.category for cell in self.cells], return_inverse=True)
        _, region = np.unique([cell.region for cell in self.cells], return_inverse=True)
        return category.astype(np.int64), region.astype(np.int64)
