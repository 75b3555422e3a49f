"""The local authority: certificates, token keys and demo identities of one machine.

`make_authority(directory)` makes what is missing and renews what is about to expire, so it can run
at every start. Local mode has the same mutual TLS and the same tokens as production; only the
issuer differs. Private files have mode 0600 and never leave the directory.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from heed_local.certificates import CertificateAuthority, Leaf
from heed_local.private_files import write_private

SERVICES: Final = ("intake", "classifier", "warning", "disposal")
ISSUER: Final = "heed"
AUDIENCE: Final = "heed"
_TOKEN_LIFE: Final = timedelta(hours=12)


@dataclass(frozen=True)
class Identity:
    """A made-up person or agency for demonstrations; `region` "" means everywhere."""

    sub: str
    name: str
    unit: str
    roles: tuple[str, ...]
    region: str = ""


DEMO_IDENTITIES: Final = {
    "clerk": Identity("staff/1001", "林晓", "市信访局登记窗口", ("ROLE_INTAKE_CLERK",)),
    "officer": Identity("staff/1002", "周远", "市信访局办理科", ("ROLE_CASE_OFFICER",)),
    "handler": Identity("staff/1003", "何平", "责任单位经办组", ("ROLE_UNIT_HANDLER",)),
    "leader": Identity("staff/1004", "孟华", "市信访局", ("ROLE_LEADER",)),
    "supervisor": Identity("staff/1005", "陶清", "市信访局督查科", ("ROLE_SUPERVISOR",)),
    "analyst": Identity("staff/1006", "叶明", "市信访局预警值班", ("ROLE_ANALYST",)),
    "steward": Identity("staff/1007", "苏宁", "市信访局信息科", ("ROLE_MODEL_STEWARD",)),
    "auditor": Identity("staff/1008", "方正", "市信访局审计岗", ("ROLE_AUDITOR",)),
    "portal": Identity("agency/portal", "网上信访大厅", "查询窗口", ("ROLE_PORTAL",)),
    "operator": Identity("staff/1009", "平台值守", "市信访局信息科", ("ROLE_OPERATOR",)),
    "accusation": Identity("staff/1010", "秦正", "市纪委监委信访室", ("ROLE_ACCUSATION_OFFICER",)),
    "peer": Identity("agency/hotline", "12345热线平台", "市热线办", ("ROLE_PEER_SYSTEM",)),
}


@dataclass(frozen=True)
class Authority:
    """What `make_authority` found or made."""

    directory: Path
    key_id: str

    @property
    def ca(self) -> Path:
        """Certificate that every peer must chain to."""
        return self.directory / "ca.pem"

    @property
    def client_certificate(self) -> Path:
        """Certificate of a calling system that is no service: it needs a token besides."""
        return self.directory / "client.pem"

    @property
    def client_key(self) -> Path:
        """Private key of `client_certificate`."""
        return self.directory / "client.key"

    @property
    def jwks(self) -> Path:
        """Public keys of the tokens."""
        return self.directory / "jwks.json"

    @property
    def identities_file(self) -> Path:
        """The demo identities as JSON, to be read or changed by hand."""
        return self.directory / "identities.json"

    def token(
        self,
        sub: str,
        name: str,
        unit: str,
        roles: Sequence[str],
        region: str = "",
        *,
        life: timedelta = _TOKEN_LIFE,
    ) -> str:
        """Sign a token for a person or agency; `roles` are names such as ROLE_LEADER."""
        now = datetime.now(UTC)
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": sub,
            "name": name,
            "unit": unit,
            "roles": list(roles),
            "region": region,
            "iat": now,
            "exp": now + life,
        }
        key = (self.directory / "signing.key").read_bytes()
        return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": self.key_id})

    def demo_token(self, identity: str) -> str:
        """Sign a token for one of the demo identities, such as "clerk"."""
        return self.token(**self.identities()[identity])

    def identities(self) -> dict[str, dict[str, Any]]:
        """The demo identities by name, as they stand in `identities_file`."""
        known: dict[str, dict[str, Any]] = json.loads(self.identities_file.read_text("utf-8"))
        return known

    def environment(self, service: str) -> dict[str, str]:
        """Settings of a service that come from this directory."""
        if service not in SERVICES:
            raise ValueError(f"no such service: {service}")
        settings = {
            "HEED_TLS_CERT": str(self.directory / f"{service}.pem"),
            "HEED_TLS_KEY": str(self.directory / f"{service}.key"),
            "HEED_TLS_CA": str(self.ca),
            "HEED_JWKS": str(self.jwks),
            "HEED_JWT_ISSUER": ISSUER,
            "HEED_JWT_AUDIENCE": AUDIENCE,
            "HEED_PAGE_TOKEN_KEY": str(self.directory / "page-token.key"),
        }
        if service == "intake":
            settings["HEED_KEY_RING"] = str(self.directory / "key-ring.json")
            settings["HEED_SEALED_KEY_RING"] = str(self.directory / "sealed-key-ring.json")
            settings["HEED_QUERY_CODE_KEY"] = str(self.directory / "query-code.key")
        return settings


def make_authority(directory: Path) -> Authority:
    """Load the authority in `directory`, making or renewing what is missing or expires soon."""
    directory.mkdir(parents=True, exist_ok=True)
    authority = CertificateAuthority.load_or_make(directory)
    leaves = [
        *(Leaf(name=service, uris=(f"spiffe://heed/service/{service}",)) for service in SERVICES),
        Leaf(name="client"),
    ]
    for leaf in leaves:
        authority.ensure(leaf)
    key_id = _make_signing_key(directory)
    _make_secrets(directory)
    made = Authority(directory=directory, key_id=key_id)
    if not made.identities_file.exists():
        demo = {name: asdict(identity) for name, identity in DEMO_IDENTITIES.items()}
        write_private(made.identities_file, json.dumps(demo, ensure_ascii=False, indent=1))
    return made


def _make_secrets(directory: Path) -> None:
    """Keep or make the keys that services encrypt with; losing a key ring loses what it wraps."""
    for name in ("page-token.key", "query-code.key"):
        if not (directory / name).exists():
            write_private(directory / name, secrets.token_hex(32))
    for name in ("key-ring.json", "sealed-key-ring.json"):
        if not (directory / name).exists():
            ring = {"current": "k1", "keys": {"k1": secrets.token_hex(32)}}
            write_private(directory / name, json.dumps(ring))


def _make_signing_key(directory: Path) -> str:
    """Keep or make the Ed25519 key of the tokens; its id is a digest of the public key."""
    path = directory / "signing.key"
    if not path.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        write_private(path, pem)
    private = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(private, Ed25519PrivateKey):
        raise TypeError(f"{path} holds no Ed25519 key")
    public = private.public_key()
    key_id = hashlib.sha256(public.public_bytes_raw()).hexdigest()[:16]
    document = jwt.algorithms.OKPAlgorithm.to_jwk(public, as_dict=True)
    key_set = {"keys": [{**document, "kid": key_id, "alg": "EdDSA", "use": "sig"}]}
    write_private(directory / "jwks.json", json.dumps(key_set))
    return key_id
