"""The command line that all services share."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from heed_shared.clock import ReplayClock, SystemClock
from heed_shared.program import Program, business_clock
from heed_shared.settings import ServiceSettings


async def no_work(_: ServiceSettings) -> None:
    """Ends at once."""


def program(served: list[str]) -> Program[ServiceSettings]:
    async def serve(settings: ServiceSettings) -> None:
        served.append(settings.listen)

    return Program(name="sample", settings=ServiceSettings, serve=serve)


def files(tmp_path: Path) -> dict[str, str]:
    paths = {}
    for name in ("HEED_TLS_CERT", "HEED_TLS_KEY", "HEED_TLS_CA", "HEED_JWKS"):
        path = tmp_path / name
        path.write_text("{}")
        paths[name] = str(path)
    key = tmp_path / "page.key"
    key.write_text("ab" * 32)
    return {**paths, "HEED_PAGE_TOKEN_KEY": str(key)}


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = files(tmp_path) | {
        "HEED_LISTEN": "127.0.0.1:0",
        "HEED_DATABASE_URL": "postgresql://a:b@127.0.0.1:1/heed",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("environment")
def test_serve_runs_with_the_settings_of_the_environment() -> None:
    served: list[str] = []
    assert program(served).run(["serve"]) == 0
    assert served == ["127.0.0.1:0"]


def test_wrong_settings_are_all_told_and_nothing_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEED_POOL_SIZE", "many")
    monkeypatch.delenv("HEED_DATABASE_URL", raising=False)
    served: list[str] = []
    assert program(served).run(["serve"]) == 2
    told = capsys.readouterr().err
    assert "HEED_POOL_SIZE" in told
    assert "HEED_DATABASE_URL" in told
    assert served == []


@pytest.mark.usefixtures("environment")
def test_migrating_takes_the_owners_address(capsys: pytest.CaptureFixture[str]) -> None:
    assert program([]).run(["migrate"]) == 2
    assert "HEED_MIGRATION_URL" in capsys.readouterr().err


def test_prepare_is_a_command_only_where_there_is_something_to_prepare() -> None:
    with pytest.raises(SystemExit):
        program([]).run(["prepare"])


@pytest.mark.usefixtures("environment")
def test_what_there_is_to_prepare_is_prepared() -> None:
    prepared: list[str] = []

    async def prepare(settings: ServiceSettings) -> None:
        prepared.append(settings.listen)

    sample = Program(name="sample", settings=ServiceSettings, serve=no_work, prepare=prepare)
    assert sample.run(["prepare"]) == 0
    assert prepared == ["127.0.0.1:0"]


@pytest.mark.usefixtures("environment")
def test_the_business_clock_is_the_systems_unless_a_replay_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import os

    from heed_shared.settings import load_settings

    assert isinstance(business_clock(load_settings(ServiceSettings, os.environ)), SystemClock)
    monkeypatch.setenv("HEED_CLOCK", "replay")
    monkeypatch.setenv("HEED_REPLAY_START", "2026-03-02T00:00:00+08:00")
    clock = business_clock(load_settings(ServiceSettings, os.environ))
    assert isinstance(clock, ReplayClock)
    assert clock.now() == datetime(2026, 3, 1, 16, tzinfo=UTC)
