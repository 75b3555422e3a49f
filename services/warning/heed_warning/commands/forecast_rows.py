"""Writes forecasts as a table: one row for each series, origin and step ahead."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from heed_shared.commands import open_text
from heed_warning.domain.panel import Floats
from heed_warning.domain.series_path import SeriesPath
from heed_warning.forecasting.family import COMBINATION, Prepared
from heed_warning.forecasting.rolling import Answer, bounds, chosen, quantiles

QUANTILES = tuple(f"q{number}0" for number in range(1, 10))
COLUMNS = ("ds", "cutoff", "model", *QUANTILES, "lo90", "hi90", "y")
INSUFFICIENT_HISTORY = "INSUFFICIENT_HISTORY"


def write_rows(
    path: Path,
    names: Sequence[str],
    keys: Sequence[tuple[str, ...]],
    prepared: Prepared,
    answers: Sequence[Answer],
    model: str = COMBINATION,
) -> None:
    """Write all answers of a model; a series with too short a history has rows without numbers."""
    table = prepared.table
    with open_text(path, "w") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*names, *COLUMNS])
        for answer in answers:
            forecast = chosen(answer, model)
            low, high = bounds(answer, model)
            found = quantiles(forecast, low, high)
            cutoff = table.day_of(answer.origin).isoformat()
            for row, key in enumerate(keys):
                short = answer.path[row] == SeriesPath.INSUFFICIENT
                for ahead in range(found.shape[1]):
                    step = answer.origin + 1 + ahead
                    numbers = _texts(found[row, ahead]) + _texts(
                        [low[row, ahead], high[row, ahead]]
                    )
                    writer.writerow([
                        *key, table.day_of(step).isoformat(), cutoff,
                        INSUFFICIENT_HISTORY if short else model,
                        *([""] * len(numbers) if short else numbers),
                        _observed(prepared, row, step),
                    ])  # fmt: skip


def _texts(numbers: Floats | list[float]) -> list[str]:
    return [f"{number:.10g}" for number in numbers]


def _observed(prepared: Prepared, row: int, step: int) -> str:
    """Return the count that came, empty where it is unknown."""
    table = prepared.table
    if step >= table.steps or not table.observed[row, step]:
        return ""
    return f"{table.counts[row, step]:.10g}"
