# ruff: noqa: N802 - methods are named by the contract
"""A service on a loopback port over mutual TLS, and channels to it, for tests of the RPC side."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from heed.feed.v1 import feed_service_pb2 as pb
from heed.feed.v1.feed_service_pb2_grpc import (
    FeedServiceServicer,
    FeedServiceStub,
    add_FeedServiceServicer_to_server,
)

from heed_local.authority import Authority
from heed_shared.clock import SystemClock
from heed_shared.rpc.client import TlsFiles, open_channel_for
from heed_shared.rpc.server import Service, Servicer, serve
from heed_shared.settings import ServiceSettings, load_settings

FEED_SERVICE = pb.DESCRIPTOR.services_by_name["FeedService"]


class ScriptedFeed(FeedServiceServicer):
    """A servicer whose methods do what the test says; the contract is any real one of the suite."""

    def __init__(self) -> None:
        self.list_events: Callable[[pb.ListEventsRequest, Any], Any] = _nothing
        self.watch: Callable[[Any], AsyncIterator[pb.WatchEventsResponse]] | None = None
        self.calls = 0

    async def ListEvents(self, request: Any, context: Any) -> Any:
        self.calls += 1
        return await self.list_events(request, context)

    async def WatchEvents(self, request: Any, context: Any) -> Any:
        self.calls += 1
        assert self.watch is not None
        async for response in self.watch(context):
            yield response

    async def GetFeedStatus(self, request: Any, context: Any) -> Any:
        self.calls += 1
        return pb.GetFeedStatusResponse()

    async def GetFeedSnapshot(self, request: Any, context: Any) -> Any:
        self.calls += 1
        for _ in range(3):
            yield pb.GetFeedSnapshotResponse()

    async def ListParkedEvents(self, request: Any, context: Any) -> Any:
        self.calls += 1
        return pb.ListParkedEventsResponse()

    async def RetryParkedEvents(self, request: Any, context: Any) -> Any:
        self.calls += 1
        return pb.RetryParkedEventsResponse()


async def _nothing(_request: Any, _context: Any) -> pb.ListEventsResponse:
    return pb.ListEventsResponse()


def settings_for(authority: Authority, **environ: str) -> ServiceSettings:
    """Settings of a service that needs no database."""
    return load_settings(
        ServiceSettings,
        {
            **authority.environment("intake"),
            "HEED_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
            "HEED_SHUTDOWN_GRACE_S": "3",
            **environ,
        },
    )


@dataclass
class Running:
    """A service that serves."""

    service: Service
    authority: Authority
    stop: asyncio.Event
    task: "asyncio.Task[None]"

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.service.port}"

    def tls(self, name: str = "client") -> TlsFiles:
        folder = self.authority.directory
        return TlsFiles(folder / f"{name}.pem", folder / f"{name}.key", self.authority.ca)

    def channel(self, role: str = "", *, name: str = "client") -> grpc.aio.Channel:
        """A channel of a demo identity, or of the service or system ``name`` without a token."""
        token = self.authority.demo_token(role) if role else ""
        return open_channel_for(self.tls(name), self.target, token, [FEED_SERVICE])


@asynccontextmanager
async def running(
    authority: Authority,
    servicer: ScriptedFeed | None = None,
    *,
    environ: dict[str, str] | None = None,
    clock: Any = None,
    extra: Sequence[Servicer] = (),
    **service: Any,
) -> AsyncIterator[Running]:
    """Serve until the block ends."""
    handed_over = Service(
        name="intake",
        settings=settings_for(authority, **(environ or {})),
        clock=clock or SystemClock(),
        servicers=[
            (add_FeedServiceServicer_to_server, servicer or ScriptedFeed(), FEED_SERVICE),
            *extra,
        ],
        **service,
    )
    ready, stop = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(serve(handed_over, ready=ready, stop=stop))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=5)
    if task.done():
        task.result()
    try:
        yield Running(handed_over, authority, stop, task)
    finally:
        stop.set()
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await task


def stub(channel: grpc.aio.Channel) -> FeedServiceStub:
    """The stub of the scripted contract."""
    return FeedServiceStub(channel)


SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def health(channel: grpc.aio.Channel, service: str = "") -> int:
    """The answer of the standard health protocol."""
    checks = health_pb2_grpc.HealthStub(channel)
    return int((await checks.Check(health_pb2.HealthCheckRequest(service=service))).status)


NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
REQUEST = pb.ListEventsRequest(feed="intake.petitions")
