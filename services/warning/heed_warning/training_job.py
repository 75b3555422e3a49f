"""`heed-warning train` (训练预测模型): trains a forecaster as a job, with the service's settings.

It does what TrainForecaster does, on whatever machine it is started: reads the counts, trains in
child processes, on a GPU where there is one, stores the result and puts it to use if it is better.
Serving replicas notice by themselves. Exit status 2 means that settings or arguments are wrong, 1
that there is too little history.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from datetime import date

from heed_shared.database import Database
from heed_shared.errors import InsufficientHistory, InvalidField
from heed_shared.logs import setup_logs
from heed_shared.program import business_clock
from heed_shared.reference.regions import Regions
from heed_shared.reference.taxonomy import Taxonomy
from heed_shared.settings import SettingsError, load_settings
from heed_warning.adapters.counts import PostgresCounts
from heed_warning.adapters.forecasters import PostgresForecasters
from heed_warning.adapters.panels import PostgresPanels
from heed_warning.adapters.training_process import ChildTrainer
from heed_warning.application.places import Places
from heed_warning.application.training import School
from heed_warning.domain.forecaster_record import ForecasterRecord, ForecasterState
from heed_warning.settings import WarningSettings

_SCHEMA = "warning"
_POOL_SIZE = 3
DEFAULT_SECONDS = 600


def main(arguments: Sequence[str]) -> int:
    """Train once; returns the exit status."""
    asked = _parser().parse_args(arguments)
    try:
        settings = load_settings(WarningSettings, os.environ)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    setup_logs(_SCHEMA, development=settings.development)
    try:
        record = asyncio.run(train(settings, asked))
    except InsufficientHistory as error:
        sys.stderr.write(f"INSUFFICIENT_HISTORY: {error}\n")
        return 1
    except InvalidField as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(json.dumps(_told(record), ensure_ascii=False) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="heed-warning train", description="训练预测模型 / train a forecaster on stored counts"
    )
    parser.add_argument(
        "--data-to", type=date.fromisoformat, help="数据截止日 / last day, YYYY-MM-DD"
    )
    parser.add_argument("--seed", type=int, default=1, help="随机种子 / seed")
    parser.add_argument(
        "--max-seconds", type=int, default=DEFAULT_SECONDS, help="最长秒数 / time budget"
    )
    parser.add_argument(
        "--processes", type=_positive, default=1, help="进程数 / processes that train together"
    )
    parser.add_argument(
        "--most-cells", type=_positive, help="最多单元数 / cells to train on where there are more"
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


async def train(settings: WarningSettings, asked: argparse.Namespace) -> ForecasterRecord:
    """Train on the counts in the database and store the result.

    Raises:
        InsufficientHistory: There are too few days.
        InvalidField: The last day is not closed.
    """
    database = await Database.open(settings.database_url, _SCHEMA, _POOL_SIZE)
    try:
        places = Places(Regions.load(settings.regions), Taxonomy.load(settings.taxonomy))
        panels = PostgresPanels(database, PostgresCounts(), places.level, places.still_above)
        trainer = ChildTrainer(asked.processes, asked.most_cells or 0)
        school = School(database, business_clock(settings), panels, PostgresForecasters(), trainer)
        return await school.train(
            await school.lesson(asked.data_to),
            seed=asked.seed,
            max_seconds=asked.max_seconds,
            report=_report,
        )
    finally:
        await database.close()


async def _report(share: float) -> None:
    sys.stderr.write(f"{share:.0%}\n")


def _told(record: ForecasterRecord) -> dict[str, object]:
    return {
        "name": record.name,
        "promoted": record.state is ForecasterState.CURRENT,
        "data_from": record.data_from.isoformat(),
        "data_to": record.data_to.isoformat(),
        "validation_loss": record.validation_loss,
        "baseline_loss": record.baseline_loss,
        "coverage_90": record.coverage_90,
        "cells": record.cell_count,
    }
