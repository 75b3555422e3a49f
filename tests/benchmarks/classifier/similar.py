"""How fast similar petitions are found: `python -m tests.benchmarks.classifier.similar`.

Protocol: a city of generated petitions (200,000, or `--rows 1000000`) in a Postgres of its own with
256 MB of buffers, deleted at the end. Each petition names one of 20,000 estates by four terms
(frequencies by Zipf, the largest with thousands of petitions) and 24 terms of a vocabulary of three
million; its profile is stored as the service stores it. Asked are 400 stored petitions drawn at
random and 400 texts that name an estate and 20 terms, through the use case of the RPC, one after
the other, in one process; each is asked for the first time. Milliseconds are those that a caller
waits; CPU are those that this process and the server's worked for it, so that whatever else runs
on the machine does not count. The floor is reading one petition by
its key on the same connection pool. Seed 7.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from heed_classifier.adapters.ordinary_language import term_reader
from heed_classifier.adapters.similar_table import SimilarTables
from heed_classifier.adapters.workers import BoundedWorkers
from heed_classifier.application.similar import Finding, Wanted
from heed_classifier.domain.records import PetitionKey
from heed_classifier.domain.text import PetitionText
from heed_local.postgres import EmbeddedPostgres
from heed_shared.database import Database, raw
from heed_shared.identity import Caller
from heed_shared.reference.regions import Regions
from tests.benchmarks.report import print_table, write_json
from tests.database_templates import DatabaseTemplates, MadeDatabase

ROWS, QUESTIONS = 200_000, 400
REGION, CITY = "110105", "110100"
CALLER = Caller("staff/officer", "", "", frozenset(), "")

_FUNCTIONS = f"""
CREATE FUNCTION bench_term(id integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT chr(20000 + id % 1700) || chr(22000 + (id / 1700) % 1700) || chr(24000 + id / 2890000)
$$;
CREATE FUNCTION bench_number(term text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT (CASE WHEN c >= 2147483648 THEN c - 4294967296 ELSE c END)::integer
    FROM (SELECT crc32(convert_to('{CITY}' || term, 'UTF8')) AS c) crc
$$;
-- The four terms of an estate share one draw: the number of the petition decides it.
CREATE FUNCTION bench_ids(i integer) RETURNS integer[] LANGUAGE sql VOLATILE AS $$
    SELECT array_agg(id) FROM (
        SELECT 4 * (19 * power(1053, (hashint4(i) & 65535) / 65536.0))::integer + n AS id
        FROM generate_series(0, 3) n
        UNION ALL
        SELECT 100000 + (2000 * power(1450, random()))::integer FROM generate_series(1, 24)
    ) ids
$$;
"""
_FILL = (
    """
    INSERT INTO classification (region, uid, version, region_code, received_at, received_day,
        method, source, classified_at, updated_at)
    SELECT '110105', md5(i::text)::uuid, 1, '110105', timestamptz '2022-01-01Z' + i * '1 minute'
        ::interval, '2022-01-01', 2, 'rules', now(), now()
    FROM generate_series(1, $1::integer) i
    """,
    """
    INSERT INTO matter (region, uid, k, region_code, received_at, received_day, category_code,
        subcategory_code, candidates, band, nature, nature_probability, route, target_level,
        target_line, target_unit, target_region, urgency, importance, hazard, evidence, title,
        place, people_bucket, city_code, name_terms, name_weights, head_terms, problem_terms,
        problem_weights, counted_terms)
    SELECT '110105', md5(i::text)::uuid, 1, '110105', timestamptz '2022-01-01Z' + i * '1 minute'
        ::interval, '2022-01-01', '05', '0501', '[]', 2, 4, 0.9, 6, 4, '', '', '110105', 3, 1,
        false, '[]', names[1] || '小区噪音扰民', '', 1, '110100', names,
        array_fill(0.19::float8, ARRAY[cardinality(names)]), names[1:4], ARRAY['噪音', '扰民'],
        ARRAY[0.7, 0.7]::float8[], names
    FROM (
        SELECT i, ARRAY(SELECT bench_term(id) FROM unnest(bench_ids(i)) id) AS names
        FROM generate_series(1, $1::integer) i
    ) made
    """,
    """
    INSERT INTO matter_terms
    SELECT region, uid, k, region_code, received_at,
        ARRAY(SELECT DISTINCT bench_number(term) FROM unnest(name_terms[1:24]) term)
    FROM matter
    WHERE $1::integer > 0
    """,
    """
    INSERT INTO term_count
    SELECT '110100', term, count(*) FROM matter, unnest(name_terms) term
    WHERE $1::integer > 0 GROUP BY term
    """,
    "INSERT INTO term_count VALUES ('110100', '', $1::integer)",
)
_INDEX = """
CREATE INDEX matter_terms_found ON matter_terms USING gin (terms) WITH (fastupdate = off)
"""


async def fill(made: MadeDatabase, rows: int) -> None:
    """Fill the tables as they would be after so many petitions."""
    connection = await asyncpg.connect(made["admin_url"])
    try:
        # The rows refer to each other by how they are made; checking each would take hours.
        await connection.execute("SET session_replication_role = replica")
        await connection.execute("SET maintenance_work_mem = '1GB'")
        await connection.execute(f"SET search_path = {made['schema']}, public")
        await connection.execute("SELECT setseed(0.7)")
        await connection.execute(_FUNCTIONS)
        await connection.execute("DROP INDEX matter_terms_found")
        for statement in _FILL:
            await connection.execute(statement, rows)
        await connection.execute(_INDEX)
        for table in ("classification", "matter", "matter_terms", "term_count"):
            await connection.execute(f"VACUUM ANALYZE {table}")
    finally:
        await connection.close()


async def sizes(database: Database) -> dict[str, float]:
    """Megabytes of what is looked up."""
    async with database.read() as connection:
        inner = await raw(connection)
        return {
            name: await inner.fetchval("SELECT pg_total_relation_size($1::text::regclass)", name)
            / 1e6
            for name in ("matter_terms", "matter_terms_found", "term_count", "matter")
        }


@dataclass(frozen=True)
class Taken:
    """Milliseconds of each question, sorted: waited, and worked."""

    waited: list[float]
    worked: list[float]


async def timed(calls: Sequence[Callable[[], Awaitable[Any]]], backends: Sequence[int]) -> Taken:
    """Make the calls one after the other; ``backends`` are the server's processes."""
    waited, worked = [], []
    for call in calls:
        began, started = _worked(backends), time.perf_counter()
        await call()
        waited.append(1000 * (time.perf_counter() - started))
        worked.append(_worked(backends) - began)
    return Taken(sorted(waited), sorted(worked))


def _worked(backends: Sequence[int]) -> float:
    """Milliseconds that this process and the backends have been on a CPU."""
    served = sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in backends)
    return 1000 * time.process_time() + served / 1e6


async def measure(database: Database, rows: int) -> dict[str, Taken]:
    """Times of questions about petitions, about texts, and of the floor."""
    chance = random.Random(7)
    workers = BoundedWorkers()
    finding = Finding(SimilarTables(database), term_reader(), Regions.load(), workers)
    keys = [PetitionKey(REGION, _uid(chance.randint(1, rows))) for _ in range(2 * QUESTIONS)]
    async with database.read() as connection:
        inner = await raw(connection)
        backends = [
            row["pid"]
            for row in await inner.fetch(
                "SELECT pid FROM pg_stat_activity WHERE usename = current_user"
            )
        ]
        named = await inner.fetch(
            "SELECT name_terms[1:24] AS names FROM matter WHERE uid = ANY ($1)",
            [key.uid for key in keys[QUESTIONS:]],
        )
    texts = ["，".join(row["names"]) for row in named]

    def of(key: PetitionKey | None, text: str = "") -> Callable[[], Awaitable[Any]]:
        wanted = Wanted(key, PetitionText(text[:40], text[40:]), REGION, None, 5)
        return lambda: finding.find(wanted, CALLER)

    async def floor(key: PetitionKey) -> None:
        async with database.read() as connection:
            await (await raw(connection)).fetchrow(
                "SELECT * FROM classification WHERE region = $1 AND uid = $2", key.region, key.uid
            )

    found = await finding.find(Wanted(keys[0], PetitionText("", ""), "", None, 5), CALLER)
    if len(found) < 5:
        raise RuntimeError("the generated city has nothing similar to find")
    try:
        return {
            "a stored petition": await timed([of(key) for key in keys[:QUESTIONS]], backends),
            "a text": await timed([of(None, text) for text in texts], backends),
            "floor: one row by its key": await timed([_call(floor, key) for key in keys], backends),
        }
    finally:
        workers.close()


def _call(ask: Callable[[PetitionKey], Awaitable[Any]], key: PetitionKey) -> Callable[[], Any]:
    return lambda: ask(key)


def _uid(number: int) -> UUID:
    return UUID(hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest())


async def run(made: MadeDatabase, rows: int) -> None:
    """Fill, measure and print."""
    started = time.perf_counter()
    await fill(made, rows)
    print(f"filled in {time.perf_counter() - started:.0f} s")  # noqa: T201
    database = await Database.open(made["url"], made["schema"], 2)
    try:
        times = await measure(database, rows)
        megabytes = await sizes(database)
    finally:
        await database.close()
    table = [
        (what, *_quantiles(taken.waited), *_quantiles(taken.worked))
        for what, taken in times.items()
    ]
    columns = ("ms", "p50", "p99", "CPU p50", "CPU p99")
    print_table(f"similar petitions among {rows:,}", columns, table)
    print_table("MB", ("table or index", "MB"), list(megabytes.items()))
    write_json(
        "similar",
        {
            "rows": rows,
            "ms": {str(what): dict(zip(columns[1:], row, strict=True)) for what, *row in table},
            "MB": megabytes,
        },
    )


def _quantiles(taken: Sequence[float]) -> tuple[float, float]:
    return taken[len(taken) // 2], taken[int(0.99 * len(taken))]


def main(rows: int = ROWS) -> None:
    """Measure in a Postgres of its own."""
    with tempfile.TemporaryDirectory(prefix="heed-bench-") as folder:
        directory = Path(folder)
        directory.chmod(0o711)
        with EmbeddedPostgres(directory / "postgres", fsync=False) as cluster:
            made = DatabaseTemplates(cluster, directory / "passwords.json").copy("classifier")
            asyncio.run(run(made, rows))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    main(parser.parse_args().rows)
