"""`heed-warning train`: several processes, the result stored and used, errors by exit status."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest

from heed_local.authority import Authority
from heed_shared.clock import day_end
from heed_shared.database import Database
from heed_warning.adapters.forecasters import CurrentModel
from heed_warning.adapters.training_process import ChildTrainer
from heed_warning.forecasting.train import sample
from heed_warning.main import main
from tests.database_templates import MadeDatabase
from tests.warning.conftest import START, environment_of
from tests.warning.counts_setup import apply, observation
from tests.warning.simulation import stationary

DAYS = 140
LAST = START - timedelta(days=1)
COUNTIES, CATEGORIES = ("320102", "320104"), ("01", "02")


async def with_counts(database: Database) -> None:
    """Counts of two counties in two categories, as registered day by day."""
    drawn = stationary(3, days=DAYS, counties=2, categories=2, season=0.2).counts.astype(int) + 1
    for ahead in range(DAYS):
        day = LAST - timedelta(days=DAYS - 1 - ahead)
        deltas = [
            (region, category, int(drawn[number, ahead]))
            for number, (region, category) in enumerate(
                (region, category) for region in COUNTIES for category in CATEGORIES
            )
        ]
        await apply(database, observation(*deltas, day=day, at=day_end(day) - timedelta(hours=9)))


async def test_two_processes_train_together_as_well_as_one() -> None:
    panel = stationary(3, days=126, counties=3, categories=3)

    async def ignored(_share: float) -> None:
        """Nobody waits for the progress."""

    found = [
        await ChildTrainer(processes).train(
            panel, seed=1, max_seconds=2.5, current=None, report=ignored
        )
        for processes in (1, 2)
    ]
    one, two = found
    assert two.validation_loss == pytest.approx(one.validation_loss, rel=0.03)
    assert two.baseline_loss == one.baseline_loss
    names = {score.family: score.loss for score in two.losses}
    for score in one.losses:
        tolerance = 0.04 if score.family == "lstm" else 0.02
        assert names[score.family] == pytest.approx(score.loss, rel=tolerance)


def test_the_job_stores_its_result_and_says_what_is_wrong(
    database: MadeDatabase,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in environment_of(authority, database).items():
        monkeypatch.setenv(name, value)
    assert main(["train"]) == 1
    assert "INSUFFICIENT_HISTORY" in capsys.readouterr().err

    async def prepared() -> None:
        opened = await Database.open(database["url"], "warning", 2)
        await with_counts(opened)
        await opened.close()

    asyncio.run(prepared())
    assert main(["train", "--data-to", START.isoformat()]) == 2
    assert "as_of" in capsys.readouterr().err
    assert main(["train", "--max-seconds", "3", "--most-cells", "8"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["cells"], told["data_to"]) == (8, LAST.isoformat())
    assert told["promoted"] == (told["validation_loss"] < told["baseline_loss"])


def test_of_very_many_cells_the_largest_and_some_others_are_trained_on() -> None:
    panel = stationary(3, days=60, counties=20, categories=10)
    chosen = sample(panel, 40)
    assert len(set(chosen.cells)) == 40
    totals = dict(zip(panel.cells, panel.counts.sum(axis=1), strict=True))
    largest = sorted(totals, key=lambda cell: -totals[cell])[:20]
    assert set(largest) <= set(chosen.cells)
    assert min(totals[cell] for cell in chosen.cells) < min(totals[cell] for cell in largest)
    assert sample(panel, 1000) is panel
    assert sample(panel, 40).cells == chosen.cells


async def test_weights_of_other_code_answer_nothing(store: Database) -> None:
    async with store.transaction() as tx:
        await tx.connection.exec_driver_sql(
            "INSERT INTO forecaster (uid, state, kind, data_from, data_to, seed, code_version, "
            "validation_loss, baseline_loss, coverage_90, cell_count, trained_at, weights, losses)"
            " VALUES (gen_random_uuid(), 2, 'combination', '2024-01-01', '2025-01-01', 1, "
            "'combination-0', 0.4, 0.5, 0.9, 9, now(), $1, '[]')",
            ((2).to_bytes(8, "little") + b"{}",),
        )
        await tx.commit()
    assert await CurrentModel(store).current() is None
