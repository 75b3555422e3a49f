"""Runs one service: TLS, the interceptor chain, health, background work, and an orderly end.

``main.py`` builds everything and hands a ``Service`` over; ``serve`` returns after a signal. Order
at the end: readiness fails, endpoints get time to drop out, streams end, calls in progress finish,
then background work, and telemetry is flushed last. Pools belong to main, which closes them then.
"""

import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2
from heed.feed.v1 import replay_service_pb2
from heed.feed.v1.replay_service_pb2_grpc import add_ReplayServiceServicer_to_server

from heed_shared import logs
from heed_shared.audit.server import Audit
from heed_shared.clock import Clock
from heed_shared.identity import Authenticator
from heed_shared.logs import Event
from heed_shared.reference.visibility import shipped_matrix
from heed_shared.rpc.access import AccessRules
from heed_shared.rpc.background import Background, pause, running
from heed_shared.rpc.health import Health, keep_ready
from heed_shared.rpc.interceptors import ServerChain
from heed_shared.rpc.limits import CallerLimits
from heed_shared.rpc.options import SERVER_OPTIONS
from heed_shared.rpc.replay import ReplayServicer
from heed_shared.rpc.tls import server_credentials
from heed_shared.rpc.visibility import veils
from heed_shared.settings import ServiceSettings, masked
from heed_shared.telemetry import Telemetry, setup_telemetry

# The chain refuses calls above max_concurrent_rpcs with a reason and lets health through; the wall
# of the library, which says nothing and stops health too, stands further out.
_WALL_FACTOR = 4

Servicer = tuple[Callable[[Any, grpc.aio.Server], None], Any, ServiceDescriptor]


@dataclass(kw_only=True)
class Service:
    """What main.py hands over."""

    name: str
    settings: ServiceSettings
    clock: Clock
    servicers: Sequence[Servicer]
    """For each contract: the generated add function, the servicer, the service's descriptor."""
    audit: Audit | None = None
    """Records every RPC and offers AuditService; only a server without a database has none."""
    background: Sequence[Background] = ()
    readiness: Sequence[Callable[[], Awaitable[None]]] = ()
    """Each raises while its dependency is away, within half a second."""
    on_advance: Sequence[Callable[[datetime], Awaitable[None]]] = ()
    """Replay mode: awaited, in order, after the clock has moved."""
    telemetry: Telemetry | None = None
    """What setup_telemetry gave; ``serve`` makes it if need be, and shuts it down either way."""
    port: int = field(default=0, init=False)
    """The port that ``serve`` has bound."""


async def serve(
    service: Service, *, ready: asyncio.Event | None = None, stop: asyncio.Event | None = None
) -> None:
    """Serve until SIGTERM, SIGINT or ``stop``; sets ``ready`` and prints one line when SERVING."""
    stop = stop or asyncio.Event()
    telemetry = service.telemetry or setup_telemetry(service.name, service.settings)
    logs.info(Event.SETTINGS_READ, settings=masked(service.settings))
    try:
        with _signals(stop):
            await _serve(service, telemetry, ready or asyncio.Event(), stop)
    finally:
        await asyncio.to_thread(telemetry.shutdown)
        logs.info(Event.STOPPED)


async def _serve(
    service: Service, telemetry: Telemetry, ready: asyncio.Event, stop: asyncio.Event
) -> None:
    settings = service.settings
    stopping = asyncio.Event()
    health = Health(descriptor.full_name for _, _, descriptor in _offered(service))
    server = _build(service, telemetry, health, stopping)
    service.port = server.add_secure_port(settings.listen, server_credentials(settings))
    await server.start()
    background = [*service.background, *([service.audit] if service.audit else [])]
    async with running(background, settings.shutdown_grace_s):
        checking = asyncio.create_task(keep_ready(health, service.readiness, stop))
        if await _until_ready(health, stop):
            _announce(service)
            ready.set()
        await stop.wait()
        logs.info(Event.STOPPING)
        await checking
        health.set_ready(ready=False)
        await asyncio.sleep(settings.drain_delay_s)
        stopping.set()
        await server.stop(settings.shutdown_grace_s)


def _build(
    service: Service, telemetry: Telemetry, health: Health, stopping: asyncio.Event
) -> grpc.aio.Server:
    settings = service.settings
    servicers = [*_offered(service), _health_servicer(health)]
    if settings.clock == "replay":
        servicers.append(_replay_servicer(service))
    descriptors = [descriptor for _, _, descriptor in servicers]
    methods = [method for descriptor in descriptors for method in descriptor.methods]
    reflected = reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"]
    chain = ServerChain(
        veils=veils(methods, shipped_matrix()),
        recorder=service.audit.recorder(methods) if service.audit else None,
        rules=AccessRules([*descriptors, reflected], open_reflection=settings.development),
        authenticator=Authenticator(settings.jwks, settings.jwt_issuer, settings.jwt_audience),
        limits=CallerLimits(settings.calls_per_second),
        telemetry=telemetry,
        stopping=stopping,
        max_in_flight=settings.max_concurrent_rpcs,
        default_deadline_s=settings.default_deadline_s,
    )
    server = grpc.aio.server(
        interceptors=[chain],
        options=SERVER_OPTIONS,
        maximum_concurrent_rpcs=settings.max_concurrent_rpcs * _WALL_FACTOR,
    )
    for add, servicer, _ in servicers:
        add(servicer, server)
    names = [descriptor.full_name for descriptor in descriptors]
    reflection.enable_server_reflection([*names, reflection.SERVICE_NAME], server)
    return server


def _offered(service: Service) -> list[Servicer]:
    return [*service.servicers, *([service.audit.servicer()] if service.audit else [])]


def _health_servicer(health: Health) -> Servicer:
    descriptor = health_pb2.DESCRIPTOR.services_by_name["Health"]
    return health_pb2_grpc.add_HealthServicer_to_server, health, descriptor


def _replay_servicer(service: Service) -> Servicer:
    descriptor = replay_service_pb2.DESCRIPTOR.services_by_name["ReplayService"]
    servicer = ReplayServicer(service.clock, service.on_advance)
    return add_ReplayServiceServicer_to_server, servicer, descriptor


async def _until_ready(health: Health, stop: asyncio.Event) -> bool:
    while not health.ready:
        if await pause(stop, 0.02):
            return False
    return True


def _announce(service: Service) -> None:
    """Tell whoever started the process where it serves; the only line that goes to stdout."""
    line = {"event": Event.SERVING.value, "service": service.name, "port": service.port}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
    logs.info(Event.SERVING, port=service.port)


@contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    """Set ``stop`` on SIGTERM and SIGINT during the block."""
    loop = asyncio.get_running_loop()
    caught = (signal.SIGTERM, signal.SIGINT)
    for number in caught:
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in caught:
            loop.remove_signal_handler(number)
