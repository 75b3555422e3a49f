"""Counts as they may leave: to officers day by day, and to everybody for the months of a city."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from heed_shared.database import Database
from heed_shared.errors import InvalidField
from heed_warning.application.places import Places
from heed_warning.application.ports import Counts
from heed_warning.domain.disclosure import (
    SHOWN_INSIDE,
    SHOWN_TO_ALL,
    hidden,
    hidden_in_table,
    lines_of,
    rounded,
)
from heed_warning.domain.panel import CITY, Cell, Ints

_PROVINCE_DIGITS = 2
_CITY_DIGITS = 4


@dataclass(frozen=True)
class PublishedCount:
    """A count that everybody may see; an empty category is the sum over all."""

    cell: Cell
    count: int
    hidden: bool
    own: bool
    """Whether it was counted for the city itself and for none of its counties."""


async def hidden_days(
    connection: AsyncConnection,
    counts: Counts,
    places: Places,
    cell: Cell,
    measure: int,
    days: tuple[date, date],
) -> set[date]:
    """Return the days on which the count of a cell is hidden from officers.

    Whoever asks for the regions above and beside it learns no small count by subtraction: all of
    the province is looked at together.
    """
    first, last = days
    known = await counts.around(
        connection, cell.region[:_PROVINCE_DIGITS], cell.category, measure, first, last
    )
    if not any(count < SHOWN_INSIDE for _, _, count in known):
        return set()
    regions = sorted({found.region for found, _, _ in known} | {cell.region})
    row = {region: number for number, region in enumerate(regions)}
    column = {day: number for number, day in enumerate(sorted({day for _, day, _ in known}))}
    matrix = np.zeros((len(row), len(column)), dtype=np.int64)
    for found, day, count in known:
        matrix[row[found.region], column[day]] = count
    parents = {region: next(iter(places.still_above(region)), "") for region in regions}
    covered = hidden(matrix, lines_of(parents, regions), SHOWN_INSIDE)[row[cell.region]]
    return {day for day, number in column.items() if covered[number]}


async def published_counts(
    database: Database, counts: Counts, places: Places, region: str, month: date, measure: int
) -> list[PublishedCount]:
    """Return the counts of a month of a city by county and category, as everybody may see them.

    Args:
        database: Of the service.
        counts: Where they are.
        places: The mounted regions.
        region: The city.
        month: Its first day.
        measure: What is counted.

    Raises:
        UnknownRegion: The region is in no mounted table.
        InvalidField: It is no city.
    """
    places.require_region(region)
    if places.level(region) != CITY:
        raise InvalidField("region_code", "must be a city: figures of one level only are published")
    last = (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    async with database.read() as connection:
        known = await counts.around(connection, region[:_CITY_DIGITS], "", measure, month, last)
    sums: dict[Cell, int] = {}
    for cell, _, count in known:
        sums[cell] = sums.get(cell, 0) + count
    counties = sorted({cell.region for cell in sums} - {region})
    categories = sorted({cell.category for cell in sums})
    if not categories:
        return []
    table = _table(sums, region, counties, categories)
    covered = hidden_in_table(table, SHOWN_TO_ALL)
    shown = rounded(table)
    return [
        PublishedCount(
            cell=Cell(place, category),
            count=0 if covered[row, column] else int(shown[row, column]),
            hidden=bool(covered[row, column]),
            own=row == len(counties),
        )
        for row, place in enumerate([*counties, region, region])
        for column, category in enumerate([*categories, ""])
        if table[row, column] > 0
    ]


def _table(
    sums: dict[Cell, int], city: str, counties: Sequence[str], categories: Sequence[str]
) -> Ints:
    """Return counties, what is the city's own, and their sum, by category and in sum."""
    inner = np.array(
        [[sums.get(Cell(place, category), 0) for category in categories] for place in counties],
        dtype=np.int64,
    ).reshape(len(counties), len(categories))
    whole = np.array([sums.get(Cell(city, category), 0) for category in categories], dtype=np.int64)
    own = np.maximum(whole - inner.sum(axis=0), 0)
    rows = np.vstack([inner, own[np.newaxis]])
    rows = np.vstack([rows, rows.sum(axis=0, keepdims=True)])
    table: Ints = np.hstack([rows, rows.sum(axis=1, keepdims=True)])
    return table
