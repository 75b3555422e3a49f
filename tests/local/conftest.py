"""Stand-ins for the four services, with which launcher and command line are tested quickly."""

from __future__ import annotations

from pathlib import Path

import pytest

from heed_local.authority import SERVICES

STAND_IN = """
import json, os, pathlib, signal, sys, time

here = pathlib.Path(os.environ["STAND_IN_NOTES"])
name = __package__.removeprefix("heed_")

def note(event):
    with (here / "events").open("a") as file:
        print(name, event, file=file)

def stop(*_):
    note("stopped")
    sys.exit(0)

command = sys.argv[1]
note(command)
if os.environ.get("STAND_IN_FAILS") == f"{name} {command}":
    sys.exit("the disk is on fire")
if command == "serve":
    signal.signal(signal.SIGTERM, stop)
    (here / name).write_text(json.dumps(dict(os.environ)))
    print(json.dumps({"event": "serving", "service": name, "port": 1}), flush=True)
    while True:
        time.sleep(600)
"""


@pytest.fixture
def stand_ins(tmp_path: Path) -> dict[str, str]:
    """Settings with which the launcher finds stand-ins instead of the services."""
    for service in SERVICES:
        package = tmp_path / f"code/heed_{service}"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "main.py").write_text(STAND_IN)
    return {"PYTHONPATH": str(tmp_path / "code"), "STAND_IN_NOTES": str(tmp_path)}
