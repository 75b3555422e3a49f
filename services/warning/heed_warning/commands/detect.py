"""`heed detect`: scores every step of every series of a table for outbreaks.

检出：为计数表中每个序列的每个时点打分，分数越高越异常，所有序列共用一个阈值。
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

from heed_shared.commands import CommandError, open_text, progress
from heed_warning.commands.count_table import CountTable, read_counts
from heed_warning.detection.prediction import STEPS_REQUIRED
from heed_warning.detection.score import DetectionScores, Outcome, score_steps


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", type=Path, help="long CSV table, may be .gz 长格式 CSV 计数表")
    parser.add_argument(
        "--series",
        required=True,
        help="columns that name a series, by commas 标识序列的列，逗号分隔",
    )
    parser.add_argument(
        "--time", required=True, help="column of whole numbers or ISO dates 时间列：整数或日期"
    )
    parser.add_argument("--count", required=True, help="column of counts 计数列")
    parser.add_argument(
        "--period",
        type=float,
        default=52.0,
        help="steps in a season: 52 weeks, 7 days 季节周期步数",
    )
    parser.add_argument(
        "--start", help="first time to score; else the first with enough history 起始时间"
    )
    parser.add_argument("--out", type=Path, required=True, help="scores, may be .gz 输出分数表")


def run(options: argparse.Namespace) -> int:
    """Score the table and write series, time, score, tail probability and outcome of each row."""
    if not 1.0 <= options.period <= 10_000:
        raise CommandError(f"--period {options.period}: must lie between 1 and 10000")
    names = [name.strip() for name in options.series.split(",")]
    table = read_counts(options.file, names, options.time, options.count)
    first = _first_step(table, options.start)
    with progress() as bar:
        task = bar.add_task("detect 检出", total=None)
        scores = score_steps(
            table.counts, table.observed, options.period, first,
            lambda cells: bar.advance(task, cells),
        )  # fmt: skip
    _write(options.out, [*names, options.time], table, first, scores, every=bool(options.start))
    return 0


def _first_step(table: CountTable, start: str | None) -> int:
    if start is None:
        return int(min(STEPS_REQUIRED, table.counts.shape[1]))
    try:
        return int(min(table.step_of(start), table.counts.shape[1]))
    except ValueError as error:
        raise CommandError(f"--start {start}: neither a whole number nor an ISO date") from error


def _write(
    path: Path, columns: list[str], table: CountTable, first: int, scores: DetectionScores,
    *, every: bool,
) -> None:  # fmt: skip
    """Write the rows from the first step on, in the file's order; without `every`, scored ones."""
    with open_text(path, "w") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*columns, "score", "tail_probability", "outcome"])
        for row in np.flatnonzero(table.row_steps >= first):
            at = table.row_series[row], table.row_steps[row] - first
            outcome = Outcome(int(scores.outcome[at]))
            if every or outcome is Outcome.SCORED:
                writer.writerow([
                    *table.keys[at[0]], table.row_times[row], f"{scores.score[at]:.6g}",
                    f"{scores.tail_probability[at]:.4g}", outcome.name,
                ])  # fmt: skip
