"""Detection of outbreaks against its peers, on simulated and on real weekly counts.

Run as `python -m tests.benchmarks.warning.detection`; `--r` adds R's farringtonFlexible, which
takes some twelve minutes and needs R with its package surveillance.
Protocol: `heed detect` with its defaults on HEED_BENCH/detection/dev.csv.gz (28 scenarios x 30,
624 weeks after Noufaily et al. 2013, the last 49 scored) and real_dev.csv.gz (61 real series x 6
copies, 208 weeks, the last 48 scored, one outbreak put into each copy); a score rests on counts up
to its week. score_detector.py there defines every figure; one threshold serves all series. Ours at
nominal 1 % is `tail_probability <= .01`. The oracles know the simulation's parameters; posterior
odds are the best ranking of single weeks, not of outbreaks. Speed: scores of the last week of
100,000 made-up series of 312 weeks, against a floor that holds the last count against the mean.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import importlib.util
import os
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from heed_warning.commands import detect
from heed_warning.detection.score import score_latest
from tests.benchmarks.report import print_table, write_json
from tests.benchmarks.warning.detection_peers import PEERS, farrington, oracles, upper_tail

Floats = NDArray[np.float64]

FIGURES = ("POD@0.01", "POD@0.025", "POD@0.05", "pAUC5", "SENS@0.01", "SENS@0.025", "SENS@0.05")
COLUMNS = (
    "detector", "POD 1 %", "2.5 %", "5 %", "pAUC5", "sens. 1 %", "2.5 %", "5 %", "worst FPR", "s",
)  # fmt: skip
SPEED_SERIES, SPEED_WEEKS = 100_000, 312


@dataclass(frozen=True)
class Case:
    """A set of the benchmark."""

    name: str
    start: int
    """First week scored, from 1 on."""
    years: int
    """Years that farringtonFlexible looks back."""

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return Path(os.environ["HEED_BENCH"]) / "detection"

    @property
    def truth(self) -> Path:
        """Counts and truth."""
        return self.folder / f"{self.name}.csv.gz"


CASES = (Case("dev", 576, 5), Case("real_dev", 161, 3))


def main() -> None:
    """Print the tables and write them to out/bench."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--r", action="store_true", help="with R's farringtonFlexible")
    options = parser.parse_args()
    scorer = _scorer()
    found: dict[str, object] = {}
    for case in CASES:
        found[case.name] = _compare(case, scorer, with_r=options.r)
    found["speed"] = _speed()
    write_json("warning-detection", found)


def _scorer() -> ModuleType:
    path = CASES[0].folder / "score_detector.py"
    spec = importlib.util.spec_from_file_location("score_detector", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _compare(case: Case, scorer: ModuleType, *, with_r: bool) -> dict[str, dict[str, float]]:
    """Score and print all detectors on one set."""
    counts, scenario = _counts(case)
    first = case.start - 1
    with tempfile.TemporaryDirectory() as folder:
        ours = Path(folder) / "ours.csv"
        started = time.perf_counter()
        _detect(case, ours)
        results = {"heed detect": _figures(case, scorer, ours, started)}
        for name, peer in PEERS.items():
            started = time.perf_counter()
            path = _written(case, Path(folder), scenario, peer(counts, first))
            results[name] = _figures(case, scorer, path, started)
        if with_r:
            started = time.perf_counter()
            values = farrington(counts, first, case.years)
            if values is not None:
                path = _written(case, Path(folder), scenario, values)
                results["R farringtonFlexible, nbPlugin"] = _figures(case, scorer, path, started)
            else:
                print("R or its package surveillance is missing; left out", file=sys.stderr)  # noqa: T201
        if case.name == "dev":
            known = oracles(counts, first, scenario, case.folder / "scenarios.csv")
            for name, values in known.items():
                path = _written(case, Path(folder), scenario, values)
                results[name] = _figures(case, scorer, path, time.perf_counter())
        title = f"{case.name}: {len(counts)} series, one threshold for all"
        print_table(
            title, COLUMNS, [(name, *figures.values()) for name, figures in results.items()]
        )
        results["nominal"] = _nominal(case, scorer, ours)
    return results


def _counts(case: Case) -> tuple[Floats, Floats]:
    """Return counts, (N, T), and the scenario of each series, (N,); the truth is not read."""
    rows: dict[tuple[int, int], list[float]] = {}
    with gzip.open(case.truth, "rt") as file:
        for row in csv.DictReader(file):
            key = int(row["scenario"]), int(row["replicate"])
            rows.setdefault(key, []).append(float(row["count"]))
    ordered = sorted(rows)
    return np.array([rows[key] for key in ordered]), np.array([float(key[0]) for key in ordered])


def _detect(case: Case, out: Path) -> None:
    parser = argparse.ArgumentParser()
    detect.configure(parser)
    columns = ["--series", "scenario,replicate", "--time", "week", "--count", "count"]
    start = ["--period", "52", "--start", str(case.start)]
    detect.run(parser.parse_args([str(case.truth), *columns, *start, "--out", str(out)]))


def _written(case: Case, folder: Path, scenario: Floats, scores: Floats) -> Path:
    """Write scores as the scorer reads them; replicates are numbered within their scenario."""
    path = folder / "peer.csv"
    replicate = np.zeros(len(scenario), dtype=np.int64)
    for number in np.unique(scenario):
        rows = scenario == number
        replicate[rows] = np.arange(1, rows.sum() + 1)
    with path.open("w") as file:
        file.write("scenario,replicate,week,score\n")
        for row, values in enumerate(scores):
            for step, value in enumerate(values):
                file.write(
                    f"{scenario[row]:.0f},{replicate[row]},{case.start + step},{value:.9g}\n"
                )
    return path


def _figures(case: Case, scorer: ModuleType, path: Path, started: float) -> dict[str, float]:
    seconds = time.perf_counter() - started
    result = scorer.score(case.truth, case.folder / f"{case.name}_outbreaks.csv", path)
    figures = {name: float(result[name]) for name in FIGURES}
    return figures | {"worst": float(result["worstFPR@0.01"]), "seconds": seconds}


def _nominal(case: Case, scorer: ModuleType, path: Path) -> dict[str, float]:
    """Print how often calm weeks fall below nominal tail probabilities."""
    truth, _, _ = scorer.load(case.truth, case.folder / f"{case.name}_outbreaks.csv", path)
    with path.open() as file:
        told = {
            (int(row["scenario"]), int(row["replicate"]), int(row["week"])): row
            for row in csv.DictReader(file)
        }
    keys = zip(truth.scenario, truth.replicate, truth.week, strict=True)
    tail = np.array([float(told[key]["tail_probability"]) for key in keys])
    calm, scenario = truth.state.to_numpy() == 0, truth.scenario.to_numpy()
    found: dict[str, float] = {}
    for level in (0.01, 0.025, 0.05):
        alarm = tail <= level
        found[f"realised@{level:g}"] = float(alarm[calm].mean())
        found[f"worst@{level:g}"] = max(
            float(alarm[calm & (scenario == number)].mean()) for number in np.unique(scenario)
        )
    rows = [
        (f"{level:.1%}", f"{found[f'realised@{level:g}']:.2%}", f"{found[f'worst@{level:g}']:.2%}")
        for level in (0.01, 0.025, 0.05)
    ]
    print_table(
        f"{case.name}: false alarms of heed detect", ("nominal", "realised", "worst scenario"), rows
    )
    return found


def _speed() -> dict[str, float]:
    """Print the time of scoring the last week of very many series, and that of the floor."""
    rng = np.random.default_rng(1)
    season = 1.0 + 0.4 * np.sin(2.0 * np.pi * np.arange(SPEED_WEEKS) / 52.0)
    mean = np.exp(rng.normal(0.5, 1.0, (SPEED_SERIES, 1))) * season
    counts = rng.poisson(rng.gamma(mean / 0.4, 0.4)).astype(float)
    observed = np.ones(counts.shape, dtype=np.bool_)
    del mean
    started = time.perf_counter()
    past = counts[:, :-1]
    expected = past.mean(axis=1) + 0.01
    upper_tail(counts[:, -1], expected, np.maximum(past.var(axis=1), expected))
    floor = time.perf_counter() - started
    started, cpu_started = time.perf_counter(), time.process_time()
    score_latest(counts, observed, 52.0)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu_started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print_table(
        f"last week of {SPEED_SERIES:,} series of {SPEED_WEEKS} weeks",
        ("", "s", "CPU s", "ratio", "peak GB"),
        [("heed detect", seconds, cpu, seconds / floor, peak), ("floor", floor, "", 1.0, "")],
    )
    return {"seconds": seconds, "cpu": cpu, "floor": floor, "peak_gb": peak}


if __name__ == "__main__":
    main()
