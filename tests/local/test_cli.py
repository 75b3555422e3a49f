"""The command line says in one line what is wrong and finds a running suite by its directory."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from heed_local.cli import main
from heed_local.run_state import NotRunningError, RunState, default_run_dir


def test_a_question_without_a_running_suite_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--run-dir", str(tmp_path), "status"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"heed: no suite runs from {tmp_path}; start one with `heed up`\n"


def test_the_state_of_a_launcher_that_died_counts_as_not_running(tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    RunState(gone.pid, {"intake": "127.0.0.1:1"}).write(tmp_path)
    with pytest.raises(NotRunningError):
        RunState.read(tmp_path)


def test_the_state_of_a_running_launcher_is_read_back(tmp_path: Path) -> None:
    state = RunState(os.getpid(), {"intake": "127.0.0.1:7401"})
    state.write(tmp_path)
    assert RunState.read(tmp_path) == state
    RunState.remove(tmp_path)
    with pytest.raises(NotRunningError):
        RunState.read(tmp_path)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"HEED_RUN_DIR": "/srv/heed", "XDG_STATE_HOME": "/state"}, "/srv/heed"),
        ({"XDG_STATE_HOME": "/state", "HOME": "/home/lin"}, "/state/heed"),
        ({"HOME": "/home/lin"}, "/home/lin/.local/state/heed"),
    ],
    ids=["named", "state home", "home"],
)
def test_the_run_directory_follows_the_environment(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: str
) -> None:
    for name in ("HEED_RUN_DIR", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert default_run_dir() == Path(expected)


def test_a_mapping_without_a_column_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["demo", "--map", "request"])
    assert "must be FIELD=COLUMN" in capsys.readouterr().err
