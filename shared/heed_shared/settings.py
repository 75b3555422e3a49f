"""Typed settings of a service, read from the environment once, at start.

Each field names its own variable. Everything wrong is reported together, so that an operator
repairs a deployment in one go. Secrets have no default and appear in no printed form. This module
reads no environment by itself: the caller hands the mapping over.
"""

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")


class SettingsError(Exception):
    """Raised at start when settings are missing or wrong; ``problems`` has a line for each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("settings are not usable:\n  " + "\n  ".join(problems))


def setting(
    variable: str,
    *,
    default: Any = MISSING,
    secret: bool = False,
    parse: Callable[[str], Any] | None = None,
) -> Any:
    """Declare a field of a settings class.

    Args:
        variable: Name of the environment variable.
        default: Value when the variable is unset or empty; without one the variable is required.
        secret: Keep the value out of every printed form.
        parse: Turns the text into the value, raising ValueError with a plain reason. Without it
            the annotation decides: str, int, float, bool, Path, datetime, Literal, also ``| None``.
    """
    metadata = {"variable": variable, "secret": secret, "parse": parse}
    return dataclasses.field(default=default, repr=not secret, metadata=metadata)


def key_file(text: str) -> bytes:
    """Read a file with 32 bytes in hexadecimal digits."""
    try:
        key = bytes.fromhex(Path(text).read_text("ascii").strip())
    except OSError as error:
        raise ValueError(f"cannot read the key file: {error.strerror}") from error
    except ValueError as error:
        raise ValueError("the key file must hold hexadecimal digits") from error
    if len(key) != 32:
        raise ValueError(f"the key must have 32 bytes, not {len(key)}")
    return key


@dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    """What every service is told from outside; a service adds fields of its own in a subclass."""

    listen: str = setting("HEED_LISTEN", default="127.0.0.1:0")
    """Address to serve on, host:port; port 0 lets the system choose one."""
    database_url: str = setting("HEED_DATABASE_URL", secret=True)
    """Database of the service, with the app role."""
    migration_url: str | None = setting("HEED_MIGRATION_URL", default=None, secret=True)
    """The same database with the owner role; only migrations use it."""
    tls_cert: Path = setting("HEED_TLS_CERT")
    """Certificate chain of this service, PEM."""
    tls_key: Path = setting("HEED_TLS_KEY")
    """Private key of that certificate, PEM."""
    tls_ca: Path = setting("HEED_TLS_CA")
    """Certificates of the authority that peers must have, PEM."""
    jwks: Path = setting("HEED_JWKS")
    """JSON Web Key Set with the keys that sign callers' tokens; read again when it changes."""
    jwt_issuer: str = setting("HEED_JWT_ISSUER", default="heed")
    """Issuer that a token must name."""
    jwt_audience: str = setting("HEED_JWT_AUDIENCE", default="heed")
    """Audience that a token must name."""
    intake_target: str = setting("HEED_INTAKE_TARGET", default="")
    """gRPC target of the intake service."""
    classifier_target: str = setting("HEED_CLASSIFIER_TARGET", default="")
    """gRPC target of the classifier service."""
    warning_target: str = setting("HEED_WARNING_TARGET", default="")
    """gRPC target of the warning service."""
    disposal_target: str = setting("HEED_DISPOSAL_TARGET", default="")
    """gRPC target of the disposal service."""
    clock: Literal["system", "replay"] = setting("HEED_CLOCK", default="system")
    """Business clock: the system's, or one that is moved by hand."""
    replay_start: datetime | None = setting("HEED_REPLAY_START", default=None)
    """Business time at which a replay clock starts."""
    regions: Path | None = setting("HEED_REGIONS", default=None)
    """Region table that is added to the shipped one."""
    taxonomy: Path | None = setting("HEED_TAXONOMY", default=None)
    """Category table that is added to the shipped one."""
    otlp_endpoint: str = setting("HEED_OTLP_ENDPOINT", default="")
    """OTLP/gRPC collector; empty means no export."""
    trace_ratio: float = setting("HEED_TRACE_RATIO", default=0.05)
    """Share of new traces that are sampled."""
    page_token_key: bytes = setting("HEED_PAGE_TOKEN_KEY", secret=True, parse=key_file)
    """Key that page tokens are encrypted with, from a file."""
    pool_size: int = setting("HEED_POOL_SIZE", default=10)
    """Database connections that the service may hold."""
    max_concurrent_rpcs: int = setting("HEED_MAX_CONCURRENT_RPCS", default=256)
    """RPCs in progress above which new ones get RESOURCE_EXHAUSTED."""
    calls_per_second: int = setting("HEED_CALLS_PER_SECOND", default=2000)
    """Calls a second that one caller may make to one replica before it gets RESOURCE_EXHAUSTED."""
    default_deadline_s: float = setting("HEED_DEFAULT_DEADLINE_S", default=30.0)
    """Seconds for a unary RPC whose client set no deadline."""
    shutdown_grace_s: float = setting("HEED_SHUTDOWN_GRACE_S", default=10.0)
    """Seconds that RPCs in progress get to finish when the service stops."""
    drain_delay_s: float = setting("HEED_DRAIN_DELAY_S", default=0.0)
    """Seconds between failing readiness and refusing calls, so that endpoints can drop out."""
    development: bool = setting("HEED_DEVELOPMENT", default=False)
    """Serve reflection to anyone with a client certificate."""

    def problems(self) -> list[str]:
        """Say what is wrong across fields; a subclass adds to what this returns."""
        found = []
        if self.clock == "replay" and self.replay_start is None:
            found.append("HEED_REPLAY_START: required when HEED_CLOCK is replay")
        if not 0.0 <= self.trace_ratio <= 1.0:
            found.append("HEED_TRACE_RATIO: must lie between 0 and 1")
        if self.pool_size < 1:
            found.append("HEED_POOL_SIZE: must be at least 1")
        if self.max_concurrent_rpcs < 1:
            found.append("HEED_MAX_CONCURRENT_RPCS: must be at least 1")
        if self.calls_per_second < 1:
            found.append("HEED_CALLS_PER_SECOND: must be at least 1")
        if self.default_deadline_s <= 0:
            found.append("HEED_DEFAULT_DEADLINE_S: must be more than 0")
        if self.shutdown_grace_s < 0 or self.drain_delay_s < 0:
            found.append("HEED_SHUTDOWN_GRACE_S, HEED_DRAIN_DELAY_S: must not be negative")
        found += self._missing_files()
        found += _address_problems(self.listen, self.otlp_endpoint)
        return found

    def _missing_files(self) -> list[str]:
        return [
            f"{item.metadata['variable']}: there is no file {value}"
            for item in dataclasses.fields(self)
            if isinstance(value := getattr(self, item.name), Path) and not value.is_file()
        ]


S = TypeVar("S", bound=ServiceSettings)


def _address_problems(listen: str, otlp_endpoint: str) -> list[str]:
    found = []
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit():
        found.append("HEED_LISTEN: must be host:port")
    if otlp_endpoint:
        parts = urlsplit(otlp_endpoint)
        plain = parts.scheme == "http" and parts.hostname in _LOOPBACK
        if not (plain or parts.scheme == "https"):
            found.append("HEED_OTLP_ENDPOINT: must be https, or http on the loopback address")
    return found


def load_settings(cls: type[S], environ: Mapping[str, str]) -> S:
    """Build ``cls`` from the environment.

    Raises:
        SettingsError: with every problem found, not only the first.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    hints = typing.get_type_hints(cls)
    for item in dataclasses.fields(cls):
        variable = item.metadata["variable"]
        text = environ.get(variable, "").strip()
        if not text:
            if item.default is MISSING:
                problems.append(f"{variable}: required")
            continue
        parse = item.metadata["parse"] or _parser(hints[item.name])
        try:
            values[item.name] = parse(text)
        except ValueError as error:
            shown = "" if item.metadata["secret"] else f" (got {text!r})"
            problems.append(f"{variable}: {error}{shown}")
    if problems:
        raise SettingsError(problems)
    settings = cls(**values)
    if problems := settings.problems():
        raise SettingsError(problems)
    return settings


def masked(settings: ServiceSettings) -> dict[str, str]:
    """Return every setting by variable name, for one log line; secrets only as set or not."""
    shown = {}
    for item in dataclasses.fields(settings):
        value = getattr(settings, item.name)
        if item.metadata["secret"]:
            shown[item.metadata["variable"]] = "***" if value else ""
        else:
            shown[item.metadata["variable"]] = "" if value is None else str(value)
    return shown


def _parser(hint: Any) -> Callable[[str], Any]:
    if isinstance(hint, types.UnionType):
        hint = next(part for part in typing.get_args(hint) if part is not type(None))
    if typing.get_origin(hint) is Literal:
        return _one_of(typing.get_args(hint))
    return _PARSERS[hint]


def _one_of(allowed: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError("must be one of " + ", ".join(allowed))
        return text

    return parse


def _boolean(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError("must be 1 or 0")


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise ValueError("must be a whole number") from error


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ValueError("must be a number") from error


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("must be an ISO 8601 time") from error
    if moment.tzinfo is None:
        raise ValueError("must state its zone, such as +08:00")
    return moment


_PARSERS: dict[Any, Callable[[str], Any]] = {
    str: str,
    int: _integer,
    float: _number,
    bool: _boolean,
    Path: Path,
    datetime: _moment,
}
