"""Fixtures of all tests: a real Postgres, the local authority and the measured data.

Every pytest-xdist worker is a session of its own and has a cluster of its own.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from heed_local.authority import Authority, make_authority
from heed_local.postgres import Cluster, EmbeddedPostgres, forget_libpq_variables
from tests.database_templates import DatabaseTemplates, MadeDatabase

_WANT_OF_DATA = "HEED_DATA is absent"


@pytest.fixture(scope="session")
def open_directory() -> Iterator[Path]:
    """A directory that the server's unprivileged account can enter, unlike tmp_path of root."""
    directory = Path(tempfile.mkdtemp(prefix="heed-tests-"))
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster(open_directory: Path) -> Iterator[Cluster]:
    """A running Postgres; no test may hold a transaction open on it (use `own_cluster`)."""
    with EmbeddedPostgres(open_directory / "postgres", fsync=False) as running:
        yield running


@pytest.fixture
def own_cluster(open_directory: Path) -> Iterator[Cluster]:
    """A Postgres for one test alone, for tests that hold back the feeds' horizon."""
    directory = Path(tempfile.mkdtemp(dir=open_directory))
    directory.chmod(0o711)
    with EmbeddedPostgres(directory / "postgres", fsync=False) as running:
        yield running
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def database_templates(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> DatabaseTemplates:
    """The migrated databases that `make_database` copies."""
    return DatabaseTemplates(cluster, tmp_path_factory.mktemp("roles") / "passwords.json")


@pytest.fixture
def make_database(database_templates: DatabaseTemplates) -> Iterator[Callable[[str], MadeDatabase]]:
    """Makes a fresh, migrated database of a service: `make_database("intake")["url"]`.

    A plain function, for synchronous and asynchronous tests; the databases go after the test.
    """
    made: list[MadeDatabase] = []

    def make(service: str) -> MadeDatabase:
        made.append(database_templates.copy(service))
        return made[-1]

    yield make
    for database in made:
        database_templates.drop(database)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Certificates and token keys for the session."""
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def heed_data() -> Path:
    """The folder of measured data; tests that need it are skipped, and counted, without it."""
    folder = os.environ.get("HEED_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip(_WANT_OF_DATA)
    return Path(folder)


def pytest_configure() -> None:
    """Keep settings of a system Postgres away from all tests."""
    forget_libpq_variables()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file, and all end-to-end tests, on one worker: they share what is costly to start."""
    for item in items:
        end_to_end = item.get_closest_marker("e2e") is not None
        group = "e2e" if end_to_end else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Say at the very end how many tests were skipped because HEED_DATA is absent."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(config, "workerinput"):
        return
    skipped = reporter.stats.get("skipped", [])
    count = sum(_WANT_OF_DATA in str(report.longrepr) for report in skipped)
    reporter.write_line(f"skipped for want of HEED_DATA: {count}")
