"""Forecasts against their peers on real weekly and daily counts.

Run as `python -m tests.benchmarks.warning.forecast`.
Protocol: 13 rolling origins at the end of the series, one horizon apart (weekly: 4 weeks, so the
last year; daily: 14 days), a model sees only steps up to the origin. Mean weighted quantile loss
over q10..q90, mean absolute error of the median and coverage of the 90 % interval, as
HEED_BENCH/forecast/score.py computes them. Ours: defaults, seed 1; the networks are trained before
the first origin, the other families at every origin. Peers: LightGBM quantile regression on lags,
means and calendar, trained before the first origin; AutoETS and (with --peers, it takes minutes)
AutoARIMA of statsforecast at every origin; the seasonal naive with its past errors' quantiles.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from heed_warning.application.places import working_day
from heed_warning.domain.negative_binomial import draw
from heed_warning.domain.panel import Floats
from heed_warning.forecasting.classical import Classical
from heed_warning.forecasting.descent import Budget, train_networks
from heed_warning.forecasting.family import (
    COMBINATION,
    FAMILIES,
    Family,
    kinds_of,
    prepare,
)
from heed_warning.forecasting.lstm import corrections
from heed_warning.forecasting.regression import Regression
from heed_warning.forecasting.rolling import (
    bounds,
    chosen,
    forecast_at,
    origins_before,
    quantiles,
)
from heed_warning.forecasting.series import SeriesTable, of_counts
from tests.benchmarks.report import print_table, write_json
from tests.benchmarks.warning.forecast_peers import PEERS, Quantiles

T = TypeVar("T")
ORIGINS = 13
AHEAD_DAYS = 56
COMMUNITIES, COMMUNITY_GROUPS = 77, 28
SPEED_CELLS, SPEED_DAYS = 2000, 1461
QUICK_PEERS = ("LightGBM quantile", "AutoETS", "seasonal naive")
"""Peers of a usual run; AutoARIMA takes many minutes."""


@dataclass(frozen=True)
class Case:
    """Series to forecast."""

    name: str
    table: SeriesTable
    horizon: int

    @property
    def origins(self) -> list[int]:
        """The rolling origins."""
        return origins_before(self.table.steps, self.horizon, ORIGINS)


def weekly() -> Case:
    """The weekly counts of HEED_BENCH."""
    rows: dict[tuple[str, ...], list[float]] = {}
    days: list[str] = []
    path = Path(os.environ["HEED_BENCH"]) / "forecast" / "chicago_weekly.csv.gz"
    with gzip.open(path, "rt") as file:
        for row in csv.DictReader(file):
            rows.setdefault((row["unique_id"],), []).append(float(row["y"]))
            days.append(row["ds"])
    return _case("weekly", rows, date.fromisoformat(min(days)), 7, 4)


def daily() -> Case:
    """The daily counts of HEED_DATA, community areas in 28 groups of neighbouring numbers."""
    path = Path(os.environ["HEED_DATA"]) / "counts" / "chicago_sanitation_daily.csv.gz"
    with gzip.open(path, "rt") as file:
        read = list(csv.DictReader(file))
    first = min(date.fromisoformat(row["date"]) for row in read)
    last = max(date.fromisoformat(row["date"]) for row in read)
    counts = np.zeros((COMMUNITY_GROUPS, (last - first).days + 1))
    for row in read:
        group = (int(row["community_area"]) - 1) * COMMUNITY_GROUPS // COMMUNITIES
        counts[group, (date.fromisoformat(row["date"]) - first).days] += float(row["count"])
    rows: dict[tuple[str, ...], list[float]] = {
        (f"group {number + 1:02d}",): values.tolist() for number, values in enumerate(counts)
    }
    return _case("daily", rows, first, 1, 14)


def _case(
    name: str, rows: dict[tuple[str, ...], list[float]], first: date, days: int, horizon: int
) -> Case:
    counts = np.array(list(rows.values()))
    every = np.ones(counts.shape, dtype=np.bool_)
    return Case(name, of_counts(list(rows), counts, every, first, days), horizon)


def ours(case: Case) -> dict[str, Quantiles]:
    """Return the quantiles of each family and of the combination at all origins."""
    ahead = max(case.horizon, AHEAD_DAYS // case.table.step_days)
    prepared = prepare(case.table, kinds_of(case.table, ahead, working_day))

    def families(step: int) -> Sequence[Family]:
        lstm = train_networks(prepared, step, case.horizon, Budget())
        return (Classical(), Regression(), lstm)

    answers = forecast_at(prepared, families, case.origins, case.horizon)
    found = {}
    for model in (*FAMILIES, COMBINATION):
        parts = []
        for answer in answers:
            low, high = bounds(answer, model)
            inner = quantiles(chosen(answer, model), low, high)
            parts.append(np.concatenate([inner, low[..., None], high[..., None]], axis=2))
        found[model] = np.stack(parts)
    return found


def score(case: Case, found: Quantiles) -> tuple[float, float, float]:
    """Return mean weighted quantile loss, mean absolute error and coverage."""
    counts = np.stack(
        [case.table.counts[:, origin + 1 : origin + 1 + case.horizon] for origin in case.origins]
    )
    found = np.maximum(found, 0.0)
    inner = found[..., :9]
    levels = np.arange(1, 10) / 10.0
    error = counts[..., None] - inner
    loss = 2.0 * np.maximum(levels * error, (levels - 1.0) * error).sum() / 9.0 / counts.sum()
    held = (counts >= found[..., 9]) & (counts <= found[..., 10])
    return float(loss), float(np.abs(counts - inner[..., 4]).mean()), float(held.mean())


def compare(case: Case, peers: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """Print and return loss, error, coverage and seconds of every model on a case."""
    rows: dict[str, tuple[float, ...]] = {}
    started = time.monotonic()
    for name, found in ours(case).items():
        rows[f"heed {name}"] = (*score(case, found), time.monotonic() - started)
    for name in peers:
        started = time.monotonic()
        found = PEERS[name](case.table, case.origins, case.horizon)
        rows[name] = (*score(case, found), time.monotonic() - started)
    shape = f"{case.table.counts.shape[0]} series x {case.table.steps}, horizon {case.horizon}"
    print_table(
        f"Forecast, {case.name} ({shape}, 13 origins; our seconds are those of all families)",
        ("model", "mWQL", "MAE", "90 % coverage", "seconds"),
        [(name, *values) for name, values in rows.items()],
    )
    return rows


def speed() -> dict[str, float]:
    """Print and return seconds of training and cells a second of the neural family."""
    rng = np.random.default_rng(1)
    level = rng.gamma(0.7, 1.0, (SPEED_CELLS, 1))
    day = np.arange(SPEED_DAYS)
    mean = level * (1.0 + 0.3 * np.sin(2 * np.pi * day / 365.25)) * (1.0 - 0.4 * (day % 7 > 4))
    counts: Floats = draw(rng, mean, 0.2).astype(float)
    keys = [(f"r{number // 20}", f"c{number % 20}") for number in range(SPEED_CELLS)]
    table = of_counts(keys, counts, np.ones(counts.shape, np.bool_), date(2020, 1, 1), 1)
    prepared, prepare_s = _timed(lambda: prepare(table, kinds_of(table, AHEAD_DAYS, working_day)))
    lstm, train_s = _timed(lambda: train_networks(prepared, SPEED_DAYS - 1, 28, Budget()))
    corrections(lstm, prepared, SPEED_DAYS - 1, 28)
    started_cpu = time.process_time()
    _, infer_s = _timed(lambda: corrections(lstm, prepared, SPEED_DAYS - 1, 28))
    infer_cpu_s = time.process_time() - started_cpu
    found = {
        "cells": float(SPEED_CELLS),
        "days": float(SPEED_DAYS),
        "prepare_s": prepare_s,
        "train_s": train_s,
        "inference_cells_per_s": SPEED_CELLS / infer_s,
        "inference_cells_per_cpu_s": SPEED_CELLS / infer_cpu_s,
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0,
    }
    print_table("Speed of the neural family, one thread", ("what", "value"), list(found.items()))
    return found


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.monotonic()
    result = work()
    return result, time.monotonic() - started


def main(arguments: Sequence[str] | None = None) -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--peers", nargs="*", choices=tuple(PEERS), default=QUICK_PEERS, help="peers to run"
    )
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    found: dict[str, object] = {
        case.name: compare(case, asked.peers) for case in (weekly(), daily())
    }
    found["speed"] = speed()
    write_json("forecast", found)


if __name__ == "__main__":
    main()
