"""How long forecasts of very many cells take with a trained model, page by page, and what memory.

`python -m tests.benchmarks.warning.pages [--cells 20000] [--days 365] [--page 500]`

The cells are those of the evaluation benchmark. A combination of three networks is trained for a
short while on a sample of them: how good it is does not matter here. Measured are the first page of
a day, which foresees every cell, pages after it, a page after a new count of an earlier day, which
foresees them anew, a page after a count of today, and an evaluation with the model in use.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import tempfile
import time
from collections.abc import Awaitable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import torch

from heed_local.postgres import Cluster, EmbeddedPostgres
from heed_shared.clock import ReplayClock, day_start
from heed_shared.database import Database
from heed_warning.application.forecasting import Foreseer, Scope
from heed_warning.application.places import working_day
from heed_warning.domain.panel import Cell
from heed_warning.forecasting.descent import Budget
from heed_warning.forecasting.train import sample, train
from tests.benchmarks.report import print_table, write_json
from tests.benchmarks.warning import evaluation
from tests.database_templates import DatabaseTemplates, MadeDatabase

T = TypeVar("T")
TRAINED_ON, STEPS = 1000, 60
PAGES = 20


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--page", type=int, default=500)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    folder = Path(tempfile.mkdtemp(prefix="heed-bench-"))
    folder.chmod(0o711)
    try:
        with EmbeddedPostgres(folder / "postgres", fsync=False) as cluster:
            found = _measured(cluster, folder, asked)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print_table(
        f"Forecasts of {found['cells']:,} cells x {asked.days} days, pages of {asked.page}",
        ["", "seconds", "of them on the processor", "memory, most so far, MB"],
        [[name, *values] for name, values in found["measured"].items()],
    )
    write_json("warning-pages", found)


def _measured(cluster: Cluster, folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    made = DatabaseTemplates(cluster, folder / "passwords.json").copy("warning")
    codes, table = evaluation.places(folder, asked.cells)
    return asyncio.run(_run(made, codes, table, asked))


async def _run(
    made: MadeDatabase, codes: list[str], table: Path, asked: argparse.Namespace
) -> dict[str, Any]:
    connection = await asyncpg.connect(made["admin_url"])
    await connection.execute("SET search_path = warning")
    await evaluation.fill(connection, codes, asked.days)
    last = evaluation.FIRST + timedelta(days=asked.days - 1)
    database = await Database.open(made["url"], "warning", 4)
    clock = ReplayClock(day_start(last + timedelta(days=1)))
    evaluator = evaluation.evaluator_of(database, clock, table)
    measured: dict[str, tuple[float, ...]] = {}

    async def timed(name: str, work: Awaitable[T]) -> T:
        started, worked = time.monotonic(), time.process_time()
        result = await work
        seconds, busy = time.monotonic() - started, time.process_time() - worked
        measured[name] = (seconds, busy, evaluation.megabytes())
        return result

    panel, _ = await timed("reading all counts", evaluator.panels.evidence(last))
    await _promote(connection, await asyncio.to_thread(_weights, sample(panel, TRAINED_ON)), last)
    measured["training, for what follows to use"] = (0.0, 0.0, evaluation.megabytes())
    foreseer = Foreseer(
        database, clock, evaluator.places, evaluator.panels, evaluator.policies, evaluator.models
    )

    async def page(after: Cell | None) -> Cell | None:
        scope = Scope(("",), "", after, asked.page)
        _, found = await foreseer.forecast_page(scope, None, 28, lambda _: True)
        return found[-1].outlook.cell if found else None

    at = await timed("first page", page(None))
    at = await timed("second page", page(at))

    async def more(at: Cell | None) -> Cell | None:
        for _ in range(PAGES):
            at = await page(at)
        return at

    at = await timed(f"{PAGES} pages more", more(at))
    await connection.execute(_NEW, codes[0], last + timedelta(days=1))
    at = await timed("a page after a count of today", page(at))
    await connection.execute(_NEW, codes[0], last - timedelta(days=3))
    await timed("a page after a count of an earlier day", page(at))
    await timed("evaluation with the model", evaluator.evaluate(last))
    await database.close()
    await connection.close()
    return {"cells": len(panel.cells), "days": asked.days, "page": asked.page,
            "measured": measured, "measured_at": datetime.now(UTC).isoformat()}  # fmt: skip


_NEW = """
INSERT INTO cell_day (region_code, category_code, measure, bucket, day, live)
VALUES ($1, '01', 1, 0, $2, 40)
ON CONFLICT (region_code, category_code, measure, bucket, day)
DO UPDATE SET live = cell_day.live + 1, changed = pg_current_xact_id()
"""


def _weights(panel: Any) -> bytes:
    budget = Budget(steps=STEPS)
    return train(
        panel, working_day, seed=1, max_seconds=600, report=lambda _: None, budget=budget
    ).weights


async def _promote(connection: asyncpg.Connection, weights: bytes, last: date) -> None:
    await connection.execute(
        "INSERT INTO forecaster (uid, state, kind, data_from, data_to, seed, code_version, "
        "validation_loss, baseline_loss, coverage_90, cell_count, trained_at, weights, losses) "
        "VALUES (gen_random_uuid(), 2, 'combination', $1, $2, 1, 'x', 0.4, 0.5, 0.9, 1, now(), "
        "$3, '[]')",
        evaluation.FIRST, last, weights,
    )  # fmt: skip


if __name__ == "__main__":
    main()
