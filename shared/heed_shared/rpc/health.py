"""Health by the standard protocol, per service name: "" means alive, a contract's name means ready.

Alive says only that the process and its loop answer; it never depends on a database. Ready is
checked over and over, both ways: a service whose database returns becomes ready again by itself.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from heed_shared import logs, telemetry
from heed_shared.errors import NotFound
from heed_shared.logs import Event
from heed_shared.rpc.background import pause
from heed_shared.rpc.stopping import current_stopping

Check = Callable[[], Awaitable[None]]
Context = grpc.aio.ServicerContext[health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse]

_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
CHECK_INTERVAL_S = 1.0
RETRY_INTERVAL_S = 0.2
CHECK_TIMEOUT_S = 0.5


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # its package is untyped
    """The health servicer; its watches end when the server stops, unlike those of the stock one."""

    def __init__(self, services: Iterable[str]) -> None:
        """Start alive and not ready."""
        self._services = tuple(services)
        self._ready = False
        self._changed = asyncio.Event()

    @property
    def ready(self) -> bool:
        """Whether the contracts of this server are served now."""
        return self._ready

    def set_ready(self, *, ready: bool) -> None:
        """Say whether every dependency is there, and tell all watchers of a change."""
        if ready == self._ready:
            return
        self._ready = ready
        self._changed.set()
        self._changed = asyncio.Event()

    async def Check(  # noqa: N802 - named by the protocol
        self, request: health_pb2.HealthCheckRequest, _: Context
    ) -> health_pb2.HealthCheckResponse:
        """Return the state of one service."""
        status = self._status(request.service)
        if status == _UNKNOWN:
            raise NotFound(f"service {request.service}")
        return health_pb2.HealthCheckResponse(status=status)

    async def Watch(  # noqa: N802
        self, request: health_pb2.HealthCheckRequest, _: Context
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """Stream the state of one service at every change, until the server stops."""
        stopping = asyncio.create_task(current_stopping().wait())
        sent = None
        try:
            while True:
                changed = self._changed
                status = self._status(request.service)
                if status != sent:
                    yield health_pb2.HealthCheckResponse(status=status)
                    sent = status
                if stopping.done():
                    return
                waiting = asyncio.create_task(changed.wait())
                await asyncio.wait({stopping, waiting}, return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
        finally:
            stopping.cancel()

    async def List(  # noqa: N802
        self, _request: health_pb2.HealthListRequest, _: Context
    ) -> health_pb2.HealthListResponse:
        """Return the state of every service."""
        return health_pb2.HealthListResponse(
            statuses={
                name: health_pb2.HealthCheckResponse(status=self._status(name))
                for name in ("", *self._services)
            }
        )

    def _status(self, service: str) -> int:
        if not service:
            return int(_SERVING)
        if service not in self._services:
            return int(_UNKNOWN)
        return int(_SERVING if self._ready else _NOT_SERVING)


async def keep_ready(health: Health, checks: Sequence[Check], stop: asyncio.Event) -> None:
    """Check readiness over and over, until ``stop``; the first result is there after one round."""
    while not stop.is_set():
        failed = [name for name in await asyncio.gather(*map(_failure, checks)) if name]
        if health.ready != (not failed):
            logs.info(Event.READINESS_CHANGED, ready=not failed, failed=failed)
        health.set_ready(ready=not failed)
        telemetry.record("heed.ready", 0 if failed else 1)
        await pause(stop, CHECK_INTERVAL_S if health.ready else RETRY_INTERVAL_S)


async def _failure(check: Check) -> str:
    """Run one check; return its name and the class of the error when it fails or takes too long."""
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            await check()
    except Exception as error:  # whatever a dependency raises means "not ready"
        return f"{getattr(check, '__qualname__', type(check).__name__)}: {type(error).__name__}"
    return ""
