"""How long one evaluation of very many cells takes, with indicators, and what memory.

`python -m tests.benchmarks.warning.evaluation [--cells 100000] [--days 365]`

Made-up counties, cities and provinces with 17 categories each get a year of counts in PostgreSQL:
items, people, repeats, joint and hazardous ones, due ones. Rates differ from cell to cell as an
exponential law does, 0.3 items a day in the mean of a county's cells; the seed is 1. Measured are
the first evaluation of a process, which reads everything, and the next day's, which reads what is
new: reading, models, indicators, thresholds, inhibition and writing the warnings, with the built-in
policy and no trained model. The floor is a bare binary COPY of the same columns to nowhere, which
is what reading costs at least.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import resource
import shutil
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np
from numpy.typing import NDArray

from heed_local.postgres import Cluster, EmbeddedPostgres
from heed_shared.clock import ReplayClock, day_start
from heed_shared.database import Database
from heed_shared.reference.regions import Regions
from heed_shared.reference.taxonomy import Taxonomy
from heed_warning.adapters.count_stream import ALL_SUMS
from heed_warning.adapters.counts import PostgresCounts
from heed_warning.adapters.escalation_rules import read_escalation_rules
from heed_warning.adapters.forecasters import CurrentModel
from heed_warning.adapters.indicator_table import load_indicators
from heed_warning.adapters.panels import PostgresPanels
from heed_warning.adapters.policies import PostgresPolicies
from heed_warning.adapters.silences import PostgresSilences
from heed_warning.adapters.skips import PostgresSkips
from heed_warning.adapters.warnings import PostgresWarnings
from heed_warning.application.evaluation import Evaluator
from heed_warning.application.places import Places
from heed_warning.application.settlement import Settlement
from tests.benchmarks.report import print_table, write_json
from tests.database_templates import DatabaseTemplates, MadeDatabase

FIRST = date(2025, 1, 1)
CATEGORIES = 17
MEAN_RATE = 0.3
COUNTIES_IN_CITY, CITIES_IN_PROVINCE = 28, 10
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# Measure, bucket, share of the items that have it.
KINDS = (
    (1, 0, 1.0),
    (5, 1, 0.8),
    (5, 2, 0.2),
    (2, 0, 0.15),
    (3, 0, 0.1),
    (4, 0, 0.05),
    (7, 0, 0.6),
)
_INDEXES = (
    "ALTER TABLE cell_day DROP CONSTRAINT cell_day_pkey",
    "DROP INDEX cell_day_changed",
    "DROP INDEX cell_day_day",
    "ALTER TABLE cell_day ADD PRIMARY KEY (region_code, category_code, measure, bucket, day)",
    "CREATE INDEX cell_day_changed ON cell_day (changed)",
    "CREATE INDEX cell_day_day ON cell_day (day)",
)
_FIELDS = (("region_code", "S6"), ("category_code", "S2"), ("measure", ">i2"), ("bucket", ">i2"),
           ("day", ">i4"), ("live", ">i8"))  # fmt: skip
_COPY_HEADER, _COPY_TRAILER = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=365)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="heed-bench-"))
    folder.chmod(0o711)
    try:
        with EmbeddedPostgres(folder / "postgres", fsync=False) as cluster:
            found = _measured(cluster, folder, asked.cells, asked.days)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    rows = [
        [name, seconds, found["processor_seconds"].get(name, ""), found["cells"] / seconds]
        for name, seconds in found["seconds"].items()
    ]
    title = f"One evaluation of {found['cells']:,} cells, {found['rows']:,} counts"
    columns = ["", "seconds", "of them on the processor, without Postgres", "cells a second"]
    print_table(title, columns, rows)
    memory = [[name, float(size)] for name, size in found["megabytes"].items()]
    print_table("Memory of the process, MB", ["", "most so far"], memory)
    write_json("warning-evaluation", found)


def _measured(cluster: Cluster, folder: Path, cells: int, days: int) -> dict[str, Any]:
    """Fill a database and measure; templates bring their own event loop, so it starts after."""
    made = DatabaseTemplates(cluster, folder / "passwords.json").copy("warning")
    codes, table = places(folder, cells)
    return asyncio.run(_run(made, codes, table, days))


def places(folder: Path, cells: int) -> tuple[list[str], Path]:
    """Return codes of counties for about so many cells, and a table of them and those above."""
    counties = max(cells // CATEGORIES * 28 // 29, 1)
    codes = [
        f"9{DIGITS[city // CITIES_IN_PROVINCE]}{city % CITIES_IN_PROVINCE + 1:02d}{county + 1:02d}"
        for city in range(-(-counties // COUNTIES_IN_CITY))
        for county in range(min(COUNTIES_IN_CITY, counties - city * COUNTIES_IN_CITY))
    ]
    table = folder / "regions.csv"
    lines = [f"{code},地区{code}\n" for code in sorted({*codes, *_above(codes)})]
    table.write_text("code,title\n" + "".join(lines), "utf-8")
    return codes, table


async def _run(made: MadeDatabase, codes: list[str], table: Path, days: int) -> dict[str, Any]:
    connection = await asyncpg.connect(made["admin_url"])
    await connection.execute("SET search_path = warning")
    await fill(connection, codes, days)
    rows = await connection.fetchval("SELECT count(*) FROM cell_day")
    last = FIRST + timedelta(days=days - 1)
    seconds = {"bare COPY of all counts (floor)": await _bare_copy(connection, last)}
    memory = {"before": megabytes()}
    database = await Database.open(made["url"], "warning", 4)
    clock = ReplayClock(day_start(last + timedelta(days=1)))
    evaluator = evaluator_of(database, clock, table)
    cells = 0
    processor: dict[str, float] = {}
    for name, day in (
        ("first evaluation of a process", last),
        ("the next day's", last + timedelta(days=1)),
    ):
        clock.advance(day_start(day + timedelta(days=1)))
        started, worked = time.monotonic(), time.process_time()
        run = (await evaluator.evaluate(day)).run
        seconds[name] = time.monotonic() - started
        processor[name] = time.process_time() - worked
        memory[name], cells = megabytes(), run.cell_count
    await database.close()
    await connection.close()
    return {
        "cells": cells, "rows": rows, "days": days, "seconds": seconds,
        "processor_seconds": processor, "megabytes": memory,
        "measured_at": datetime.now(UTC).isoformat(),
    }  # fmt: skip


async def fill(connection: asyncpg.Connection, codes: list[str], days: int) -> None:
    """Write one day more than is evaluated first; indexes come after the rows, as it is quicker."""
    rng = np.random.default_rng(1)
    regions = sorted({*codes, *_above(codes)})
    place = {region: number for number, region in enumerate(regions)}
    county = np.array([place[code] for code in codes])
    rates = rng.exponential(MEAN_RATE, (len(codes), CATEGORIES))
    for statement in _INDEXES[:3]:
        await connection.execute(statement)
    for category in range(CATEGORIES):
        items = rng.poisson(rates[:, category, None], (len(codes), days + 1))
        for measure, bucket, share in KINDS:
            counts = np.zeros((len(regions), days + 1), dtype=np.int64)
            counts[county] = rng.binomial(items, share)
            for length in (4, 2):
                above = [place[f"{code[:length]:0<6}"] for code in codes]
                np.add.at(counts, above, counts[county])
            rows = _binary(regions, f"{category + 1:02d}", measure, bucket, counts)
            await connection.copy_to_table(
                "cell_day", source=io.BytesIO(rows), format="binary",
                columns=[name for name, _ in _FIELDS], timeout=900,
            )  # fmt: skip
    for statement in _INDEXES[3:]:
        await connection.execute(statement, timeout=900)
    await connection.execute("ANALYZE cell_day", timeout=900)


def _binary(
    regions: list[str], category: str, measure: int, bucket: int, counts: NDArray[np.int64]
) -> bytes:
    """Return the counts above zero as COPY takes them."""
    region, day = np.nonzero(counts)
    row = np.dtype([("fields", ">i2"), *(
        part for name, form in _FIELDS for part in ((f"{name}_size", ">i4"), (name, form))
    )])  # fmt: skip
    table = np.zeros(len(region), dtype=row)
    table["fields"] = len(_FIELDS)
    for name, form in _FIELDS:
        table[f"{name}_size"] = np.dtype(form).itemsize
    table["region_code"] = np.array(regions, dtype="S6")[region]
    table["category_code"] = category
    table["measure"], table["bucket"] = measure, bucket
    table["day"] = day + (FIRST - date(2000, 1, 1)).days
    table["live"] = counts[region, day]
    return _COPY_HEADER + table.tobytes() + _COPY_TRAILER


def _above(codes: list[str]) -> set[str]:
    return {f"{code[:length]:0<6}" for code in codes for length in (4, 2)}


async def _bare_copy(connection: asyncpg.Connection, last: date) -> float:
    started = time.monotonic()
    query = ALL_SUMS.replace("$1", f"'{FIRST}'::date").replace("$2", f"'{last}'::date")
    await connection.execute(f"COPY ({query}) TO '/dev/null' (FORMAT binary)", timeout=900)
    return time.monotonic() - started


def evaluator_of(database: Database, clock: ReplayClock, table: Path) -> Evaluator:
    """Return the evaluator as the service has it."""
    places = Places(Regions.load(table), Taxonomy.load(None))
    warnings = PostgresWarnings()
    return Evaluator(
        database,
        clock,
        places,
        PostgresPanels(database, PostgresCounts(), places.level, places.still_above),
        PostgresPolicies(),
        warnings,
        Settlement(warnings, PostgresSilences(), places, read_escalation_rules(None)),
        CurrentModel(database),
        PostgresSkips(),
        load_indicators(),
    )


def megabytes() -> float:
    """Return the most memory that the process has taken so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
