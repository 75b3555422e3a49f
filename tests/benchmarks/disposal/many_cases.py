"""Fills a database of disposal with a country of open cases, without calling the service for each.

One case is opened by the real RPC; its rows are the pattern, and generate_series writes the others
with a region, a unit, a category, a state and dates of their own. Half of a country's cases lie in
one province and a tenth with one unit, because a list that is quick only where all places are alike
is not quick.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

import asyncpg

from heed_shared.reference.regions import Regions

BYTES_A_CASE: Final = 4_000
"""Room that a case takes with its deadlines, its assessment and all indexes; measured below it."""
CROWDED: Final = "44"
"""The province of every second case."""
BIG_UNIT: Final = "某市住房和城乡建设局"
"""The unit of every tenth case."""

_DICE: Final = "(hashint4(n) & 2147483647)"
_CASE: Final = {
    "uid": "made.uid",
    "matter": "'petitions/' || made.code || '-' || made.uid || '/matters/1'",
    "petition": "'petitions/' || made.code || '-' || made.uid",
    "region": "made.code",
    "handling_region": "made.code",
    "category_code": "lpad((1 + {dice} % 17)::text, 2, '0')",
    "unit": "CASE WHEN {dice} % 10 = 0 THEN '{big}' ELSE '单位' || {dice} % 2000 END",
    "state": "CASE WHEN n % 5000 = 7 THEN 3 ELSE (ARRAY[1, 2, 4, 8])[1 + {dice} / 17 % 4] END",
    "received_at": "made.at",
    "opened_at": "made.at + interval '1 hour'",
    "updated_at": "made.at + interval '1 hour'",
    "title": "t.title || n",
}
_DEADLINE: Final = {
    "region": "c.region",
    "uid": "c.uid",
    "number": "k",
    "handling_region": "c.handling_region",
    "unit": "c.unit",
    "code": "(ARRAY['D05', 'D03'])[k]",
    "started_at": "c.received_at",
    "due_internal": "local.day",
    "due_legal": "local.day",
    "burns_at": "(local.day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'",
}
_ASSESSMENT: Final = {"region": "c.region", "uid": "c.uid"}


def require_room(directory: Path, cases: int) -> None:
    """Refuse to begin where the disk lacks room.

    Raises:
        SystemExit: less than twice the room is free.
    """
    free = shutil.disk_usage(directory).free
    if free < 2 * cases * BYTES_A_CASE:
        raise SystemExit(f"{cases:,} cases need {2 * cases * BYTES_A_CASE >> 20:,} MiB of disk")


async def fill(admin_url: str, schema: str, cases: int, overdue_share: float) -> None:
    """Write the cases, each with two running clocks and an assessment.

    Clocks of 60 and of 15 days; ``overdue_share`` of the cases came in so early that theirs broke.
    """
    counties = [code for code in Regions.load() if not code.endswith("00")]
    connection = await asyncpg.connect(admin_url, server_settings={"search_path": schema})
    try:
        # Rows are made consistent, so nothing checks them one by one; indexes are made at the end.
        await connection.execute(
            "SET synchronous_commit = off; SET session_replication_role = replica;"
            " SET maintenance_work_mem = '256MB'"
        )
        indexes = await _dropped_indexes(connection)
        await _copy_pattern(connection, "cases", _CASE, _made(counties, cases, overdue_share))
        await _copy_pattern(
            connection,
            "case_deadline",
            _DEADLINE,
            "JOIN cases c ON c.title <> '' CROSS JOIN generate_series(1, 2) AS k CROSS JOIN LATERAL"
            " (SELECT (c.received_at AT TIME ZONE 'Asia/Shanghai')::date"
            " + (ARRAY[60, 15])[k] AS day) AS local WHERE c.uid <> t.uid",
        )
        await _copy_pattern(
            connection, "case_assessment", _ASSESSMENT, "JOIN cases c ON c.uid <> t.uid"
        )
        for definition in indexes:
            await connection.execute(definition)
        await connection.execute("VACUUM (ANALYZE) cases, case_deadline, case_assessment")
    finally:
        await connection.close()


async def _dropped_indexes(connection: asyncpg.Connection) -> list[str]:
    """Drop the indexes that are no keys and return how to make them again."""
    rows = await connection.fetch(
        "SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition"
        " FROM pg_index i WHERE NOT i.indisprimary AND i.indrelid IN"
        " ('cases'::regclass, 'case_deadline'::regclass, 'case_assessment'::regclass)"
    )
    for row in rows:
        await connection.execute(f"DROP INDEX {row['name']}")
    return [row["definition"] for row in rows]


def _made(counties: list[str], cases: int, overdue_share: float) -> str:
    """Return the source of the cases: number, uid, place and moment of receipt.

    A case is younger than twelve days and has no broken clock, or sixteen days older.
    """
    crowded = [code for code in counties if code.startswith(CROWDED)]
    return f"""
        CROSS JOIN (SELECT {_array(crowded)} AS crowded, {_array(counties)} AS others) AS place
        CROSS JOIN generate_series(1, {cases}) AS n
        CROSS JOIN LATERAL (SELECT
            overlay(overlay(md5(n::text) PLACING '7' FROM 13) PLACING '8' FROM 17)::uuid AS uid,
            CASE WHEN n % 2 = 0 THEN crowded[1 + {_DICE} % {len(crowded)}]
                ELSE others[1 + {_DICE} % {len(counties)}] END AS code,
            t.received_at - CASE WHEN n <= {int(cases * overdue_share)}
                THEN interval '16 days' ELSE interval '0' END
                - ({_DICE} % 1000000) * interval '1 second' AS at) AS made
    """


async def _copy_pattern(
    connection: asyncpg.Connection, table: str, own: dict[str, str], source: str
) -> None:
    rows = await connection.fetch(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND table_name = $1",
        table,
    )
    names = [row["column_name"] for row in rows]
    values = [own.get(name, f"t.{name}").format(big=BIG_UNIT, dice=_DICE) for name in names]
    await connection.execute(
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)}"
        f" FROM (SELECT * FROM {table} LIMIT 1) AS t {source}"
    )


def _array(texts: list[str]) -> str:
    return "ARRAY[" + ", ".join(f"'{text}'" for text in texts) + "]"
