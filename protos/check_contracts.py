"""Checks the contracts: format, lint, and that nothing a client relies on was broken.

The breaking check compares with the latest release tag (v*); before the first release, with the
oldest commit that had contracts. Exit code 1 and one line per finding when something is wrong.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent
BUF = str(Path(sys.executable).parent / "buf")


def build_descriptors(protos: Path, out: Path) -> None:
    """Compiles the contracts below `protos` with the builder that lies beside them."""
    subprocess.run([sys.executable, str(protos / "build_stubs.py"), str(out)], check=True)


def base_revision(repository: Path) -> str:
    """Returns the revision to compare with: the latest release tag, else the first contracts."""
    tags = _git(repository, "tag", "--list", "v*", "--sort=-version:refname", "--merged").split()
    if tags:
        return tags[0]
    commits = _git(repository, "log", "--format=%H", "--", "protos/build_stubs.py").split()
    if not commits:
        raise SystemExit("no revision with contracts to compare with: is this a git checkout?")
    return commits[-1]


def breaking_changes(old: Path, new: Path) -> list[str]:
    """Returns what in the descriptors `new` breaks a client of `old`, one line each."""
    return _buf("breaking", str(new), "--against", str(old), "--config", str(ROOT / "buf.yaml"))


def lint_findings(descriptors: Path) -> list[str]:
    """Returns what the lint rules STANDARD and COMMENTS find, one line each."""
    return _buf("lint", str(descriptors), "--config", str(ROOT / "buf.yaml"))


def _buf(*arguments: str) -> list[str]:
    done = subprocess.run([BUF, *arguments], capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    if done.returncode and not lines:
        return [f"buf {arguments[0]} failed with exit code {done.returncode}"]
    return lines


def _git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(repository), *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


def _unpack(repository: Path, revision: str, into: Path) -> Path:
    archive = subprocess.run(
        ["git", "-C", str(repository), "archive", revision, "protos"],
        capture_output=True,
        check=True,
    )
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(into, filter="data")
    return into / "protos"


def main() -> int:
    """Runs the three checks and prints what they find."""
    with tempfile.TemporaryDirectory() as scratch:
        new, old = Path(scratch) / "new.binpb", Path(scratch) / "old.binpb"
        build_descriptors(ROOT, new)
        findings = _buf("format", "--diff", "--exit-code", str(ROOT)) + lint_findings(new)
        revision = base_revision(ROOT.parent)
        build_descriptors(_unpack(ROOT.parent, revision, Path(scratch) / "base"), old)
        findings += breaking_changes(old, new)
    for finding in findings:
        sys.stdout.write(f"{finding}\n")
    if not findings:
        sys.stdout.write(f"contracts: format, lint and compatibility with {revision[:12]} hold\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
