"""The run directory: where a suite keeps its state, and how commands find a running one."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from heed_local.private_files import write_private

_FILE = "running.json"


class NotRunningError(RuntimeError):
    """No suite runs from this directory."""


@dataclass(frozen=True)
class RunState:
    """What commands need to know about a running suite."""

    pid: int
    targets: dict[str, str]

    def write(self, run_dir: Path) -> None:
        """Leave it in the run directory."""
        write_private(run_dir / _FILE, json.dumps(asdict(self)))

    @staticmethod
    def remove(run_dir: Path) -> None:
        """Take it away: the suite no longer runs."""
        (run_dir / _FILE).unlink(missing_ok=True)

    @classmethod
    def read(cls, run_dir: Path) -> RunState:
        """Return the state of the suite that runs from `run_dir`.

        Raises:
            NotRunningError: there is none, or its launcher died.
        """
        try:
            state = cls(**json.loads((run_dir / _FILE).read_text("utf-8")))
            os.kill(state.pid, 0)
        except (FileNotFoundError, ProcessLookupError):
            raise NotRunningError(
                f"no suite runs from {run_dir}; start one with `heed up`"
            ) from None
        return state


def default_run_dir() -> Path:
    """Where `heed up` keeps its data: $HEED_RUN_DIR, or heed under the user's state directory."""
    chosen = os.environ.get("HEED_RUN_DIR")
    if chosen:
        return Path(chosen)
    state_home = os.environ.get("XDG_STATE_HOME")
    return (Path(state_home) if state_home else Path.home() / ".local/state") / "heed"
