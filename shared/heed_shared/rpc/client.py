"""Channels to peers: mutual TLS, retries, a deadline on every call, and the trace handed on.

The channel wraps the calls themselves and uses no grpc.aio interceptors: those cost a task for each
call, and calls made through them know no remaining time.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import grpc
from google.protobuf.descriptor import ServiceDescriptor

from heed_shared.errors import DeadlineTooShort
from heed_shared.rpc import deadline
from heed_shared.rpc.options import CLIENT_OPTIONS
from heed_shared.rpc.service_config import service_config
from heed_shared.settings import ServiceSettings
from heed_shared.telemetry import Attributes, current, current_traceparent

DEFAULT_DEADLINE_S = 10.0
"""Deadline of a unary call for which the caller set none; streams have none of their own."""

DEADLINE_MARGIN_S = 0.05
"""Time that a server keeps for itself when it calls on inside an RPC."""

Metadata = Sequence[tuple[str, str | bytes]]


@dataclass(frozen=True)
class TlsFiles:
    """Certificate, key and authority of a client, as PEM files."""

    cert: Path
    key: Path
    ca: Path


def open_channel(
    target: str, settings: ServiceSettings, service_config_for: Iterable[ServiceDescriptor]
) -> grpc.aio.Channel:
    """Open a channel from one service to another, with the service's own certificate.

    Args:
        target: gRPC target, such as ``dns:///intake.heed.svc:7401``.
        settings: Names the certificate files.
        service_config_for: Services that are called over it; their contracts say what is retried.
    """
    tls = TlsFiles(settings.tls_cert, settings.tls_key, settings.tls_ca)
    return open_channel_for(tls, target, "", service_config_for)


def open_channel_for(
    tls: TlsFiles,
    target: str,
    token: str = "",
    service_config_for: Iterable[ServiceDescriptor] = (),
) -> grpc.aio.Channel:
    """Open a channel for a person or agency; its token goes with every call. For CLI and tests."""
    credentials = grpc.ssl_channel_credentials(
        tls.ca.read_bytes(), tls.key.read_bytes(), tls.cert.read_bytes()
    )
    options = (*CLIENT_OPTIONS, ("grpc.service_config", service_config(service_config_for)))
    inner = grpc.aio.secure_channel(target, credentials, options)
    return HeedChannel(inner, [("authorization", f"Bearer {token}")] if token else [])


class HeedChannel(grpc.aio.Channel):
    """A channel whose calls carry a deadline, the trace and the token, and are measured."""

    def __init__(self, inner: grpc.aio.Channel, metadata: Metadata = ()) -> None:
        """Wrap ``inner``; ``metadata`` goes with every call."""
        self._inner = inner
        self._metadata = tuple(metadata)

    def unary_unary(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of a unary method."""
        inner = self._inner.unary_unary(method, *args, **kwargs)
        return _Callable(inner, method, self._metadata, DEFAULT_DEADLINE_S)

    def unary_stream(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of a method with streamed responses."""
        inner = self._inner.unary_stream(method, *args, **kwargs)
        return _Callable(inner, method, self._metadata, None)

    def stream_unary(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of a method with streamed requests."""
        inner = self._inner.stream_unary(method, *args, **kwargs)
        return _Callable(inner, method, self._metadata, None)

    def stream_stream(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Return the callable of a method with streams both ways."""
        inner = self._inner.stream_stream(method, *args, **kwargs)
        return _Callable(inner, method, self._metadata, None)

    async def close(self, grace: float | None = None) -> None:
        """Close the channel; calls in progress get ``grace`` seconds."""
        await self._inner.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:  # noqa: FBT001, FBT002 - of grpc.aio
        """Return the state of the connection."""
        return self._inner.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Wait until the state differs from ``last_observed_state``."""
        await self._inner.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Wait until the channel is connected."""
        await self._inner.channel_ready()

    async def __aenter__(self) -> "HeedChannel":
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._inner.__aexit__(kind, error, trace)


class _Callable:
    """One method of a stub."""

    def __init__(
        self, inner: Any, method: str, metadata: Metadata, default_deadline_s: float | None
    ) -> None:
        self._inner = inner
        self._metadata = metadata
        self._default_deadline_s = default_deadline_s
        service, _, name = method.removeprefix("/").rpartition("/")
        self._labels: Attributes = {
            "rpc.system": "grpc",
            "rpc.service": service,
            "rpc.method": name,
        }

    def __call__(
        self,
        request: Any = None,
        *,
        timeout: float | None = None,
        metadata: Metadata | None = None,
        **kwargs: Any,
    ) -> Any:
        limit = _limit(timeout if timeout is not None else self._default_deadline_s)
        sent = (*self._metadata, *(metadata or ()))
        traceparent = current_traceparent()
        if traceparent:
            sent = (*sent, ("traceparent", traceparent))
        args = () if request is None else (request,)
        call = self._inner(*args, timeout=limit, metadata=sent, **kwargs)
        started_at = time.perf_counter()
        call.add_done_callback(lambda done: self._measure(done, started_at))
        return call

    def _measure(self, done: Any, started_at: float) -> None:
        labels = {**self._labels, "rpc.grpc.status_code": _code(done)}
        current().record("rpc.client.duration", time.perf_counter() - started_at, labels)


def _code(done: Any) -> int:
    """Return the status of a finished call, which grpc.aio gives out as a coroutine only."""
    try:
        done.code().send(None)
    except StopIteration as result:
        return int(result.value.value[0])
    return int(grpc.StatusCode.UNKNOWN.value[0])


def _limit(own: float | None) -> float | None:
    """Return the time for a call: the caller's, but no more than the RPC in progress has left.

    Raises:
        DeadlineTooShort: nothing is left.
    """
    remaining = deadline.remaining_s()
    if remaining is None:
        return own
    usable = remaining - DEADLINE_MARGIN_S
    if usable <= 0:
        raise DeadlineTooShort
    return usable if own is None else min(own, usable)
