"""Trains in a child process, so that serving never shares its interpreter or memory with it.

Series go over and weights come back as files in a directory of their own; progress comes as lines.
The child ends with the call: a cancelled call kills it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from heed_warning.application.ports import TrainingResult
from heed_warning.domain.forecaster_record import FamilyScore
from heed_warning.domain.panel import Panel
from heed_warning.training import (
    CURRENT_FILE,
    RESULT_FILE,
    SERIES_FILE,
    WEIGHTS_FILE,
    write_series,
)

_END_WAIT_S = 5.0


class TrainingFailedError(RuntimeError):
    """The training process ended without a result."""


@dataclass(frozen=True)
class ChildTrainer:
    """Implements the port Trainer."""

    processes: int = 1
    """Processes that train together."""
    most_cells: int = 0
    """Cells to train on where there are more; 0 means as many as usual."""

    async def train(
        self,
        panel: Panel,
        *,
        seed: int,
        max_seconds: float,
        current: tuple[date, bytes] | None,
        report: Callable[[float], Awaitable[None]],
    ) -> TrainingResult:
        """Train on a panel; the process ends with the call, cancelled or not."""
        with tempfile.TemporaryDirectory(prefix="heed-training-") as name:
            folder = Path(name)
            await asyncio.to_thread(write_series, folder / SERIES_FILE, panel)
            arguments = [
                f"--seed={seed}",
                f"--max-seconds={max_seconds}",
                f"--processes={self.processes}",
                f"--most-cells={self.most_cells}",
            ]
            if current is not None:
                await asyncio.to_thread((folder / CURRENT_FILE).write_bytes, current[1])
                arguments.append(f"--current-to={current[0].isoformat()}")
            await _run(folder, arguments, report)
            return await asyncio.to_thread(_read, folder)


async def _run(
    folder: Path, arguments: list[str], report: Callable[[float], Awaitable[None]]
) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "heed_warning.training",
        str(folder),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        if child.stdout is None:
            raise TrainingFailedError("no pipe to the training process")
        async for line in child.stdout:
            await report(float(json.loads(line)["progress"]))
        if await child.wait() != 0:
            raise TrainingFailedError(f"the training process ended with {child.returncode}")
    finally:
        if child.returncode is None:
            child.kill()
            await asyncio.wait_for(child.wait(), _END_WAIT_S)


def _read(folder: Path) -> TrainingResult:
    metrics = json.loads((folder / RESULT_FILE).read_text("utf-8"))
    metrics["losses"] = tuple(FamilyScore(**score) for score in metrics["losses"])
    return TrainingResult(weights=(folder / WEIGHTS_FILE).read_bytes(), **metrics)
