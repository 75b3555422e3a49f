"""Helps tests of processes that are killed: a launcher in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

_LAUNCHER = """
import sys, time
from pathlib import Path
from heed_local.postgres import EmbeddedPostgres
running = EmbeddedPostgres(Path(sys.argv[1]), fsync=False).start()
print(running.port, running.pid, running.password, flush=True)
time.sleep(600)
"""


class PostgresLauncher:
    """A process that started a Postgres and waits."""

    def __init__(self, data_dir: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCHER, str(data_dir)], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        port, pid, self.password = self.process.stdout.readline().split()
        self.port, self.server_pid = int(port), int(pid)

    def kill(self) -> None:
        """End it with kill -9: it can clean up nothing."""
        self.process.kill()
        self.process.wait()


def answers(port: int) -> bool:
    """Say whether anybody listens on the loopback port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def eventually(condition: Callable[[], bool], *, within_s: float = 10) -> bool:
    """Wait for the condition; return whether it came true in time."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def processes_of(run_dir: str) -> list[int]:
    """Processes with the run directory in their environment or command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            said = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
        except OSError:
            continue
        if run_dir.encode() in said and int(process.name) != os.getpid():
            found.append(int(process.name))
    return found
