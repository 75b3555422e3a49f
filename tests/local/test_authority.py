"""The local authority makes certificates and tokens that the suite's own rules accept."""

from __future__ import annotations

import json
import shutil
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from cryptography import x509
from heed.common.v1 import access_pb2

from heed_local import certificates
from heed_local.authority import AUDIENCE, DEMO_IDENTITIES, SERVICES, Authority, make_authority

ROLES = frozenset(name for name, _ in access_pb2.Role.items())


def certificate(authority: Authority, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((authority.directory / f"{name}.pem").read_bytes())


def handshake(server: Authority, service: str, client: Authority) -> ssl.SSLObject:
    """Run a TLS handshake in memory, both sides demanding a certificate."""
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=server.ca)
    serving.verify_mode = ssl.CERT_REQUIRED
    environment = server.environment(service)
    serving.load_cert_chain(environment["HEED_TLS_CERT"], environment["HEED_TLS_KEY"])
    calling = ssl.create_default_context(cafile=server.ca)
    calling.load_cert_chain(client.client_certificate, client.client_key)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = calling.wrap_bio(to_client, to_server, server_hostname="127.0.0.1")
    far = serving.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (near, far):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return far


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_certificate_chains_to_the_authority_and_serves_loopback(
    authority: Authority, service: str
) -> None:
    assert handshake(authority, service, authority).version() == "TLSv1.3"


def test_a_certificate_of_another_authority_is_refused(
    authority: Authority, tmp_path: Path
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(authority, "intake", make_authority(tmp_path))


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_certificate_names_its_service(authority: Authority, service: str) -> None:
    names = certificate(authority, service).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    uris = names.value.get_values_for_type(x509.UniformResourceIdentifier)
    assert uris == [f"spiffe://heed/service/{service}"]


def test_the_client_certificate_is_no_service(authority: Authority) -> None:
    names = certificate(authority, "client").extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert names.value.get_values_for_type(x509.UniformResourceIdentifier) == []


@pytest.mark.parametrize("identity", sorted(DEMO_IDENTITIES))
def test_a_demo_token_verifies_against_the_key_set_and_has_known_roles(
    authority: Authority, identity: str
) -> None:
    token = authority.demo_token(identity)
    keys = jwt.PyJWKSet.from_json(authority.jwks.read_text())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=["EdDSA"], audience=AUDIENCE, issuer="heed")
    assert claims["sub"] == DEMO_IDENTITIES[identity].sub
    assert claims["roles"]
    assert all(role in ROLES for role in claims["roles"])


def test_every_role_of_a_person_or_agency_has_a_demo_identity() -> None:
    held = {role for identity in DEMO_IDENTITIES.values() for role in identity.roles}
    of_people = {
        role
        for role in ROLES
        if not role.startswith("ROLE_SERVICE_") and role != "ROLE_UNSPECIFIED"
    }
    assert held == of_people


def test_the_key_set_holds_no_private_key(authority: Authority) -> None:
    keys = json.loads(authority.jwks.read_text())["keys"]
    assert keys
    assert all("d" not in key for key in keys)


def test_private_files_are_for_their_owner_only(authority: Authority) -> None:
    files = [path for path in authority.directory.iterdir() if path.suffix == ".key"]
    files += authority.directory.glob("*key-ring.json")
    assert len(files) == 11
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_making_it_again_changes_nothing(tmp_path: Path) -> None:
    made = make_authority(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert make_authority(tmp_path) == made
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_certificate_about_to_expire_is_renewed_and_still_verifies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(certificates, "_LEAF_LIFE", timedelta(days=29))
        make_authority(tmp_path)
    authority = make_authority(tmp_path)
    left = certificate(authority, "intake").not_valid_after_utc - datetime.now(UTC)
    assert left > timedelta(days=300)
    assert handshake(authority, "intake", authority).version() == "TLSv1.3"


def test_certificates_follow_when_the_authority_itself_is_made_anew(tmp_path: Path) -> None:
    before = make_authority(tmp_path / "a")
    old = certificate(before, "intake").serial_number
    (before.directory / "ca.key").unlink()
    after = make_authority(tmp_path / "a")
    assert certificate(after, "intake").serial_number != old
    assert handshake(after, "intake", after).version() == "TLSv1.3"
    shutil.rmtree(tmp_path / "a")


def test_an_unknown_service_has_no_environment(authority: Authority) -> None:
    with pytest.raises(ValueError, match="no such service"):
        authority.environment("archive")
