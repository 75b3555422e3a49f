"""Turns a table of counts with ISO dates into the series that forecasts are made of.

What a missing row means depends on the table: one that has rows of 0 says 0 where it means 0, so a
missing row is unknown; one without any leaves zeros out, so a missing row is 0 as long as some
series has that date, from the first row of its region on. Rows dated after today are left out.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from heed_shared.commands import CommandError
from heed_warning.commands.count_table import CountTable, without_days_to_come
from heed_warning.domain.panel import Booleans, Floats, Ints
from heed_warning.forecasting.series import SeriesTable, of_counts

_HEADER_LINES = 1


def table_of(counts: CountTable, path: Path, column: str, today: date) -> SeriesTable:
    """Return the series; raises CommandError where a time is no date or nothing is left."""
    _require_dates(counts, path, column)
    counts = without_days_to_come(counts, path, column, today)
    values, written = counts.counts, counts.observed
    first_day = date.fromordinal(counts.first_time)
    table = of_counts(counts.keys, values, written, first_day, counts.spacing)
    return replace(table, observed=known_counts(values, written, table.region))


def _require_dates(counts: CountTable, path: Path, column: str) -> None:
    for row, text in enumerate(counts.row_times):
        try:
            date.fromisoformat(text)
        except ValueError as error:
            line = row + _HEADER_LINES + 1
            raise CommandError(
                f"{path}: line {line}, column {column}: {text!r} is not an ISO date"
            ) from error


def known_counts(values: Floats, written: Booleans, region: Ints) -> Booleans:
    """Say which counts are known, (N, T)."""
    if ((values == 0) & written).any():
        return written
    anything = written.any(axis=0)
    first = np.full(int(region.max()) + 1, written.shape[1])
    np.minimum.at(first, region, written.argmax(axis=1))
    starts = first[region].reshape(-1, 1)
    return np.asarray(anything & (np.arange(written.shape[1]) >= starts))
