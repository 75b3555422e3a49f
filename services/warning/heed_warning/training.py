"""The training process: `python -m heed_warning.training FOLDER --seed N --max-seconds S`.

Reads series.npz from the folder, and current.safetensors where a forecaster is in use; writes
weights.safetensors and result.json into it, and prints its progress as JSON lines. It knows cells
and counts and opens no database. With `--processes N` so many processes on this machine train
together over the loopback, each on sequences of its own. It ends by itself when whoever started it
is gone.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import threading
from contextlib import suppress
from dataclasses import asdict
from datetime import date
from pathlib import Path

import numpy as np

from heed_warning.domain.panel import Cell, Panel

SERIES_FILE = "series.npz"
WEIGHTS_FILE = "weights.safetensors"
CURRENT_FILE = "current.safetensors"
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
    parser.add_argument("--current-to", type=date.fromisoformat, help="data of the one in use")
    parser.add_argument("--processes", type=int, default=1, help="processes that train together")
    parser.add_argument("--most-cells", type=int, default=0, help="cells to train on; 0: default")
    asked = parser.parse_args(arguments)
    if asked.processes == 1:
        _train(0, asked)
        return
    from torch.multiprocessing.spawn import start_processes

    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    os.environ.setdefault("MASTER_PORT", str(_free_port()))
    start_processes(  # type: ignore[no-untyped-call]
        _train, args=(asked,), nprocs=asked.processes
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _train(rank: int, asked: argparse.Namespace) -> None:
    """Train as one of the processes; the first of them reports and leaves the result."""
    import torch

    from heed_warning.application.places import working_day
    from heed_warning.forecasting.descent import MOST_SERIES
    from heed_warning.forecasting.family import COMBINATION
    from heed_warning.forecasting.train import Current, train
    from heed_warning.forecasting.weights import CODE_VERSION, UnknownWeightsError, from_bytes

    torch.set_num_threads(1)  # two threads beside busy services collapse to a tenth
    if asked.processes > 1:
        torch.distributed.init_process_group("gloo", rank=rank, world_size=asked.processes)
    folder: Path = asked.folder
    current = None
    if asked.current_to is not None:
        weights = (folder / CURRENT_FILE).read_bytes()
        # Weights of another version answer nowhere any more, so there is nothing to beat.
        with suppress(UnknownWeightsError):
            current = Current(from_bytes("forecasters/current", weights), asked.current_to)
    trained = train(
        read_series(folder / SERIES_FILE),
        working_day,
        seed=asked.seed,
        max_seconds=asked.max_seconds,
        report=_report if rank == 0 else _silent,
        current=current,
        most_cells=asked.most_cells or MOST_SERIES,
    )
    if rank == 0:
        (folder / WEIGHTS_FILE).write_bytes(trained.weights)
        result = {
            "kind": COMBINATION,
            "code_version": CODE_VERSION,
            "validation_loss": trained.validation_loss,
            "baseline_loss": trained.baseline_loss,
            "coverage_90": trained.coverage_90,
            "losses": [asdict(score) for score in trained.losses],
            "beats_current": trained.beats_current,
        }
        (folder / RESULT_FILE).write_text(json.dumps(result), "utf-8")
    if asked.processes > 1:
        torch.distributed.destroy_process_group()


def _silent(_progress: float) -> None:
    """Report nothing: the first process does."""


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
