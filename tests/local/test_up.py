"""`heed up` serves until it is told to stop, and other commands find it."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from heed_local.authority import DEMO_IDENTITIES, SERVICES
from tests.local.launchers import eventually, processes_of

HEED = [sys.executable, "-m", "heed_local.cli"]


@pytest.fixture
def run_dir(open_directory: Path, tmp_path: Path) -> Path:
    return open_directory / tmp_path.name


@pytest.fixture
def running(stand_ins: Mapping[str, str], run_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """A `heed up` that serves."""
    process = subprocess.Popen(
        [*HEED, "--run-dir", str(run_dir), "up"],
        env={**os.environ, **stand_ins},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    started = eventually((run_dir / "running.json").exists, within_s=60)
    assert started, process.communicate(timeout=5)
    yield process
    process.kill()
    process.communicate()


def heed(run_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*HEED, "--run-dir", str(run_dir), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_on_a_signal_with_everything_it_started(
    running: subprocess.Popen[str], run_dir: Path, sign: signal.Signals
) -> None:
    running.send_signal(sign)
    said, _ = running.communicate(timeout=60)
    assert running.returncode == 0
    assert all(service in said for service in SERVICES)
    assert processes_of(str(run_dir)) == []
    assert not (run_dir / "running.json").exists()


def test_a_second_one_on_the_same_directory_is_refused_in_one_line(
    running: subprocess.Popen[str], run_dir: Path, stand_ins: Mapping[str, str]
) -> None:
    second = heed(run_dir, "up")
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert "another launcher already serves" in second.stderr
    assert running.poll() is None
    assert (run_dir / "running.json").exists(), "the refused one must not take the state away"


def test_env_gives_other_clients_what_they_need(
    running: subprocess.Popen[str], run_dir: Path
) -> None:
    lines = heed(run_dir, "env").stdout.splitlines()
    assert all(line.startswith("export HEED_") for line in lines)
    settings = dict(shlex.split(line)[1].split("=", 1) for line in lines)
    assert all(Path(settings[f"HEED_TLS_{part}"]).is_file() for part in ("CA", "CERT", "KEY"))
    assert all(f"HEED_{service.upper()}_TARGET" in settings for service in SERVICES)
    assert all(f"HEED_TOKEN_{name.upper()}" in settings for name in DEMO_IDENTITIES)


def test_status_names_the_services_that_do_not_answer(
    running: subprocess.Popen[str], run_dir: Path
) -> None:
    answer = heed(run_dir, "status", "--output", "json")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.count('"unavailable": "UNAVAILABLE"') == 4, "stand-ins serve no RPC"
