"""The report on a replayed city equals what plain SQL counts from a record kept beside it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import astuple
from datetime import date
from itertools import islice
from pathlib import Path

import asyncpg
import pytest

from heed_disposal.adapters.figure_counts import PostgresFigureCounts
from heed_disposal.adapters.figures_sql import QUERIES
from heed_disposal.adapters.reference_files import load_figures
from heed_disposal.adapters.work import PostgresWorkshop
from heed_disposal.application.changes import record
from heed_disposal.application.performance import Period, performance
from heed_disposal.application.ports import Change
from heed_shared.clock import ReplayClock
from heed_shared.database import Database
from tests.database_templates import MadeDatabase
from tests.disposal.builders import at
from tests.disposal.replayed import RECOMPUTED, Replayed, columns, replay

SLICE = 400
BATCH = 200
LAST = "2020-03-01"
PERIODS = (
    (date(2019, 1, 1), date(2019, 12, 31)),
    (date(2019, 4, 1), date(2019, 6, 30)),
    (date(2020, 1, 1), date(2020, 2, 29)),
)
Parts = dict[tuple[str, str], tuple[float, float]]
"""Numerator and denominator by code and unit; "" is all of them together."""


@pytest.fixture
async def ledger(make_database: Callable[[str], MadeDatabase]) -> AsyncIterator[asyncpg.Connection]:
    """A database of its own for the record."""
    connection = await asyncpg.connect(make_database("disposal")["admin_url"])
    yield connection
    await connection.close()


async def test_the_report_on_made_up_arrivals_equals_the_recomputation(
    database: Database, ledger: asyncpg.Connection
) -> None:
    await compare(database, ledger, list(replay(None)))


async def test_the_report_on_a_real_city_equals_the_recomputation(
    database: Database, ledger: asyncpg.Connection, heed_data: Path
) -> None:
    await compare(database, ledger, list(replay(heed_data, SLICE)))


async def compare(database: Database, ledger: asyncpg.Connection, lives: list[Replayed]) -> None:
    """Store the cases and the record, and compare every figure that both can tell."""
    assert set(RECOMPUTED) <= set(QUERIES)
    await stored(database, lives)
    await recorded(ledger, lives)
    clock = ReplayClock(at(LAST, 12))
    counts = PostgresFigureCounts(database, clock)
    for begin, end in PERIODS:
        report = await performance(counts, load_figures(), Period("", "", begin, end))
        told: Parts = {}
        for figure in report.together:
            told[figure.definition.code, ""] = figure.numerator, figure.denominator
        for unit, figures in report.by_unit.items():
            for figure in figures:
                told[figure.definition.code, unit] = figure.numerator, figure.denominator
        hidden = {item.code: item.minimum for item in load_figures() if item.minimum > 1}
        expected = await recomputed(ledger, begin, end)
        for (code, unit), found in expected.items():
            shown = found if found[1] >= hidden.get(code, 0) else (0, 0)
            assert told.get((code, unit), (0, 0)) == shown, (code, unit, begin)
        assert expected["timely_answer", ""][1] > 20


async def stored(database: Database, lives: list[Replayed]) -> None:
    """Write the cases through the use case."""
    entries = iter(lives)
    while batch := list(islice(entries, BATCH)):
        async with PostgresWorkshop(database).open() as work:
            await record(work.cases, [Change(None, case) for case, _ in batch], at(LAST))
            await work.commit()


async def recorded(ledger: asyncpg.Connection, lives: list[Replayed]) -> None:
    """Write the record where disposal sees nothing of it."""
    names = columns()
    await ledger.execute(f"CREATE TABLE lived ({', '.join(map(' '.join, names.items()))})")
    rows = [astuple(lived) for _, lived in lives]
    await ledger.copy_records_to_table("lived", records=rows, columns=list(names))


async def recomputed(ledger: asyncpg.Connection, begin: date, end: date) -> Parts:
    """Count every figure from the record, of each unit and of all."""
    found: Parts = {}
    for code, counted in RECOMPUTED.items():
        dated = counted
        for name, day in (("from_day", begin), ("to_day", end), ("today", LAST)):
            dated = dated.replace(f":{name}", f"date '{day}'")
        for unit in ("unit", "''"):
            for row in await ledger.fetch(f"SELECT {unit}, {dated} FROM lived GROUP BY 1"):
                if unit != "unit" or row[0]:
                    found[code, row[0]] = (float(row[1]), float(row[2]))
    return found
