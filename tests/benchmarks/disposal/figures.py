"""How long GetPerformance takes over a hundred thousand cases with all that was done about them.

Protocol: a Postgres of its own; a made-up city is replayed through the verbs (`replayed`), and its
cases are copied with uids of their own until there are `--cases`. Disposal serves over mutual TLS
with a token. What is told is the whole call: of a year and of a quarter, of everything and of one
unit, on a cluster that is warm; then each query by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, Final

import asyncpg
from heed.disposal.v1 import disposal_service_pb2 as pb

from heed_disposal.adapters.figure_counts import PostgresFigureCounts
from heed_disposal.adapters.figures_sql import QUERIES
from heed_disposal.adapters.work import PostgresWorkshop
from heed_disposal.application.changes import record
from heed_disposal.application.performance import Period
from heed_disposal.application.ports import Change
from heed_local.authority import make_authority
from heed_local.postgres import EmbeddedPostgres
from heed_shared.clock import ReplayClock
from tests.benchmarks.disposal.many_cases import require_room
from tests.benchmarks.report import print_table, write_json
from tests.database_templates import DatabaseTemplates, MadeDatabase
from tests.disposal.builders import at
from tests.disposal.replayed import replay
from tests.disposal.serving import Serving, serving

CASES: Final = 100_000
CALLS: Final = 5
BATCH: Final = 200
LAST: Final = "2020-03-01"
PARTS: Final = (
    "case_deadline",
    "case_record",
    "case_opinion",
    "case_follow_up",
    "case_rating",
    "case_step",
)
"""Tables that figures read beside the cases."""
ASKED: Final[dict[str, dict[str, Any]]] = {
    "a year, all units": {"from_day": "2019-01-01", "to_day": "2019-12-31", "by_unit": True},
    "a quarter, all units": {"from_day": "2019-04-01", "to_day": "2019-06-30", "by_unit": True},
    "a quarter, one unit": {
        "from_day": "2019-04-01",
        "to_day": "2019-06-30",
        "unit": "甲区住建局",
    },
}


async def fill(disposal: Serving, made: MadeDatabase, cases: int) -> int:
    """Replay a city and copy its cases; returns how many there are."""
    lives = replay(None)
    pattern = 0
    while batch := list(islice(lives, BATCH)):
        async with PostgresWorkshop(disposal.database).open() as work:
            await record(work.cases, [Change(None, case) for case, _ in batch], at(LAST))
            await work.commit()
        pattern += len(batch)
    copies = cases // pattern - 1
    admin = await asyncpg.connect(
        made["admin_url"], server_settings={"search_path": made["schema"]}
    )
    try:
        await admin.execute("SET synchronous_commit = off")
        for table in ("cases", *PARTS):
            await _copy(admin, table, copies)
        await admin.execute("VACUUM (ANALYZE)")
    finally:
        await admin.close()
    return pattern * (copies + 1)


async def _copy(admin: asyncpg.Connection, table: str, copies: int) -> None:
    rows = await admin.fetch(
        "SELECT column_name AS name FROM information_schema.columns WHERE table_name = $1"
        " AND table_schema = current_schema() AND is_identity = 'NO'",
        table,
    )
    own = {
        "uid": "md5(t.uid::text || n)::uuid",
        "matter": "t.matter || n",
        "petition": "t.petition || n",
    }
    names = [row["name"] for row in rows]
    values = [own.get(name, f"t.{name}") for name in names]
    await admin.execute(
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)}"
        f" FROM {table} t CROSS JOIN generate_series(1, {copies}) AS n"
    )


async def measure(disposal: Serving, calls: int) -> tuple[dict[str, float], dict[str, float]]:
    """Return the median call of each request and of each query, in milliseconds."""
    stub = disposal.stub("leader")
    asked = {
        name: await _median(lambda told=told: stub.GetPerformance(
            pb.GetPerformanceRequest(**told)), calls)
        for name, told in ASKED.items()
    }  # fmt: skip
    counts = PostgresFigureCounts(disposal.database, ReplayClock(at(LAST)))
    year = Period("", "", date(2019, 1, 1), date(2019, 12, 31))
    single = {
        code: await _median(lambda code=code: counts.parts([code], year), calls) for code in QUERIES
    }
    return asked, single


async def _median(call: Any, calls: int) -> float:
    await call()
    taken = []
    for _ in range(calls):
        begun = time.perf_counter()
        await call()
        taken.append(1000 * (time.perf_counter() - begun))
    return sorted(taken)[calls // 2]


async def run(made: MadeDatabase, folder: Path, cases: int, calls: int) -> None:
    """Fill, measure and print."""
    async with serving(make_authority(folder / "authority"), made, at(LAST)) as disposal:
        begun = time.perf_counter()
        filled = await fill(disposal, made, cases)
        print(f"{filled:,} cases in {time.perf_counter() - begun:.0f} s")  # noqa: T201
        asked, single = await measure(disposal, calls)
    rows = [*asked.items(), *((f"  query {code}", ms) for code, ms in single.items())]
    print_table(f"GetPerformance over {filled:,} cases", ("ms", "median"), rows)
    write_json("figures", {"cases": filled, "asked_ms": asked, "query_ms": single})


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure in a Postgres of its own, which is removed afterwards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--calls", type=int, default=CALLS)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="heed-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        require_room(folder, options.cases)
        with EmbeddedPostgres(folder / "postgres", fsync=False) as cluster:
            made = DatabaseTemplates(cluster, folder / "passwords.json").copy("disposal")
            asyncio.run(run(made, folder, options.cases, options.calls))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
