from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from heed_local.authority import Authority
from heed_shared.settings import (
    ServiceSettings,
    SettingsError,
    load_settings,
    masked,
    setting,
)

URL = "postgresql://heed_intake_app:hunter2@127.0.0.1:5432/heed"  # pragma: allowlist secret


@dataclass(frozen=True, kw_only=True)
class OwnSettings(ServiceSettings):
    waves: int = setting("HEED_WAVES", default=4)

    def problems(self) -> list[str]:
        wrong = ["HEED_WAVES: must be even"] if self.waves % 2 else []
        return super().problems() + wrong


@pytest.fixture
def environ(authority: Authority) -> dict[str, str]:
    return {**authority.environment("intake"), "HEED_DATABASE_URL": URL}


def test_every_missing_setting_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings(ServiceSettings, {})
    named = {problem.partition(":")[0] for problem in raised.value.problems}
    assert named == {
        "HEED_DATABASE_URL",
        "HEED_TLS_CERT",
        "HEED_TLS_KEY",
        "HEED_TLS_CA",
        "HEED_JWKS",
        "HEED_PAGE_TOKEN_KEY",
    }


@pytest.mark.parametrize(
    ("variable", "text", "why"),
    [
        ("HEED_LISTEN", "7401", "must be host:port"),
        ("HEED_CLOCK", "sundial", "must be one of system, replay"),
        ("HEED_CLOCK", "replay", "required when HEED_CLOCK is replay"),
        ("HEED_REPLAY_START", "2026-01-01T00:00:00", "must state its zone"),
        ("HEED_REPLAY_START", "yesterday", "must be an ISO 8601 time"),
        ("HEED_TRACE_RATIO", "2", "must lie between 0 and 1"),
        ("HEED_TRACE_RATIO", "much", "must be a number"),
        ("HEED_POOL_SIZE", "0", "must be at least 1"),
        ("HEED_POOL_SIZE", "1.5", "must be a whole number"),
        ("HEED_DEVELOPMENT", "maybe", "must be 1 or 0"),
        ("HEED_TLS_CERT", "/none/here.pem", "there is no file"),
        ("HEED_PAGE_TOKEN_KEY", "/none/here.key", "cannot read the key file"),
        ("HEED_OTLP_ENDPOINT", "http://collector.example:4317", "http on the loopback address"),
    ],
)
def test_a_wrong_value_is_refused_with_its_reason(
    environ: dict[str, str], variable: str, text: str, why: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings(ServiceSettings, environ | {variable: text})
    assert why in str(raised.value)
    assert len(raised.value.problems) == 1


def test_values_are_parsed_by_their_annotation(environ: dict[str, str]) -> None:
    settings = load_settings(
        ServiceSettings,
        environ
        | {
            "HEED_CLOCK": "replay",
            "HEED_REPLAY_START": "2026-01-01T00:00:00+08:00",
            "HEED_DEVELOPMENT": "1",
            "HEED_POOL_SIZE": "3",
            "HEED_OTLP_ENDPOINT": "http://127.0.0.1:4317",
        },
    )
    assert settings.replay_start is not None
    assert settings.replay_start.utcoffset() == timedelta(hours=8)
    assert (settings.clock, settings.development, settings.pool_size) == ("replay", True, 3)
    assert settings.tls_ca.is_file()
    assert len(settings.page_token_key) == 32


def test_a_key_that_is_too_short_is_refused(environ: dict[str, str], tmp_path: Path) -> None:
    short = tmp_path / "short.key"
    short.write_text("00ff")
    with pytest.raises(SettingsError, match="the key must have 32 bytes, not 2"):
        load_settings(ServiceSettings, environ | {"HEED_PAGE_TOKEN_KEY": str(short)})


def test_a_service_adds_fields_and_checks_of_its_own(environ: dict[str, str]) -> None:
    assert load_settings(OwnSettings, environ | {"HEED_WAVES": "6"}).waves == 6
    with pytest.raises(SettingsError, match="HEED_WAVES: must be even"):
        load_settings(OwnSettings, environ | {"HEED_WAVES": "5"})


def test_no_printed_form_shows_a_secret(environ: dict[str, str]) -> None:
    settings = load_settings(OwnSettings, environ | {"HEED_MIGRATION_URL": URL})
    printed = repr(settings) + str(masked(settings))
    assert "hunter2" not in printed
    assert settings.page_token_key.hex() not in printed
    assert repr(settings.page_token_key) not in printed
    assert masked(settings)["HEED_DATABASE_URL"] == "***"
    assert masked(settings)["HEED_WAVES"] == "4"


def test_the_value_of_a_wrong_secret_is_not_repeated(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings(ServiceSettings, environ | {"HEED_PAGE_TOKEN_KEY": "c0ffee-typed-inline"})
    assert "c0ffee" not in str(raised.value)
