import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from heed.common.v1.access_pb2 import Role

from heed_shared.errors import RegionNotAllowed, Unauthenticated
from heed_shared.identity import (
    Authenticator,
    Caller,
    current_caller,
    region_prefix,
    require_region,
    service_caller,
)

KEY = ed25519.Ed25519PrivateKey.generate()
CURVE_KEY = ec.generate_private_key(ec.SECP256R1())
STRANGER = ed25519.Ed25519PrivateKey.generate()
Sign = Callable[..., str]


def public_keys() -> dict[str, Any]:
    edwards = jwt.algorithms.OKPAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
    curve = jwt.algorithms.ECAlgorithm.to_jwk(CURVE_KEY.public_key(), as_dict=True)
    return {
        "keys": [
            {**edwards, "kid": "one", "alg": "EdDSA"},
            {**curve, "kid": "two", "alg": "ES256"},
        ]
    }


@pytest.fixture
def jwks(tmp_path: Path) -> Path:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(public_keys()))
    return path


@pytest.fixture
def authenticator(jwks: Path) -> Authenticator:
    return Authenticator(jwks, "heed", "heed")


def token(key: Any = KEY, algorithm: str = "EdDSA", kid: str = "one", **changed: Any) -> str:
    claims = {
        "iss": "heed",
        "aud": "heed",
        "sub": "staff/4711",
        "name": "周远",
        "unit": "市信访局",
        "roles": ["ROLE_CASE_OFFICER", "ROLE_LEADER"],
        "region": "110100",
        "exp": datetime.now(UTC) + timedelta(hours=1),
    }
    merged = {name: value for name, value in (claims | changed).items() if value is not None}
    return "Bearer " + jwt.encode(merged, key, algorithm, headers={"kid": kid})


def test_a_token_names_its_caller(authenticator: Authenticator) -> None:
    caller = authenticator.caller(token(), [])
    assert caller == Caller(
        "staff/4711",
        "周远",
        "市信访局",
        frozenset({Role.ROLE_CASE_OFFICER, Role.ROLE_LEADER}),
        "1101",
    )
    assert caller.actor().display_name == "周远"


def test_both_kinds_of_signature_are_accepted(authenticator: Authenticator) -> None:
    assert authenticator.caller(token(CURVE_KEY, "ES256", "two"), []).identity == "staff/4711"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"exp": datetime(2020, 1, 1, tzinfo=UTC)}, "has expired"),
        ({"exp": None}, "not valid"),
        ({"aud": "elsewhere"}, "another audience"),
        ({"aud": None}, "not valid"),
        ({"iss": "someone"}, "not valid"),
        ({"sub": None}, "not valid"),
        ({"region": None}, "must state roles and region"),
        ({"roles": None}, "must state roles and region"),
        ({"roles": "ROLE_LEADER"}, "must state roles and region"),
        ({"region": "11%"}, "region of the token"),
        ({"region": "11\n"}, "region of the token"),
        ({"sub": "service/classifier"}, "kept for services"),
        ({"sub": " "}, "short lines of text"),
        ({"sub": "staff/\0"}, "short lines of text"),
        ({"name": "周远\x1b[2J"}, "short lines of text"),
        ({"unit": "局" * 201}, "short lines of text"),
        ({"key": STRANGER}, "not valid"),
        ({"kid": "three"}, "unknown key"),
        ({"nbf": datetime.now(UTC) + timedelta(hours=1)}, "not valid"),
    ],
    ids=lambda value: str(next(iter(value))) if isinstance(value, dict) else "",
)
def test_a_token_with_a_flaw_is_refused(
    authenticator: Authenticator, changed: dict[str, Any], why: str
) -> None:
    with pytest.raises(Unauthenticated, match=why):
        authenticator.caller(token(**changed), [])


def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(
    authenticator: Authenticator,
) -> None:
    forged = jwt.encode({"sub": "x"}, "s" * 32, "HS256", headers={"kid": "one"})
    with pytest.raises(Unauthenticated):
        authenticator.caller("Bearer " + forged, [])
    unsigned = jwt.encode({"sub": "x"}, "", "none", headers={"kid": "one"})
    with pytest.raises(Unauthenticated):
        authenticator.caller("Bearer " + unsigned, [])


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic eA==", "Bearer x.y.z"])
def test_a_header_that_is_no_bearer_token_is_refused(
    authenticator: Authenticator, header: str
) -> None:
    with pytest.raises(Unauthenticated):
        authenticator.caller(header, [b"spiffe://heed/service/intake"])


def test_a_service_is_known_by_its_certificate(authenticator: Authenticator) -> None:
    caller = authenticator.caller(None, [b"localhost", b"spiffe://heed/service/warning"])
    assert caller == service_caller("warning")
    assert caller.identity == "service/warning"
    assert caller.roles == {Role.ROLE_SERVICE_WARNING}
    assert caller.covers("110101")


@pytest.mark.parametrize("names", [[], [b"localhost"], [b"spiffe://heed/service/cuckoo"]])
def test_a_certificate_without_a_service_is_no_identity(
    authenticator: Authenticator, names: list[bytes]
) -> None:
    with pytest.raises(Unauthenticated):
        authenticator.caller(None, names)


def test_a_token_wins_over_the_certificate(authenticator: Authenticator) -> None:
    caller = authenticator.caller(token(), [b"spiffe://heed/service/warning"])
    assert caller.identity == "staff/4711"


def test_a_token_cannot_make_anyone_a_service(authenticator: Authenticator) -> None:
    roles = ["ROLE_SERVICE_CLASSIFIER", "ROLE_UNSPECIFIED", "ROLE_NO_SUCH", "ROLE_ANALYST"]
    assert authenticator.caller(token(roles=roles), []).roles == {Role.ROLE_ANALYST}


def test_a_remembered_token_still_expires(authenticator: Authenticator) -> None:
    # The leeway of 30 s leaves such a token one or two seconds.
    nearly_over = token(exp=datetime.now(UTC) - timedelta(seconds=28))
    authenticator.caller(nearly_over, [])
    time.sleep(2.1)
    with pytest.raises(Unauthenticated, match="expired"):
        authenticator.caller(nearly_over, [])


def test_new_keys_are_read_and_old_tokens_forgotten(
    authenticator: Authenticator, jwks: Path
) -> None:
    authenticator.caller(token(), [])
    replaced = {**public_keys()["keys"][0], "kid": "new"}
    temporary = jwks.with_suffix(".new")
    temporary.write_text(json.dumps({"keys": [replaced]}))
    os.replace(temporary, jwks)
    authenticator._checked_at = 0
    with pytest.raises(Unauthenticated, match="unknown key"):
        authenticator.caller(token(), [])
    assert authenticator.caller(token(kid="new"), []).identity == "staff/4711"


def test_a_broken_key_file_leaves_the_known_keys_in_force(
    authenticator: Authenticator, jwks: Path
) -> None:
    jwks.write_text('{"keys": [')
    authenticator._checked_at = 0
    assert authenticator.caller(token(), []).identity == "staff/4711"


def test_a_broken_key_file_stops_the_start(tmp_path: Path) -> None:
    broken = tmp_path / "jwks.json"
    broken.write_text('{"keys": [{"kty": "OKP"}]}')
    with pytest.raises(ValueError, match="no JSON Web Key Set"):
        Authenticator(broken, "heed", "heed")


@pytest.mark.parametrize(
    ("code", "prefix"),
    [
        ("000000", ""),
        ("110000", "11"),
        ("110100", "1101"),
        ("110101", "110101"),
        ("9A0000", "9A"),
        ("9A0100", "9A01"),
        ("9A0010", "9A0010"),
        ("900000", "90"),
        ("11", "11"),
        ("", ""),
    ],
)
def test_the_prefix_of_a_region_covers_what_lies_in_it(code: str, prefix: str) -> None:
    assert region_prefix(code) == prefix


def test_a_region_outside_the_callers_is_refused() -> None:
    caller = Caller("staff/1", "", "", frozenset(), region_prefix("110100"))
    require_region(caller, "110105")
    with pytest.raises(RegionNotAllowed):
        require_region(caller, "110200")


def test_outside_an_rpc_there_is_no_caller() -> None:
    with pytest.raises(Unauthenticated):
        current_caller()
