"""`heed forecast`: quantiles of what every series of a table will count, from rolling origins.

预测：为计数表中每个序列给出未来各期的分位数，可按滚动起点回测。
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import torch

from heed_shared.commands import CommandError, progress
from heed_warning.application.places import working_day
from heed_warning.commands.count_table import read_counts
from heed_warning.commands.forecast_rows import write_rows
from heed_warning.commands.series_input import table_of
from heed_warning.forecasting.classical import Classical
from heed_warning.forecasting.descent import Budget, able_to_train, train_networks
from heed_warning.forecasting.family import (
    CLASSICAL,
    COMBINATION,
    FAMILIES,
    LSTM,
    REGRESSION,
    Family,
    Prepared,
    kinds_of,
    prepare,
)
from heed_warning.forecasting.regression import Regression
from heed_warning.forecasting.rolling import forecast_at, origins_before

LONGEST_HORIZON = 366
MOST_ORIGINS = 1000
LEAST_AHEAD_DAYS = 56


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", type=Path, help="long CSV table, may be .gz 长格式 CSV 计数表")
    parser.add_argument(
        "--series",
        required=True,
        help="columns that name a series, by commas, the category last 标识序列的列，类别在最后",
    )
    parser.add_argument("--time", required=True, help="column of ISO dates 日期列")
    parser.add_argument("--count", required=True, help="column of counts 计数列")
    parser.add_argument(
        "--horizon", type=int, default=14, help="steps ahead, days or weeks as in FILE 预测期数"
    )
    parser.add_argument(
        "--origins",
        type=int,
        default=0,
        help="rolling origins a horizon apart at the end of FILE; 0 forecasts beyond it 滚动起点数",
    )
    parser.add_argument("--out", type=Path, required=True, help="quantiles, may be .gz 输出分位数")
    parser.add_argument(
        "--model", choices=(COMBINATION, *FAMILIES), default=COMBINATION, help="model 模型"
    )
    parser.add_argument("--seed", type=int, default=1, help="random seed 随机种子")
    parser.add_argument("--plot", type=Path, help="folder for pictures 图片目录")


def run(options: argparse.Namespace) -> int:
    """Forecast and write one row for each series, origin and step."""
    if not 1 <= options.horizon <= LONGEST_HORIZON:
        raise CommandError(f"--horizon {options.horizon}: must lie between 1 and {LONGEST_HORIZON}")
    if not 0 <= options.origins <= MOST_ORIGINS:
        raise CommandError(f"--origins {options.origins}: must lie between 0 and {MOST_ORIGINS}")
    names = [name.strip() for name in options.series.split(",")]
    counts = read_counts(options.file, names, options.time, options.count, calendar=True)
    table = table_of(counts, options.file, options.time, date.today())
    origins = origins_before(table.steps, options.horizon, options.origins)
    if not origins:
        raise CommandError(f"{options.file}: {table.steps} steps are too few for any origin")
    ahead = max(options.horizon, LEAST_AHEAD_DAYS // table.step_days)
    prepared = prepare(table, kinds_of(table, ahead, working_day))

    with progress() as bar:
        task = bar.add_task("forecast 预测", total=None)
        families = _families(prepared, options, lambda: bar.advance(task))
        answers = forecast_at(prepared, families, origins, options.horizon)
    if options.model == LSTM and LSTM not in answers[0].mixing.families:
        raise CommandError(f"{options.file}: too short a history for --model lstm")
    write_rows(options.out, names, counts.keys, prepared, answers, options.model)
    if options.plot:
        from heed_warning.commands.forecast_plots import plot

        plot(options.plot, counts.keys, prepared, answers, options.model)
    return 0


def _families(
    prepared: Prepared, options: argparse.Namespace, advance: Callable[[], None]
) -> Callable[[int], Sequence[Family]]:
    """Return what gives the families trained on no step after the one asked for."""
    torch.set_num_threads(1)
    own: tuple[Family, ...] = (Classical(), Regression())

    def at(step: int) -> Sequence[Family]:
        unused = options.model in {CLASSICAL, REGRESSION}
        if unused or not able_to_train(prepared, step, options.horizon):
            return own
        budget = Budget(seed=options.seed)
        lstm = train_networks(prepared, step, options.horizon, budget, lambda _: advance())
        return (*own, lstm)

    return at
