"""Key rings, request records, settings, and the numbers that domain and contract share."""

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from heed.common.v1 import matter_pb2
from heed.disposal.v1.events_pb2 import ProgressEvent
from heed.intake.v1 import resources_pb2 as resources

from heed_intake.adapters.consumers import STAGES
from heed_intake.adapters.key_ring import KeyRing, KeyRingError, UndecipherableError
from heed_intake.adapters.query_codes import QueryCodes
from heed_intake.domain.petition import Channel, Nature, PeopleBucket, State
from heed_intake.domain.progress import Stage
from heed_intake.settings import IntakeSettings
from heed_local.authority import Authority
from heed_shared.settings import SettingsError, load_settings, masked

UID = UUID("019cad3e-8d40-7abc-8abc-0123456789ab")


def ring(*ids: str, keys: dict[str, bytes] | None = None) -> KeyRing:
    """A ring whose current key is the last of `ids`."""
    known = keys or {key_id: secrets.token_bytes(32) for key_id in ids}
    return KeyRing(ids[-1], known)


def test_after_rotation_old_petitions_stay_readable_and_new_ones_use_the_new_key() -> None:
    keys = {"k1": secrets.token_bytes(32), "k2": secrets.token_bytes(32)}
    old, new = ring("k1", keys=keys), ring("k2", keys=keys)
    key, stored = old.new_key(UID)
    text = key.encrypt("contacts", b"text")
    assert new.unwrap(UID, stored).decrypt("contacts", text) == b"text"
    assert new.new_key(UID)[1].key_id == "k2"
    rewrapped = new.unwrap(UID, stored).wrapped_by(new)
    assert (
        ring("k2", keys={"k2": keys["k2"]}).unwrap(UID, rewrapped).decrypt("contacts", text)
        == b"text"
    )


def test_a_ciphertext_opens_in_its_own_place_only() -> None:
    own = ring("k1")
    key, stored = own.new_key(UID)
    text = key.encrypt("contacts", b"text")
    attempts: list[Callable[[], Any]] = [
        lambda: key.decrypt("original", text),
        lambda: own.unwrap(uuid4(), stored),
        lambda: ring("k1").unwrap(UID, stored),
        lambda: ring("k2").unwrap(UID, stored),
        lambda: key.decrypt("contacts", text[:-1] + bytes([text[-1] ^ 1])),
        lambda: key.decrypt("contacts", b""),
        lambda: own.decrypt(b"other", own.encrypt(b"purpose", b"text")),
    ]
    for attempt in attempts:
        with pytest.raises(UndecipherableError):
            attempt()


def test_the_same_text_never_looks_the_same() -> None:
    key, _ = ring("k1").new_key(UID)
    assert key.encrypt("contacts", b"text") != key.encrypt("contacts", b"text")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"current": "k1", "keys": {}}',
        '{"current": "k1", "keys": {"k1": "zz"}}',
        '{"current": "k1", "keys": {"k1": "00ff"}}',
        '{"current": "k2", "keys": {"k1": "' + "00" * 32 + '"}}',
        '{"current": "k1", "keys": ["k1"]}',
    ],
)
def test_a_ring_that_cannot_be_used_is_refused_without_quoting_keys(
    tmp_path: Path, text: str
) -> None:
    file = tmp_path / "ring.json"
    file.write_text(text, "utf-8")
    with pytest.raises(KeyRingError, match=r"ring\.json") as caught:
        KeyRing.load(file)
    assert "00ff" not in str(caught.value)
    assert "0000" not in str(caught.value)


def test_a_code_matches_its_petition_and_key_only() -> None:
    codes = QueryCodes(b"1" * 32)
    stored = codes.hashed(UID, "ABCD-EFGH-JKMN")
    assert codes.matches(UID, stored, "abcd efgh jkmn")
    assert not codes.matches(UID, stored, "ABCD-EFGH-JKMP")
    assert not codes.matches(uuid4(), stored, "ABCD-EFGH-JKMN")
    assert not QueryCodes(b"2" * 32).matches(UID, stored, "ABCD-EFGH-JKMN")
    assert not codes.matches(None, None, "ABCD-EFGH-JKMN")


def address(role: str) -> str:
    """A database address with a password that must be printed nowhere."""
    return "postgresql://" + role + ":secret@localhost/heed"


def environment(authority: Authority, **changed: str) -> dict[str, str]:
    """What intake needs to start."""
    return (
        authority.environment("intake")
        | {
            "HEED_DATABASE_URL": address("app"),
            "HEED_SEALED_DATABASE_URL": address("sealed"),
        }
        | changed
    )


def test_settings_print_no_secret(authority: Authority) -> None:
    settings = load_settings(IntakeSettings, environment(authority))
    printed = json.dumps(masked(settings)) + repr(settings)
    secrets_ = json.loads((authority.directory / "key-ring.json").read_text("utf-8"))["keys"]
    for value in (*secrets_.values(), "secret@"):
        assert value not in printed


def test_all_wrong_settings_are_named_together(authority: Authority, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.write_text("nothing", "utf-8")
    names = [
        "HEED_KEY_RING",
        "HEED_SEALED_KEY_RING",
        "HEED_QUERY_CODE_KEY",
        "HEED_ACCUSATION_RULES",
    ]
    with pytest.raises(SettingsError) as caught:
        load_settings(IntakeSettings, environment(authority, **dict.fromkeys(names, str(bad))))
    assert [problem.split(":")[0] for problem in caught.value.problems] == names


def test_the_lanes_may_share_neither_key_nor_role(authority: Authority) -> None:
    same = environment(authority)
    same["HEED_SEALED_KEY_RING"] = same["HEED_KEY_RING"]
    same["HEED_SEALED_DATABASE_URL"] = same["HEED_DATABASE_URL"]
    with pytest.raises(SettingsError) as caught:
        load_settings(IntakeSettings, same)
    assert len(caught.value.problems) == 2


def test_numbers_of_the_domain_are_those_of_the_contract() -> None:
    assert {item.value for item in Channel} == set(matter_pb2.Channel.values()) - {0}
    assert {item.value for item in Nature} == set(matter_pb2.Nature.values())
    assert {item.value for item in PeopleBucket} == set(matter_pb2.PeopleBucket.values())
    assert {f"STATE_{item.name}": item.value for item in State}.items() <= dict(
        resources.Petition.State.items()
    ).items()
    assert {f"STAGE_{item.name}": item.value for item in Stage}.items() <= dict(
        resources.ProgressStep.Stage.items()
    ).items()
    for channel in Channel:
        assert matter_pb2.Channel.Name(channel.value) == f"CHANNEL_{channel.name}"  # type: ignore[arg-type]


def test_every_step_of_disposal_has_a_stage() -> None:
    assert set(STAGES) == set(ProgressEvent.Kind.values()) - {0}
