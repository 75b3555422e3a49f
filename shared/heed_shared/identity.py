"""Who calls: a service by its certificate, a person or agency by a token.

The interceptor authenticates every RPC and puts the caller into a context variable; use cases read
it and check regions. A token wins over the certificate of the system that brings it. Verified
tokens are remembered until they expire or the keys change: a signature check costs more than a
registration may.
"""

import json
import re
import time
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from heed.common.v1.access_pb2 import Role
from heed.common.v1.actor_pb2 import Actor

from heed_shared import audit
from heed_shared.errors import RegionNotAllowed, Unauthenticated

SERVICE_SAN = "spiffe://heed/service/"
_SERVICE_ROLES = {
    name.removeprefix("ROLE_SERVICE_").lower(): number
    for name, number in Role.items()
    if name.startswith("ROLE_SERVICE_")
}
_SERVICE_IDENTITY = "service/"
_REGION = re.compile("([1-9][0-9A-Z]{0,5})?")
_LONGEST_CLAIM = 200
_ALGORITHMS = ("EdDSA", "ES256")
_LEEWAY_S = 30
_REMEMBERED_TOKENS = 10_000
_KEYS_CHECK_S = 1.0


@dataclass(frozen=True)
class Caller:
    """Who calls: staff, an agency or a service; never a petitioner."""

    identity: str
    display_name: str
    unit: str
    roles: frozenset[int]
    region_prefix: str
    """Prefix of the region codes that the caller may see; empty means everywhere."""

    def covers(self, region_code: str) -> bool:
        """Say whether the region lies inside the caller's; the audit is told of one that doesn't.

        What is then kept from the caller looks like nothing at all, but was a refusal.
        """
        covered = region_code.startswith(self.region_prefix)
        if not covered:
            audit.note_hidden(region_code)
        return covered

    @property
    def is_service(self) -> bool:
        """Whether a service of the suite calls; only its certificate can say so."""
        return self.identity.startswith(_SERVICE_IDENTITY)

    def actor(self) -> Actor:
        """Return the caller as it is written beside a decision."""
        return Actor(identity=self.identity, display_name=self.display_name, unit=self.unit)


_caller: ContextVar[Caller] = ContextVar("heed_caller")


def current_caller() -> Caller:
    """Return who makes the RPC in progress.

    Raises:
        Unauthenticated: no RPC is in progress, or one that needs no identity.
    """
    try:
        return _caller.get()
    except LookupError as error:
        raise Unauthenticated from error


def readable_prefix() -> str:
    """Return the prefix of the regions that the RPC in progress may read; empty means all."""
    caller = _caller.get(None)
    return caller.region_prefix if caller is not None else ""


def set_caller(caller: Caller) -> None:
    """Make ``caller`` the current one in this context; for the interceptor and for tests."""
    _caller.set(caller)


def require_region(caller: Caller, region_code: str) -> None:
    """Check that the caller may act for a region that the request names.

    Raises:
        RegionNotAllowed: it may not. For a resource out of region raise NotFound instead.
    """
    if not caller.covers(region_code):
        raise RegionNotAllowed(region_code)


def region_prefix(code: str) -> str:
    """Return the prefix of all codes inside a region: its code without the trailing pairs of zeros.

    ``110000`` gives ``11``, ``110100`` gives ``1101``, ``110101`` stays; a prefix stays as it is.
    """
    prefix = code
    while len(code) == 6 and prefix.endswith("00") and len(prefix) % 2 == 0:
        prefix = prefix[:-2]
    return prefix


def service_caller(name: str) -> Caller:
    """Return the caller that the service ``name`` is, or raise Unauthenticated if there is none."""
    role = _SERVICE_ROLES.get(name)
    if role is None:
        raise Unauthenticated(f"the certificate names an unknown service {name!r}")
    return Caller(f"{_SERVICE_IDENTITY}{name}", "", "", frozenset({role}), "")


class Authenticator:
    """Finds the caller of an RPC; one for each server."""

    def __init__(self, jwks: Path, issuer: str, audience: str) -> None:
        """Read the keys at once.

        Raises:
            ValueError: the file is no JSON Web Key Set.
            OSError: it cannot be read.
        """
        self._path = jwks
        self._issuer = issuer
        self._audience = audience
        self._remembered: dict[str, tuple[float, Caller]] = {}
        self._keys: dict[str, jwt.PyJWK] = {}
        self._stamp = (0, 0)
        self._checked_at = 0.0
        self._load(self._file_stamp())

    def caller(self, authorization: str | None, subject_names: Iterable[bytes]) -> Caller:
        """Return the caller.

        Args:
            authorization: The ``authorization`` metadata, or None.
            subject_names: Subject alternative names of the verified client certificate.

        Raises:
            Unauthenticated: the token is not valid, or neither token nor service certificate came.
        """
        if authorization is not None:
            scheme, _, token = authorization.partition(" ")
            if scheme.lower() != "bearer" or not token:
                raise Unauthenticated("authorization: must be Bearer and a token")
            return self._from_token(token)
        for name in subject_names:
            text = name.decode("utf-8", "replace")
            if text.startswith(SERVICE_SAN):
                return service_caller(text.removeprefix(SERVICE_SAN))
        raise Unauthenticated

    def _from_token(self, token: str) -> Caller:
        self._refresh_keys()
        known = self._remembered.get(token)
        if known is not None and time.time() < known[0]:
            return known[1]
        claims = self._verify(token)
        caller = _caller_of(claims)
        if len(self._remembered) >= _REMEMBERED_TOKENS:
            self._remembered.clear()
        self._remembered[token] = (float(claims["exp"]) + _LEEWAY_S, caller)
        return caller

    def _verify(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            key = self._keys.get(str(header.get("kid")))
            if key is None:
                raise Unauthenticated("the token is signed with an unknown key")
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=list(_ALGORITHMS),
                audience=self._audience,
                issuer=self._issuer,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise Unauthenticated("the token has expired") from error
        except jwt.InvalidAudienceError as error:
            raise Unauthenticated("the token is meant for another audience") from error
        except jwt.PyJWTError as error:
            raise Unauthenticated("the token is not valid") from error
        return claims

    def _refresh_keys(self) -> None:
        now = time.monotonic()
        if now - self._checked_at < _KEYS_CHECK_S:
            return
        self._checked_at = now
        try:
            stamp = self._file_stamp()
            if stamp != self._stamp:
                self._load(stamp)
        except (OSError, ValueError):
            # A file being replaced is unreadable for a moment; the known keys stay in force.
            return

    def _file_stamp(self) -> tuple[int, int]:
        state = self._path.stat()
        return state.st_mtime_ns, state.st_ino

    def _load(self, stamp: tuple[int, int]) -> None:
        keys = json.loads(self._path.read_text("utf-8")).get("keys", [])
        try:
            self._keys = {str(key["kid"]): jwt.PyJWK(key) for key in keys}
        except (KeyError, jwt.PyJWTError) as error:
            raise ValueError(f"{self._path} is no JSON Web Key Set: {error}") from error
        self._stamp = stamp
        self._remembered.clear()


def _caller_of(claims: Mapping[str, Any]) -> Caller:
    roles = claims.get("roles")
    region = claims.get("region")
    # A token without a region is refused: silence must not mean "everywhere".
    if not isinstance(roles, list) or not isinstance(region, str):
        raise Unauthenticated("the token must state roles and region")
    if not _REGION.fullmatch(region):
        raise Unauthenticated("the region of the token is neither a code nor the start of one")
    told = {name: str(claims.get(name, "")) for name in ("sub", "name", "unit")}
    if not told["sub"].strip() or not all(map(_fits_beside_a_decision, told.values())):
        raise Unauthenticated("sub, name and unit of the token must be short lines of text")
    if told["sub"].startswith(_SERVICE_IDENTITY):
        # Feeds and request ids tell services by their identity, which a certificate alone gives.
        raise Unauthenticated("sub of the token is kept for services")
    known = {name: number for name, number in Role.items() if number not in _forbidden_in_tokens()}
    return Caller(
        identity=told["sub"],
        display_name=told["name"],
        unit=told["unit"],
        roles=frozenset(known[role] for role in roles if role in known),
        region_prefix=region_prefix(region),
    )


def _fits_beside_a_decision(text: str) -> bool:
    return len(text) <= _LONGEST_CLAIM and (text.isprintable() or not text)


def _forbidden_in_tokens() -> set[int]:
    """Return roles that a token cannot grant: a service's come from its certificate alone."""
    return {Role.ROLE_UNSPECIFIED, *_SERVICE_ROLES.values()}
