"""A service process reports what it does by its log and never outlives its launcher."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from heed_local.service_process import ServiceError, ServiceProcess
from tests.local.launchers import eventually

PROGRAM = """
import json, signal, sys, time

def stop(*_):
    print(json.dumps({"event": "stopped"}), flush=True)
    sys.exit(0)

match sys.argv[1]:
    case "migrate":
        print("made 40 tables", flush=True)
    case "prepare":
        sys.exit("no room on the disk")
    case "serve":
        signal.signal(signal.SIGTERM, stop)
        print('{"event": "starting", "note": "not yet \\\\"serving\\\\""}', flush=True)
        time.sleep(0.1)
        print(json.dumps({"event": "serving", "service": "echo", "port": 1}), flush=True)
        time.sleep(600)
"""
LAUNCHER = """
import asyncio, os, sys
from pathlib import Path
from heed_local.service_process import ServiceProcess

async def main():
    service = ServiceProcess("echo", dict(os.environ), Path(sys.argv[1]))
    await service.serve()
    print(service.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment in which the package heed_echo is found."""
    package = tmp_path / "code/heed_echo"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "main.py").write_text(PROGRAM)
    return {**os.environ, "PYTHONPATH": str(tmp_path / "code")}


@pytest.fixture
def service(environment: dict[str, str], tmp_path: Path) -> ServiceProcess:
    return ServiceProcess("echo", environment, tmp_path)


async def test_serve_returns_when_the_service_says_so_and_stops_gracefully(
    service: ServiceProcess,
) -> None:
    await service.serve()
    assert '"event": "serving"' in service.last_log_lines()
    service.terminate()
    assert await service.ended() == 0
    assert '"stopped"' in service.last_log_lines()


async def test_a_second_serve_is_not_taken_in_by_the_log_of_the_first(
    service: ServiceProcess, environment: dict[str, str], tmp_path: Path
) -> None:
    service.log_file.write_text('{"event": "serving", "service": "echo", "port": 1}\n')
    (tmp_path / "code/heed_echo/main.py").write_text("import sys; sys.exit(3)")
    with pytest.raises(ServiceError, match="exit code 3"):
        await service.serve()


async def test_a_command_that_ends_well_leaves_its_output_in_the_log(
    service: ServiceProcess,
) -> None:
    await service.run("migrate")
    assert service.last_log_lines() == "made 40 tables"


async def test_a_command_that_fails_shows_the_end_of_its_log(service: ServiceProcess) -> None:
    with pytest.raises(ServiceError, match=r"(?s)echo: prepare failed .*no room on the disk"):
        await service.run("prepare")


async def test_a_service_that_never_serves_is_given_up(service: ServiceProcess) -> None:
    with pytest.raises(ServiceError, match="not serving after"):
        await service.serve(timeout_s=0.05)
    service.kill()
    await service.ended()


async def test_a_crash_is_seen_by_its_exit_code(service: ServiceProcess) -> None:
    await service.serve()
    assert service.exit_code() is None
    service.kill()
    assert await service.ended() == -9


def test_kill_9_of_the_launcher_leaves_no_service(
    environment: dict[str, str], tmp_path: Path
) -> None:
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(tmp_path)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert launcher.stdout is not None
    service_pid = int(launcher.stdout.readline())
    assert Path(f"/proc/{service_pid}").exists()
    launcher.kill()
    launcher.wait()
    assert eventually(lambda: not Path(f"/proc/{service_pid}").exists())
