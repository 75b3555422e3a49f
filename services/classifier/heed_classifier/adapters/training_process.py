"""Trains and tests in a child process, so that serving shares no interpreter and no core with it.

Masked texts go over through a pipe and are on no disk; weights and figures lie in a folder of their
own while the child runs. The child ends with the call: a cancelled call kills it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from heed_classifier.adapters.model_table import report_of
from heed_classifier.application.models import Lesson, Say, TrainingResult
from heed_classifier.domain.models import LabelledText, Report
from heed_classifier.training import (
    CURRENT_FILE,
    JUDGE,
    RESULT_FILE,
    TRAIN,
    WEIGHTS_FILE,
    pack_task,
    texts_to_json,
)

_END_WAIT_S = 5.0


class TrainingFailedError(RuntimeError):
    """The training process ended without a result."""


class ChildTrainer:
    """Implements the port Trainer."""

    async def train(self, lesson: Lesson, say: Say) -> TrainingResult:
        """Train, and test the new model and the present one on the same texts."""
        with tempfile.TemporaryDirectory(prefix="heed-training-") as name:
            folder = Path(name)
            if lesson.current is not None:
                await asyncio.to_thread((folder / CURRENT_FILE).write_bytes, lesson.current)
            task = {
                "kind": TRAIN,
                "seed": lesson.seed,
                "generated": lesson.generated,
                "seen": texts_to_json(lesson.seen),
                "held": texts_to_json(lesson.held),
            }
            result = await _run(folder, task, say)
            weights = await asyncio.to_thread((folder / WEIGHTS_FILE).read_bytes)
        current_report = result.pop("current_report")
        return TrainingResult(
            weights=weights,
            report=report_of(result.pop("report")),
            current_report=report_of(current_report) if current_report else None,
            **result,
        )

    async def judge(self, weights: bytes, texts: Sequence[LabelledText], say: Say) -> Report | None:
        """Test a model on texts; None when its bytes cannot be read."""
        with tempfile.TemporaryDirectory(prefix="heed-training-") as name:
            folder = Path(name)
            await asyncio.to_thread((folder / CURRENT_FILE).write_bytes, weights)
            result = await _run(folder, {"kind": JUDGE, "texts": texts_to_json(texts)}, say)
        report = result["report"]
        return report_of(report) if report else None


async def _run(folder: Path, task: dict[str, Any], say: Say) -> dict[str, Any]:
    packed = await asyncio.to_thread(pack_task, task)
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "heed_classifier.training",
        str(folder),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=_environment(),
    )
    try:
        if child.stdin is None or child.stdout is None:
            raise TrainingFailedError("no pipe to the training process")
        child.stdin.write(packed)
        await child.stdin.drain()
        async for line in child.stdout:
            said = json.loads(line)
            await say(float(said["progress"]), str(said["stage"]))
        if await child.wait() != 0:
            raise TrainingFailedError(f"the training process ended with {child.returncode}")
    except (BrokenPipeError, ConnectionResetError) as error:
        raise TrainingFailedError("the training process ended before it had its task") from error
    finally:
        if child.returncode is None:
            child.kill()
            await asyncio.wait_for(child.wait(), _END_WAIT_S)
    result: dict[str, Any] = json.loads((folder / RESULT_FILE).read_text("utf-8"))
    return result


def _environment() -> dict[str, str]:
    """The environment without the service's secrets, and with one thread."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HEED_")}
    return kept | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONUTF8": "1"}
