"""The training process: `python -m heed_warning.training FOLDER --seed N --max-seconds S`.

Reads series.npz from the folder, writes weights.safetensors and result.json into it, and prints its
progress as JSON lines. It knows cells and counts, opens no network connection and no database. It
ends by itself when whoever started it is gone.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
from datetime import date
from pathlib import Path

import numpy as np

from heed_warning.domain.panel import Cell, Panel

SERIES_FILE = "series.npz"
WEIGHTS_FILE = "weights.safetensors"
RESULT_FILE = "result.json"
_ORPHANED = 3


def write_series(path: Path, panel: Panel) -> None:
    """Write a panel; numbers and short texts only, never code."""
    np.savez(
        path,
        regions=np.array([cell.region for cell in panel.cells]),
        categories=np.array([cell.category for cell in panel.cells]),
        levels=panel.levels,
        counts=panel.counts,
        started=panel.started,
        first_day=np.array(panel.first_day.isoformat()),
    )


def read_series(path: Path) -> Panel:
    """Read what write_series wrote."""
    with np.load(path, allow_pickle=False) as data:
        cells = zip(data["regions"].tolist(), data["categories"].tolist(), strict=True)
        return Panel(
            cells=tuple(Cell(region, category) for region, category in cells),
            levels=data["levels"],
            first_day=date.fromisoformat(str(data["first_day"])),
            counts=data["counts"],
            started=data["started"],
        )


def main(arguments: list[str] | None = None) -> None:
    """Train and leave the result in the folder."""
    parser = argparse.ArgumentParser(prog="heed_warning.training", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--max-seconds", type=float, default=60.0)
    asked = parser.parse_args(arguments)
    _train(asked.folder, asked.seed, asked.max_seconds)


def _train(folder: Path, seed: int, max_seconds: float) -> None:
    import torch

    from heed_warning.application.places import working_day
    from heed_warning.forecasting.family import COMBINATION
    from heed_warning.forecasting.train import train
    from heed_warning.forecasting.weights import CODE_VERSION

    torch.set_num_threads(1)  # two threads beside busy services collapse to a tenth
    trained = train(
        read_series(folder / SERIES_FILE),
        working_day,
        seed=seed,
        max_seconds=max_seconds,
        report=_report,
    )
    (folder / WEIGHTS_FILE).write_bytes(trained.weights)
    result = {
        "kind": COMBINATION,
        "code_version": CODE_VERSION,
        "validation_loss": trained.validation_loss,
        "baseline_loss": trained.baseline_loss,
        "coverage_90": trained.coverage_90,
    }
    (folder / RESULT_FILE).write_text(json.dumps(result), "utf-8")


def _report(progress: float) -> None:
    sys.stdout.write(json.dumps({"progress": round(progress, 3)}) + "\n")
    sys.stdout.flush()


def _end_with_parent() -> None:
    """End when standard input closes: it is a pipe that the parent holds, and never writes to."""
    # Not sys.stdin: its lock, held by this thread, aborts the interpreter when training is done.
    os.read(0, 1)
    os._exit(_ORPHANED)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    main()
