"""A long table of counts, one row per series and time, as one matrix with equally spaced steps.

Times are whole numbers or ISO dates. The order of the rows does not matter; a time that a series
lacks is missing and not zero; a row that cannot be meant is refused by its line and column.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heed_shared.commands import CommandError, open_text

LARGEST_MATRIX = 200_000_000
"""Cells beyond which a table is refused: one mistyped date would fill the memory."""
LARGEST_COUNT = 1e12
DAYS_IN_WEEK = 7


@dataclass(frozen=True)
class CountTable:
    """Counts of N series on T equally spaced steps, and the rows they came from."""

    keys: list[tuple[str, ...]]
    """What names each series, N."""
    counts: NDArray[np.float64]
    """(N, T); 0 where there is no row."""
    observed: NDArray[np.bool_]
    """Whether there is a row, (N, T)."""
    row_series: NDArray[np.int64]
    """Series of each row of the file, in the file's order, (R,)."""
    row_steps: NDArray[np.int64]
    """Step of each row, (R,)."""
    row_times: list[str]
    """Time of each row as written, R."""
    first_time: int
    """Time of step 0: a number, or the proleptic ordinal of a date."""
    spacing: int
    """Time from one step to the next."""

    def step_of(self, time: str) -> int:
        """Return the first step at or after a time, at least 0; raises ValueError if it is none."""
        return max(0, -((self.first_time - parse_time(time)) // self.spacing))


def without_days_to_come(table: CountTable, path: Path, column: str, today: date) -> CountTable:
    """Return a table of dates without rows after today, ending with its last row that is left.

    A series that has later rows alone is left out. Standard error says how many rows are; raises
    CommandError where all are.
    """
    use = table.row_steps <= (today.toordinal() - table.first_time) // table.spacing
    if use.all():
        return table
    place = f"{path}: column {column}"
    if not use.any():
        raise CommandError(f"{place}: every row is dated after today, {today}")
    sys.stderr.write(f"{place}: {int((~use).sum())} rows after today are left out\n")
    kept = int(table.row_steps[use].max()) + 1
    left = np.flatnonzero(table.observed[:, :kept].any(axis=1))
    return replace(
        table,
        keys=[table.keys[row] for row in left.tolist()],
        counts=table.counts[left, :kept],
        observed=table.observed[left, :kept],
        row_series=np.searchsorted(left, table.row_series[use]),
        row_steps=table.row_steps[use],
        row_times=[table.row_times[row] for row in np.flatnonzero(use).tolist()],
    )


def parse_time(text: str) -> int:
    """Return a whole number as itself and an ISO date as its ordinal; raises ValueError."""
    try:
        return int(text)
    except ValueError:
        return date.fromisoformat(text).toordinal()


def read_counts(
    path: Path, series: Sequence[str], time: str, count: str, *, calendar: bool = False
) -> CountTable:
    """Read a table; raises CommandError naming file, line and column of the first bad row.

    With `calendar` the steps are weeks where all times lie whole weeks apart, and days otherwise,
    however sparse the rows; without it a step is the commonest time between neighbouring rows.
    """
    keys: dict[tuple[str, ...], int] = {}
    row_series: list[int] = []
    times: list[int] = []
    row_times: list[str] = []
    values: list[float] = []
    lines: list[int] = []
    for line, key, written, text in _rows(path, series, time, count):
        row_series.append(keys.setdefault(key, len(keys)))
        times.append(_time(path, line, time, written))
        values.append(_count(path, line, count, text))
        row_times.append(written)
        lines.append(line)
    if not values:
        raise CommandError(f"{path}: no rows below the header")
    of_series, at = np.array(row_series), np.array(times)
    first = int(at.min())
    spacing = _calendar_spacing(at) if calendar else _spacing(of_series, at)
    steps, rest = np.divmod(at - first, spacing)
    if rest.any():
        row = int(rest.argmax())
        raise CommandError(
            f"{path}: line {lines[row]}, column {time}: {row_times[row]} does not fall on the "
            f"steps of {spacing} from the first time on"
        )
    shape = (len(keys), int(steps.max()) + 1)
    if shape[0] * shape[1] > LARGEST_MATRIX:
        raise CommandError(
            f"{path}: column {time}: {shape[0]} series over {shape[1]} steps are too many cells"
        )
    _refuse_repeats(path, time, of_series * shape[1] + steps, lines, row_times)
    counts, observed = np.zeros(shape), np.zeros(shape, dtype=np.bool_)
    counts[of_series, steps] = values
    observed[of_series, steps] = True
    return CountTable(list(keys), counts, observed, of_series, steps, row_times, first, spacing)


def _rows(
    path: Path, series: Sequence[str], time: str, count: str
) -> Iterator[tuple[int, tuple[str, ...], str, str]]:
    """Yield line number, series, time and count of each row as written."""
    with open_text(path) as file:
        reader = csv.reader(file)
        try:
            header = next(reader, [])
            missing = [name for name in (*series, time, count) if name not in header]
            if missing:
                raise CommandError(f"{path}: no column {missing[0]}; there are {', '.join(header)}")
            places = [header.index(name) for name in series]
            time_place, count_place = header.index(time), header.index(count)
            for row in reader:
                if not row:
                    continue
                if len(row) != len(header):
                    raise CommandError(
                        f"{path}: line {reader.line_num}: {len(row)} columns, not {len(header)}"
                    )
                key = tuple(row[place] for place in places)
                yield reader.line_num, key, row[time_place].strip(), row[count_place]
        except (csv.Error, UnicodeDecodeError, EOFError, OSError) as error:
            raise CommandError(f"{path}: line {reader.line_num}: {error}") from error


def _time(path: Path, line: int, column: str, text: str) -> int:
    try:
        return parse_time(text)
    except ValueError as error:
        raise CommandError(
            f"{path}: line {line}, column {column}: {text!r} is neither a whole number nor an "
            "ISO date"
        ) from error


def _count(path: Path, line: int, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not (0.0 <= value <= LARGEST_COUNT and value == np.floor(value)):
        raise CommandError(
            f"{path}: line {line}, column {column}: {text!r} is not a count (a whole number from "
            "0 on)"
        )
    return value


def _spacing(series: NDArray[np.int64], times: NDArray[np.int64]) -> int:
    """Return the commonest time between neighbouring rows of one series; 1 if there are none."""
    order = np.lexsort((times, series))
    gaps = np.diff(times[order])[np.diff(series[order]) == 0]
    commonest = Counter(gaps[gaps > 0].tolist()).most_common(1)
    return int(commonest[0][0]) if commonest else 1


def _calendar_spacing(times: NDArray[np.int64]) -> int:
    """Return 7 where all times lie whole weeks apart, 1 otherwise."""
    distances = times - times.min()
    whole = not (distances % DAYS_IN_WEEK).any()
    return DAYS_IN_WEEK if whole and distances.any() else 1


def _refuse_repeats(
    path: Path, column: str, cells: NDArray[np.int64], lines: list[int], times: list[str]
) -> None:
    order = np.argsort(cells, kind="stable")
    again = np.flatnonzero(np.diff(cells[order]) == 0)
    if len(again):
        earlier, later = (int(order[again[0] + offset]) for offset in (0, 1))
        raise CommandError(
            f"{path}: line {lines[later]}, column {column}: {times[later]} of the same series "
            f"stands in line {lines[earlier]} already"
        )
