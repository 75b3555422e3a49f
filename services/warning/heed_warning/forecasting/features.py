"""Turns a history into what the network reads. Pure arrays; nothing looks past its day.

The features of day t rest on counts up to t. Counts are held against the baseline's level, so that
a cell of one item a month and one of forty a day look alike to the network.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from heed_warning.domain.day_kind import KIND_COUNT
from heed_warning.domain.history import History
from heed_warning.domain.panel import Ints

Floats32 = NDArray[np.float32]

WEEK_DAYS = 7
MONTH_DAYS = 28
CALENDAR_WIDTH = KIND_COUNT + 4
SERIES_WIDTH = 6
DAY_WIDTH = SERIES_WIDTH + CALENDAR_WIDTH
SMALLEST_LEVEL = 0.01


@dataclass(frozen=True)
class Vocabulary:
    """What a network was trained to read."""

    categories: tuple[str, ...]
    """Category codes; others are read as unknown."""
    seasonal: bool
    """Whether the time of year is shown, which takes two years of history."""


@dataclass(frozen=True)
class Features:
    """What the network reads of N cells over T days, with F days of calendar after them."""

    days: Floats32
    """(N, T, DAY_WIDTH)."""
    calendar: Floats32
    """(T + F, CALENDAR_WIDTH)."""
    category: Ints
    """Number of the category in the vocabulary, 0 where unknown, (N,)."""
    level: Ints
    """Region level, (N,)."""


def calendar_features(kinds: Ints, year_days: Ints, *, seasonal: bool) -> Floats32:
    """Return kind of day and two harmonics of the year, (D, CALENDAR_WIDTH).

    Without a season the harmonics are 0: a network that saw each time of year once would take
    whatever happened then for the season.
    """
    angle = 2.0 * np.pi * year_days / 365.0
    year = np.stack([np.sin(angle), np.cos(angle), np.sin(2 * angle), np.cos(2 * angle)], axis=1)
    kind = kinds[:, None] == np.arange(KIND_COUNT)[None, :]
    return np.concatenate([kind, year * seasonal], axis=1).astype(np.float32)


def features_of(history: History, vocabulary: Vocabulary) -> Features:
    """Return the features of a history."""
    counts, baseline = history.panel.counts, history.baseline
    days = history.panel.day_count
    level = np.maximum(baseline.level, SMALLEST_LEVEL)
    expected = np.concatenate([level[:, :1], level[:, :-1]], axis=1) * baseline.factors[:, :days]
    surprise = np.clip((counts - expected) / np.sqrt(expected + 1.0), -4.0, 6.0)
    week = lfilter(np.ones(WEEK_DAYS), [1.0], counts, axis=1)
    month = lfilter(np.ones(MONTH_DAYS), [1.0], counts, axis=1)
    elapsed = np.cumsum(baseline.factors[:, :days], axis=1)
    ever = (np.cumsum(baseline.bounded, axis=1) + level) / (elapsed + 1.0)
    series = np.stack(
        [
            np.log1p(counts),
            np.log(level),
            surprise,
            np.log((week + 1.0) / (level * WEEK_DAYS + 1.0)),
            np.log((month + 1.0) / (level * MONTH_DAYS + 1.0)),
            np.log((ever + SMALLEST_LEVEL) / (level + SMALLEST_LEVEL)),
        ],
        axis=2,
    )
    calendar = calendar_features(history.kinds, history.year_days, seasonal=vocabulary.seasonal)
    by_day = np.broadcast_to(calendar[None, :days], (len(counts), days, CALENDAR_WIDTH))
    number = {code: place for place, code in enumerate(vocabulary.categories, start=1)}
    return Features(
        days=np.concatenate([series.astype(np.float32), by_day], axis=2),
        calendar=calendar,
        category=np.array([number.get(cell.category, 0) for cell in history.panel.cells]),
        level=history.panel.levels,
    )
