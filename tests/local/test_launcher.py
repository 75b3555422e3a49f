"""The launcher brings services up in order, gives each its settings and stops them all.

Stand-ins take the place of the four services here, so that only the launcher is tested; the tests
in tests/e2e run the real ones.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import asyncpg
import pytest

from heed_local.authority import SERVICES
from heed_local.launcher import ServiceError, Suite
from heed_local.postgres import Cluster, forget_libpq_variables
from heed_local.run_state import NotRunningError, RunState
from heed_shared.clock import SHANGHAI
from heed_shared.settings import ServiceSettings, load_settings
from tests.local.launchers import eventually, processes_of

LAUNCHER = """
import asyncio, json, os, sys
from heed_local.launcher import Suite

async def main():
    suite = Suite(fsync=False, environment=json.loads(sys.argv[1]))
    await suite.start()
    print(json.dumps(str(suite.run_dir)), flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def events(tmp_path: Path) -> list[str]:
    return (tmp_path / "events").read_text().splitlines()


def seen_by(tmp_path: Path, service: str) -> dict[str, str]:
    environment: dict[str, str] = json.loads((tmp_path / service).read_text())
    return environment


async def test_each_service_migrates_then_prepares_then_serves_and_all_stop(
    stand_ins: Mapping[str, str], tmp_path: Path
) -> None:
    async with Suite(fsync=False, environment=stand_ins) as suite:
        run_dir = suite.run_dir
        assert RunState.read(run_dir).targets == suite.targets
        assert len(set(suite.targets.values())) == 4
    happened = events(tmp_path)
    for service in SERVICES:
        own = [event.split()[1] for event in happened if event.startswith(f"{service} ")]
        prepared = ["prepare"] if service == "classifier" else []
        assert own == ["migrate", *prepared, "serve", "stopped"]
    first_serve = min(i for i, event in enumerate(happened) if event.endswith("serve"))
    assert sum(event.endswith("migrate") for event in happened[:first_serve]) == 4
    assert not run_dir.exists(), "a temporary run directory goes with the suite"
    assert processes_of(str(run_dir)) == []


async def test_services_get_settings_that_they_can_load(
    stand_ins: Mapping[str, str], tmp_path: Path
) -> None:
    start = datetime(2026, 3, 2, tzinfo=SHANGHAI)
    regions = tmp_path / "regions.csv"
    regions.write_text("code\n")
    suite = Suite(
        clock="replay",
        replay_start=start,
        regions=regions,
        environment=stand_ins,
        collect_spans=True,
        fsync=False,
    )
    async with suite:
        assert suite.collector is not None
        for service in SERVICES:
            settings = load_settings(ServiceSettings, seen_by(tmp_path, service))
            assert settings.listen == suite.targets[service]
            assert settings.warning_target == suite.targets["warning"]
            assert settings.clock == "replay"
            assert settings.replay_start == start
            assert settings.regions == regions
            assert settings.otlp_endpoint == suite.collector.endpoint
            assert settings.migration_url
            for url, role in ((settings.database_url, "app"), (settings.migration_url, "owner")):
                connection = await asyncpg.connect(url)
                user = await connection.fetchval("SELECT current_user")
                await connection.close()
                assert user == f"heed_{service}_{role}"


async def test_settings_of_the_user_reach_services_but_not_the_databases_of_the_launcher(
    stand_ins: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEED_POOL_SIZE", "7")
    monkeypatch.setenv("HEED_MIGRATION_URL", "postgresql://elsewhere/db")
    async with Suite(fsync=False, environment=stand_ins):
        environment = seen_by(tmp_path, "intake")
    assert environment["HEED_POOL_SIZE"] == "7"
    assert "elsewhere" not in environment["HEED_MIGRATION_URL"]


def test_variables_of_libpq_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLMODE", "require")
    monkeypatch.setenv("PGPORT", "5432")
    forget_libpq_variables()
    assert [name for name in os.environ if name.startswith("PG")] == []


# A cluster of its own: it gives the services' roles new passwords, which whole clusters share.
async def test_another_postgres_is_used_where_one_is_named(
    stand_ins: Mapping[str, str], tmp_path: Path, own_cluster: Cluster
) -> None:
    async with Suite(environment=stand_ins, database_url=own_cluster.url("postgres")) as suite:
        assert not (suite.run_dir / "postgres").exists()
        assert (
            f"@127.0.0.1:{own_cluster.port}/postgres"
            in seen_by(tmp_path, "disposal")["HEED_DATABASE_URL"]
        )


@pytest.mark.parametrize("failing", ["warning migrate", "classifier prepare", "disposal serve"])
async def test_a_service_that_fails_at_start_shows_its_log_and_leaves_nothing_running(
    stand_ins: Mapping[str, str], tmp_path: Path, failing: str
) -> None:
    suite = Suite(fsync=False, environment={**stand_ins, "STAND_IN_FAILS": failing})
    with pytest.raises(
        ServiceError, match=r"(?s)" + failing.split(maxsplit=1)[0] + ".*the disk is on fire"
    ):
        await suite.start()
    assert processes_of(str(suite.run_dir)) == []
    assert not suite.run_dir.exists()


async def test_data_secrets_and_certificates_outlive_a_restart(
    stand_ins: Mapping[str, str], open_directory: Path
) -> None:
    run_dir = open_directory / "run"
    kept = ("passwords.json", "authority/ca.pem", "authority/key-ring.json")
    async with Suite(run_dir, fsync=False, environment=stand_ins):
        before = [(run_dir / name).read_bytes() for name in kept]
    async with Suite(run_dir, fsync=False, environment=stand_ins):
        assert [(run_dir / name).read_bytes() for name in kept] == before
    with pytest.raises(NotRunningError):
        RunState.read(run_dir)


async def test_a_service_can_crash_and_come_back_on_its_port(
    stand_ins: Mapping[str, str], tmp_path: Path
) -> None:
    async with Suite(fsync=False, environment=stand_ins) as suite:
        assert await suite.stop_service("warning", kill=True) == -signal.SIGKILL
        await suite.start_service("warning")
        assert seen_by(tmp_path, "warning")["HEED_LISTEN"] == suite.targets["warning"]


async def test_watch_ends_when_a_service_ends_by_itself(
    stand_ins: Mapping[str, str], tmp_path: Path
) -> None:
    async with Suite(fsync=False, environment=stand_ins) as suite:
        os.kill(suite.service_pid("intake"), signal.SIGTERM)
        with pytest.raises(ServiceError, match="intake ended with exit code 0"):
            await suite.watch()


def test_a_replay_clock_without_a_start_is_refused() -> None:
    with pytest.raises(ValueError, match="replay_start"):
        Suite(clock="replay")


def test_kill_9_of_the_launcher_leaves_neither_services_nor_postgres(
    stand_ins: Mapping[str, str],
) -> None:
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, json.dumps(dict(stand_ins))],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert launcher.stdout is not None
    run_dir = json.loads(launcher.stdout.readline())
    assert len(processes_of(run_dir)) >= 5, "four services and the server"
    launcher.kill()
    launcher.wait()
    assert eventually(lambda: processes_of(run_dir) == [])
    shutil.rmtree(run_dir)
