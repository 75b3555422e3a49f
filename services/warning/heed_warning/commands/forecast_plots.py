"""Pictures of forecasts: history, the fan of quantiles, the threshold, alarms above it.

Needs matplotlib, which the service itself does not: `pip install heed-warning[plot]`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from heed_shared.commands import CommandError
from heed_warning.domain import negative_binomial as nb
from heed_warning.forecasting.family import Prepared
from heed_warning.forecasting.rolling import Answer, bounds, chosen, quantiles

MOST_PICTURES = 20
HISTORY_HORIZONS = 6
THRESHOLD_PROBABILITY = 0.99
"""A count above this quantile of its forecast is marked as an alarm."""
NAME_LENGTH = 60


def plot(
    folder: Path,
    keys: Sequence[tuple[str, ...]],
    prepared: Prepared,
    answers: Sequence[Answer],
    model: str,
) -> None:
    """Write a picture of each of the largest series; raises CommandError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise CommandError(
            "--plot needs matplotlib: pip install 'heed-warning[plot]' 绘图需要安装 matplotlib"
        ) from error
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"--plot {folder}: {error.strerror}") from error
    volume = prepared.table.counts.sum(axis=1)
    for place, row in enumerate(np.argsort(-volume, kind="stable")[:MOST_PICTURES]):
        figure = Figure(figsize=(10, 4))
        _draw(figure.subplots(), prepared, answers, int(row), model)
        figure.axes[0].set_title(" | ".join(keys[row]))
        figure.autofmt_xdate()
        name = re.sub(r"[^\w.-]+", "_", "-".join(keys[row]))[:NAME_LENGTH]
        figure.savefig(folder / f"{place + 1:02d}-{name}.png", dpi=100, bbox_inches="tight")


def _draw(axes: Any, prepared: Prepared, answers: Sequence[Answer], row: int, model: str) -> None:
    table = prepared.table
    horizon = answers[0].combined.mean.shape[1]
    first = max(0, answers[0].origin + 1 - HISTORY_HORIZONS * horizon)
    known = [step for step in range(first, table.steps) if table.observed[row, step]]
    axes.plot(
        [table.day_of(step) for step in known], table.counts[row, known], "k.-", lw=0.8, ms=3,
        label="count",
    )  # fmt: skip
    for number, answer in enumerate(answers):
        low, high = bounds(answer, model)
        found = quantiles(chosen(answer, model), low, high)[row]
        steps = range(answer.origin + 1, answer.origin + 1 + horizon)
        days = [table.day_of(step) for step in steps]
        first_one = number == 0
        axes.fill_between(days, low[row], high[row], color="C0", alpha=0.2, lw=0,
                          label="90 %" if first_one else None)  # fmt: skip
        axes.fill_between(days, found[:, 1], found[:, 7], color="C0", alpha=0.3, lw=0,
                          label="60 %" if first_one else None)  # fmt: skip
        axes.plot(days, found[:, 4], "C0", lw=1, label="median" if first_one else None)
        _draw_alarms(axes, prepared, answer, row, model, labelled=first_one)
    axes.legend(loc="upper left", fontsize=8)
    axes.set_ylim(bottom=0)


def _draw_alarms(
    axes: Any, prepared: Prepared, answer: Answer, row: int, model: str, *, labelled: bool
) -> None:
    table, forecast = prepared.table, chosen(answer, model)
    dispersion = forecast.day_dispersion()[row]
    threshold = nb.quantile(THRESHOLD_PROBABILITY, forecast.mean[row], dispersion)
    steps = [answer.origin + 1 + ahead for ahead in range(len(threshold))]
    days = [table.day_of(step) for step in steps]
    axes.plot(days, threshold, "C3--", lw=0.8, label="threshold 99 %" if labelled else None)
    alarms = [
        (day, table.counts[row, step])
        for day, step, limit in zip(days, steps, threshold, strict=True)
        if step < table.steps and table.counts[row, step] > limit
    ]
    if alarms:
        axes.plot(*zip(*alarms, strict=True), "rv", ms=7)
