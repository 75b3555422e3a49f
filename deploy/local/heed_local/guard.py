"""Starts programs that must not outlive the process that started them.

The kernel is asked (prctl PR_SET_PDEATHSIG) to signal the program when its parent dies, so that
even a kill -9 of the launcher leaves nothing running. The request has to be made after root is
dropped, because setuid() clears it, and by the process itself. So this module is `spawn` as well
as the small script it runs in between, which may use the standard library only.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NoReturn

_PR_SET_PDEATHSIG = 1
_SAME_ACCOUNT = "-"


def spawn(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    output: IO[bytes] | int,
    death_signal: signal.Signals,
    account: tuple[int, int] | None = None,
    stdout: IO[bytes] | int | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own; it gets `death_signal` when this process dies.

    `output` takes its stderr, and its stdout too unless `stdout` is given. `account` is the (uid,
    gid) to run as. Must be called from the main thread: the kernel sends the signal when the
    *thread* that made the child ends. A session of its own keeps Ctrl-C from reaching the child.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("guarded programs must be started from the main thread")
    uid, gid = (str(part) for part in account) if account else (_SAME_ACCOUNT, _SAME_ACCOUNT)
    script = [sys.executable, "-I", "-S", str(Path(__file__).resolve())]
    wrapped = [*script, str(os.getpid()), str(int(death_signal)), uid, gid, *command]
    return subprocess.Popen(
        wrapped,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=output if stdout is None else stdout,
        stderr=output,
        cwd="/",
        start_new_session=True,
    )


def _become(arguments: Sequence[str]) -> NoReturn:
    """Drop root, ask for the death signal and turn into the command."""
    parent, death_signal, uid, gid, *command = arguments
    if uid != _SAME_ACCOUNT:
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != int(parent):
        sys.exit(1)  # The parent died before the request: nobody would ever signal us.
    os.execve(command[0], command, os.environ)  # noqa: S606


if __name__ == "__main__":
    _become(sys.argv[1:])
