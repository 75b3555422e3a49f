"""`heed backtest`: what a threshold policy would have done on the past of a table of counts.

回测：在计数表的历史上回放阈值策略，逐序列给出发现、漏报、误报和提前天数。
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

from heed_shared.commands import open_text, progress
from heed_warning.application.tuning import BACKTESTED_DAYS, backtest_parts
from heed_warning.commands.count_panel import Replayed, add_table_arguments, replayed
from heed_warning.commands.policy_file import read_policy
from heed_warning.domain.backtest import BacktestRow

FIGURES = (
    "days", "warnings", "false_warnings", "surges", "found", "found_share", "mean_lead_days",
)  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_table_arguments(parser)
    parser.add_argument("--policy", type=Path, help="policy in TOML; else the built-in 策略文件")
    parser.add_argument("--seed", type=int, default=1, help="seed of added surges 随机种子")
    parser.add_argument("--out", type=Path, required=True, help="report, may be .gz 输出报告")


def run(options: argparse.Namespace) -> int:
    """Replay the table and write one row for each series; the total goes to standard output."""
    policy = read_policy(options.policy)
    table = replayed(options, BACKTESTED_DAYS)
    with progress() as bar:
        task = bar.add_task("backtest 回测", total=1.0)
        rows = backtest_parts(
            table.ground, policy, table.working, options.seed,
            lambda share: bar.update(task, completed=share),
        )  # fmt: skip
    _write(options.out, table, rows)
    total = rows[0]
    sys.stdout.write(
        f"增量{total.surge_count}次,发现{total.found_count}次({total.found_share:.1%}),"
        f"平均提前峰值{total.mean_lead_days:.1f}天;"
        f"预警{total.warning_count}次,其中误报{total.false_count}次\n"
    )
    return 0


def _write(path: Path, table: Replayed, rows: list[BacktestRow]) -> None:
    key_of = dict(zip(table.ground.panel.cells, table.keys, strict=True))
    with open_text(path, "w") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*table.columns, *FIGURES])
        for row in rows[1:]:
            if row.cell is not None:
                writer.writerow([
                    *key_of[row.cell], row.day_count, row.warning_count, row.false_count,
                    row.surge_count, row.found_count, f"{row.found_share:.4g}",
                    f"{row.mean_lead_days:.4g}",
                ])  # fmt: skip
