"""Turns a table of counts into what is replayed: a panel of days, and the days that are unknown.

A table by weeks becomes days of which every seventh has the week's count, so that a window of seven
days always holds one week; windows are then whole weeks. A missing row means what it means to `heed
forecast`: 0 where the table leaves zeros out, unknown where it has rows of 0. Unknown days are left
out of what is usual. Rows dated after today are left out too, as there.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from heed_shared.commands import CommandError
from heed_warning.application.places import working_day
from heed_warning.application.tuning import Ground
from heed_warning.commands.count_table import (
    CountTable,
    parse_time,
    read_counts,
    without_days_to_come,
)
from heed_warning.commands.series_input import known_counts
from heed_warning.domain.day_kind import WorkingDay
from heed_warning.domain.panel import COUNTY, Booleans, Cell, Panel
from heed_warning.domain.skips import Skip

DAY, WEEK = "day", "week"
_DAYS = {DAY: 1, WEEK: 7}
_MADE_UP_START = date(2001, 1, 1)
"""A Monday: the first day of a table whose times are whole numbers."""


@dataclass(frozen=True)
class Replayed:
    """A table ready to be replayed."""

    columns: list[str]
    ground: Ground
    keys: list[tuple[str, ...]]
    """What names each cell of the panel, in its order."""
    working: WorkingDay


def add_table_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments about the table."""
    parser.add_argument("file", type=Path, help="long CSV table, may be .gz 长格式 CSV 计数表")
    parser.add_argument(
        "--series",
        required=True,
        help="columns that name a series, by commas, the category last 标识序列的列，类别在最后",
    )
    parser.add_argument(
        "--time", required=True, help="column of whole numbers or ISO dates 时间列：整数或日期"
    )
    parser.add_argument("--count", required=True, help="column of counts 计数列")
    parser.add_argument(
        "--step", choices=(DAY, WEEK), help="what a step is where times are numbers 步长"
    )
    parser.add_argument("--start", help="first time to evaluate 起始时间")


def replayed(options: argparse.Namespace, evaluated_days: int) -> Replayed:
    """Read the table of a command's arguments; raises CommandError naming what is wrong."""
    columns = [name.strip() for name in options.series.split(",")]
    table = read_counts(options.file, columns, options.time, options.count)
    step, calendar = _step(options, table)
    if calendar:
        table = without_days_to_come(table, options.file, options.time, date.today())
    cells = [_cell(key) for key in table.keys]
    order = sorted(range(len(cells)), key=cells.__getitem__)
    known = known_counts(
        table.counts, table.observed, np.unique([c.region for c in cells], return_inverse=True)[1]
    )
    panel = _panel(table, cells, order, known, step, calendar=calendar)
    first = _first(options, table, panel, step, evaluated_days)
    skips = _unknown(panel, known[order], step)
    keys = [table.keys[row] for row in order]
    working = working_day if calendar and step == 1 else _ordinary
    return Replayed(columns, Ground(panel, first, skips), keys, working)


def _ordinary(_day: date) -> None:
    """Know of no calendar: weekdays are taken as they are."""


def _cell(key: tuple[str, ...]) -> Cell:
    return Cell("/".join(key[:-1]), key[-1]) if len(key) > 1 else Cell(key[0], "")


def _step(options: argparse.Namespace, table: CountTable) -> tuple[int, bool]:
    """Return the days of a step, and whether times are dates."""
    calendar = not table.row_times[0].lstrip("+-").isdigit()
    if not calendar:
        return _DAYS[options.step or DAY], False
    if table.spacing not in _DAYS.values():
        raise CommandError(
            f"{options.file}: column {options.time}: steps of {table.spacing} days; only days and "
            "weeks can be replayed"
        )
    return table.spacing, True


def _panel(
    table: CountTable,
    cells: list[Cell],
    order: list[int],
    known: Booleans,
    step: int,
    *,
    calendar: bool,
) -> Panel:
    counts = np.zeros((len(cells), table.counts.shape[1] * step))
    counts[:, step - 1 :: step] = np.where(known, table.counts, 0.0)[order]
    begin = date.fromordinal(table.first_time) if calendar else _MADE_UP_START
    return Panel(
        cells=tuple(cells[row] for row in order),
        levels=np.full(len(cells), COUNTY, dtype=np.int64),
        first_day=begin - timedelta(days=step - 1),
        counts=counts,
        started=known[order].argmax(axis=1).astype(np.int64) * step,
    )


def _first(
    options: argparse.Namespace, table: CountTable, panel: Panel, step: int, evaluated_days: int
) -> int:
    """Return the first day number to evaluate."""
    if options.start is None:
        return max(panel.day_count - evaluated_days, panel.day_count // 2)
    try:
        wanted = parse_time(options.start)
    except ValueError as error:
        raise CommandError(
            f"--start {options.start}: neither a whole number nor an ISO date"
        ) from error
    first = max(0, -((table.first_time - wanted) // table.spacing)) * step
    if first >= panel.day_count:
        raise CommandError(f"--start {options.start}: lies after the last row")
    return first


def _unknown(panel: Panel, known: Booleans, step: int) -> list[Skip]:
    """Return the days of unknown counts after a series began, run by run."""
    skips = []
    for row, cell in enumerate(panel.cells):
        missing = ~known[row]
        missing[: int(panel.started[row]) // step] = False
        edges = np.flatnonzero(np.diff(np.concatenate([[False], missing, [False]])))
        for start, stop in edges.reshape(-1, 2).tolist():
            skips.append(
                Skip(
                    cell,
                    panel.first_day + timedelta(days=start * step),
                    panel.first_day + timedelta(days=stop * step - 1),
                    confirmed=False,
                )
            )
    return skips
