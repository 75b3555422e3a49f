"""A sample feed that is served over mutual TLS and consumed, for the tests of the feed."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import grpc
from heed.feed.v1.event_pb2 import Event
from heed.feed.v1.feed_service_pb2_grpc import FeedServiceStub
from heed.intake.v1.events_pb2 import PetitionEvent
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from heed_local.authority import Authority
from heed_shared.database import Database, Transaction
from heed_shared.feed import (
    Delivery,
    FeedConsumer,
    FeedServer,
    FeedSpec,
    NewEvent,
)
from heed_shared.feed.cursor import decode_cursor
from heed_shared.feed.snapshot import SnapshotSource
from heed_shared.rpc.client import open_channel_for
from tests.shared.rpc_setup import FEED_SERVICE, Running, running

FEED = "intake.petitions"
SECRET = "classifier.observations"  # pragma: allowlist secret
FEEDS = (
    FeedSpec(FEED, "petition", ("classifier", "disposal")),
    FeedSpec(SECRET, "observation", ("warning",), restricted=True),
)
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)


def event(subject: str, etag: str = "", region: str = "110101", trace: str = "") -> NewEvent:
    """A petition's event."""
    return NewEvent(
        feed=FEED,
        subject=subject,
        region_code=region,
        etag=etag,
        recorded_at=NOON,
        payload=PetitionEvent(kind=PetitionEvent.KIND_REGISTERED, petition=subject),
        traceparent=trace,
    )


async def publish(database: Database, *events: NewEvent) -> None:
    """Publishes in a transaction of its own."""
    async with database.transaction() as tx:
        await tx.publish(events)
        await tx.commit()


async def publish_many(database: Database, count: int, per_subject: int = 2) -> None:
    """Publishes ``count`` events, several for each subject in order."""
    await publish(
        database, *(event(f"petitions/{n // per_subject}", f"{n:05}") for n in range(count))
    )


async def state(_connection: AsyncConnection) -> AsyncIterator[NewEvent]:
    """The state behind the sample feed: every subject that the effect table of the server has."""
    rows = await _connection.execute(text("SELECT subject, note FROM effect ORDER BY id"))
    for row in rows:
        yield event(row.subject, row.note)


@dataclass
class Recorder:
    """A handler that writes one row for each event; tests hang what they need into its hooks."""

    poison: set[str] = field(default_factory=set)
    on_prepare: Callable[[], Awaitable[None]] | None = None
    after_apply: Callable[[], Awaitable[None]] | None = None
    prepared: list[str] = field(default_factory=list)

    async def prepare(self, deliveries: Sequence[Delivery]) -> Any:
        self.prepared.extend(item.event.etag for item in deliveries)
        if self.on_prepare:
            await self.on_prepare()

    async def apply(self, tx: Transaction, deliveries: Sequence[Delivery], prepared: Any) -> None:
        for item in deliveries:
            if item.event.subject in self.poison:
                raise ValueError("text that must not be kept")
            await tx.connection.execute(
                text("INSERT INTO effect (subject, note) VALUES (:subject, :note)"),
                {"subject": item.event.subject, "note": item.event.etag},
            )
        if self.after_apply:
            await self.after_apply()


@dataclass
class Rebuilder(Recorder):
    """A recorder that can start again."""

    async def rebuild(self, tx: Transaction) -> None:
        await tx.connection.execute(text("DELETE FROM effect"))


@dataclass
class Served:
    """A running feed server."""

    server: FeedServer
    service: Running
    channels: list[grpc.aio.Channel] = field(default_factory=list)

    def channel(self, name: str = "classifier", token: str = "") -> grpc.aio.Channel:
        """A channel of a service, or with a token of somebody else."""
        tls, target = self.service.tls(name), self.service.target
        self.channels.append(open_channel_for(tls, target, token, [FEED_SERVICE]))
        return self.channels[-1]

    def stub(self, name: str = "classifier") -> FeedServiceStub:
        """A stub of a service."""
        return FeedServiceStub(self.channel(name))

    def peer(self, region: str = "") -> FeedServiceStub:
        """A stub of another government system, for a region or everywhere."""
        token = self.service.authority.token(
            "peer/hotline", "", "", ["ROLE_PEER_SYSTEM"], region=region
        )
        return FeedServiceStub(self.channel("client", token))

    def operator(self) -> FeedServiceStub:
        """A stub of the operator."""
        token = self.service.authority.demo_token("operator")
        return FeedServiceStub(self.channel("client", token))


@asynccontextmanager
async def served(
    authority: Authority,
    database: Database,
    listen: str = "127.0.0.1:0",
    *,
    feeds: Sequence[FeedSpec] = FEEDS,
    snapshots: Mapping[str, SnapshotSource] | None = None,
    **options: Any,
) -> AsyncIterator[Served]:
    """Serve feeds from a database; the sample feeds with their state by default."""
    server = FeedServer(database, feeds, snapshots or {FEED: state}, **options)
    servicer: Any = server
    environ = {"HEED_LISTEN": listen}
    async with running(authority, servicer, environ=environ, background=[server]) as service:
        feed = Served(server, service)
        try:
            yield feed
        finally:
            for opened in feed.channels:
                await opened.close()


@asynccontextmanager
async def consuming(*consumers: FeedConsumer) -> AsyncIterator[None]:
    """Run consumers during the block."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(consumer.run(stop)) for consumer in consumers]
    try:
        yield
    finally:
        stop.set()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


def delivered(new: NewEvent) -> Event:
    """The event as a consumer gets it, without a cursor."""
    return Event(subject=new.subject, shard=new.shard, etag=new.etag, traceparent=new.traceparent)


async def waiting(feed: Served, count: int) -> None:
    """Wait until so many readers of the sample feed wait for news."""

    async def enough() -> bool:
        return len(feed.server._wakeups.ticket(FEED)._waiters) >= count

    await until(enough)


async def effects(database: Database) -> list[tuple[str, str]]:
    """What recorders have written, in order."""
    async with database.read() as connection:
        rows = await connection.execute(text("SELECT subject, note FROM effect ORDER BY id"))
        return [(row.subject, row.note) for row in rows]


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 30) -> None:
    """Wait until a condition holds; fail when it does not in time."""
    ends_at = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < ends_at, "the condition did not come true in time"
        await asyncio.sleep(0.02)


async def applied(database: Database, count: int, seconds: float = 30) -> list[tuple[str, str]]:
    """Wait until so many effects are there; return them."""

    async def enough() -> bool:
        return len(await effects(database)) >= count

    await until(enough, seconds)
    return await effects(database)


async def rebuilt(database: Database, feed: str, epoch: int) -> None:
    """Wait until a consumer stands in an epoch of its feed with every shard."""

    async def there() -> bool:
        async with database.read() as connection:
            rows = (
                await connection.execute(
                    text("SELECT shard, cursor FROM feed_cursor WHERE feed = :feed"), {"feed": feed}
                )
            ).all()
        return all(row.cursor for row in rows) and {
            decode_cursor(feed, row.shard, row.cursor)[0] for row in rows
        } == {epoch}

    await until(there)
