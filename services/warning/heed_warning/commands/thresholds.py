"""`heed thresholds`: limits for an alert budget or a cost ratio, from the past of a table.

推荐阈值：按预警预算或代价比，从计数表的历史推荐各级限值，并给出误报与漏报的取舍曲线。
"""

from __future__ import annotations

import argparse
import csv
import sys
from dataclasses import astuple, fields
from pathlib import Path

from heed_shared.commands import CommandError, open_text, progress
from heed_warning.application.tuning import RECOMMENDED_DAYS, drawn
from heed_warning.commands.count_panel import add_table_arguments, replayed
from heed_warning.commands.policy_file import strategy_named
from heed_warning.domain.policy import Strategy
from heed_warning.domain.trades import METHOD, Aim, Trade, policy_to_tune, recommend


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_table_arguments(parser)
    aim = parser.add_mutually_exclusive_group(required=True)
    aim.add_argument("--budget", type=float, help="warnings a region may have a month 每月预警预算")
    aim.add_argument("--cost-ratio", type=float, help="cost of a miss over a false one 代价比")
    names = [strategy.name.lower() for strategy in Strategy]
    parser.add_argument(
        "--strategy", choices=names, default="forecast_exceedance", help="strategy 策略"
    )
    parser.add_argument("--window", type=int, default=7, help="days in a window 窗口天数")
    parser.add_argument("--seed", type=int, default=1, help="seed of added surges 随机种子")
    parser.add_argument("--out", type=Path, required=True, help="curve, may be .gz 输出取舍曲线")


def run(options: argparse.Namespace) -> int:
    """Recommend and write the curve; the limits go to standard output."""
    if not 1 <= options.window <= 56:
        raise CommandError(f"--window {options.window}: must lie between 1 and 56")
    aim = _aim(options)
    table = replayed(options, RECOMMENDED_DAYS)
    policy = policy_to_tune(strategy_named(options.strategy, "--strategy"), options.window, "", "")
    with progress() as bar:
        task = bar.add_task("thresholds 推荐阈值", total=1.0)
        found = recommend(
            drawn(table.ground.panel), policy, table.ground.first, aim, table.working,
            seed=options.seed, skips=table.ground.skips,
            advance=lambda share: bar.update(task, completed=share),
        )  # fmt: skip
    if not found.trades:
        raise CommandError(f"{options.file}: no series has history enough before {options.time}")
    _write(options.out, found.trades)
    limits = ", ".join(
        f"{rule.level.name.lower()} {rule.limit:.10g}" for rule in found.policy.rules
    )
    sys.stdout.write(
        f"{options.strategy}: {limits}\n序列{found.cell_count}个,"
        f"其中历史不足{found.insufficient_history_count}个。{METHOD}\n"
    )
    return 0


def _aim(options: argparse.Namespace) -> Aim:
    for name in ("budget", "cost_ratio"):
        value = getattr(options, name)
        if value is not None and not 0.0 < value <= 10_000:
            raise CommandError(f"--{name.replace('_', '-')} {value}: must lie between 0 and 10000")
    return Aim(options.budget or 0.0, options.cost_ratio or 0.0)


def _write(path: Path, trades: tuple[Trade, ...]) -> None:
    with open_text(path, "w") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([field.name for field in fields(Trade)])
        for trade in trades:
            *numbers, chosen = astuple(trade)
            writer.writerow([*(f"{number:.10g}" for number in numbers), int(chosen)])
