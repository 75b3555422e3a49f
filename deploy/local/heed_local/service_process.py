"""Runs the command line of one service as a child process that dies with this one.

Output goes to a log file of the service, where `serve` also says that it is serving; nothing reads
a pipe, so a service never waits for its launcher.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from heed_local.guard import spawn

_LOOK_AGAIN_S: Final = 0.02
_LOG_LINES: Final = 15
_KILL_WAIT_S: Final = 10.0


class ServiceError(RuntimeError):
    """A service could not do what it was started for; the message ends with its last log lines."""


class ServiceProcess:
    """One service: its one-off commands and the process that serves."""

    def __init__(self, name: str, environment: Mapping[str, str], log_dir: Path) -> None:
        self.name = name
        self.log_file = log_dir / f"{name}.log"
        self._environment = dict(environment)
        self._serving: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process number while it serves."""
        return self._serving.pid if self._serving else None

    def exit_code(self) -> int | None:
        """Exit code of a serving process that ended by itself."""
        return self._serving.poll() if self._serving else None

    async def run(self, command: str, *, timeout_s: float = 300) -> None:
        """Run a command that ends by itself, such as `migrate`."""
        process, _ = self._start(command)
        code = await _wait(process, timeout_s)
        if code is None:
            process.kill()
            process.wait()
            raise ServiceError(self._report(f"{command} did not end within {timeout_s:g} s"))
        if code != 0:
            raise ServiceError(self._report(f"{command} failed with exit code {code}"))

    async def serve(self, *, timeout_s: float = 90) -> None:
        """Start serving and return when the service says that it does."""
        process, offset = self._start("serve")
        self._serving = process
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            if process.poll() is not None:
                raise ServiceError(self._report(f"ended at start, exit code {process.returncode}"))
            if self._says_serving(offset):
                return
            await asyncio.sleep(_LOOK_AGAIN_S)
        raise ServiceError(self._report(f"is not serving after {timeout_s:g} s"))

    def terminate(self) -> None:
        """Ask the serving process to end gracefully."""
        if self._serving and self._serving.poll() is None:
            self._serving.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the serving process at once, as a crash would."""
        if self._serving and self._serving.poll() is None:
            self._serving.kill()

    async def ended(self, *, patience_s: float = 20) -> int:
        """Wait for the serving process to end, kill it when it does not; return its exit code."""
        process = self._serving
        if process is None:
            return 0
        code = await _wait(process, patience_s)
        if code is None:
            process.kill()
            code = await asyncio.to_thread(process.wait, _KILL_WAIT_S)
        self._serving = None
        return code

    def last_log_lines(self, count: int = _LOG_LINES) -> str:
        """The end of the service's log."""
        if not self.log_file.exists():
            return ""
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-count:])

    def _start(self, command: str) -> tuple[subprocess.Popen[bytes], int]:
        """Start `python -m heed_X.main command`; also say where its part of the log begins."""
        with self.log_file.open("ab") as log:
            offset = log.seek(0, os.SEEK_END)
            process = spawn(
                [sys.executable, "-m", f"heed_{self.name}.main", command],
                environment=self._environment,
                output=log,
                # Certain, unlike a graceful end: work is resumed from the database anyway.
                death_signal=signal.SIGKILL,
            )
        return process, offset

    def _says_serving(self, offset: int) -> bool:
        with self.log_file.open("rb") as log:
            log.seek(offset)
            return any(_is_serving_line(line) for line in log)

    def _report(self, what: str) -> str:
        return f"{self.name}: {what}; last lines of {self.log_file}:\n{self.last_log_lines()}"


def _is_serving_line(line: bytes) -> bool:
    if b'"serving"' not in line:
        return False
    try:
        entry = json.loads(line)
    except ValueError:
        return False
    return isinstance(entry, dict) and entry.get("event") == "serving"


async def _wait(process: subprocess.Popen[bytes], timeout_s: float) -> int | None:
    until = time.monotonic() + timeout_s
    # Polled: a child watcher would have to be shared with whoever else starts processes here.
    while process.poll() is None and time.monotonic() < until:  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_AGAIN_S)
    return process.returncode
