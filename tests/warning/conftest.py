"""The warning service, served over mutual TLS on a fresh database and a replay clock."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import asyncpg
import grpc
import pytest
import pytest_asyncio
from google.longrunning.operations_pb2_grpc import OperationsStub
from google.protobuf.timestamp_pb2 import Timestamp
from heed.feed.v1.feed_service_pb2_grpc import FeedServiceStub
from heed.feed.v1.replay_service_pb2 import AdvanceClockRequest
from heed.feed.v1.replay_service_pb2_grpc import ReplayServiceStub
from heed.warning.v1 import resources_pb2
from heed.warning.v1 import warning_service_pb2 as pb
from heed.warning.v1.warning_service_pb2_grpc import WarningServiceStub

from heed_local.authority import Authority
from heed_shared.clock import day_start
from heed_shared.database import Database
from heed_shared.rpc.client import TlsFiles, open_channel_for
from heed_shared.rpc.server import Service, serve
from heed_shared.settings import load_settings
from heed_warning.main import open_service
from heed_warning.settings import WarningSettings
from tests.database_templates import MadeDatabase

START = date(2025, 6, 2)
COUNTY, SECOND_COUNTY, CITY, PROVINCE = "320102", "320104", "320100", "320000"
CATEGORY, SECOND_CATEGORY = "01", "02"


def cell(region: str = COUNTY, category: str = CATEGORY) -> resources_pb2.Cell:
    """A cell of the contract."""
    return resources_pb2.Cell(region_code=region, category_code=category)


def counts(
    daily: list[int], first: date, region: str = COUNTY, category: str = CATEGORY
) -> list[pb.RecordedCount]:
    """One recorded count for each day from `first` on."""
    return [
        pb.RecordedCount(
            cell=cell(region, category), day=(first + timedelta(days=number)).isoformat(), count=n
        )
        for number, n in enumerate(daily)
    ]


@dataclass
class Post:
    """A running warning service and ways to reach it."""

    service: Service
    authority: Authority
    database: MadeDatabase
    stack: AsyncExitStack
    today: date = START
    coming: list[tuple[str, pb.RecordedCount]] = field(default_factory=list)
    """Counts of days to come, with their source; recorded when the day has begun."""

    def open(self, certificate: str, token: str) -> grpc.aio.Channel:
        """Open a channel with a certificate of the authority; closed with the service."""
        files = TlsFiles(
            self.authority.directory / f"{certificate}.pem",
            self.authority.directory / f"{certificate}.key",
            self.authority.ca,
        )
        channel = open_channel_for(files, f"localhost:{self.service.port}", token)
        self.stack.push_async_callback(channel.close)
        return channel

    def channel(self, identity: str) -> grpc.aio.Channel:
        """The channel of a demo identity, or of a service by certificate (`service/NAME`)."""
        kind, _, service = identity.partition("/")
        token = "" if kind in {"service", "nobody"} else self.authority.demo_token(identity)
        return self.open(service or "client", token)

    def stub(self, identity: str = "analyst") -> Any:
        """The stub of an identity."""
        return WarningServiceStub(self.channel(identity))

    def caller(self, roles: list[str], region: str) -> Any:
        """The stub of someone with these roles in this region."""
        token = self.authority.token("staff/other", "测试", "测试单位", roles, region)
        return WarningServiceStub(self.open("client", token))

    def feed(self, identity: str = "service/disposal") -> Any:
        """The stub of the feed service."""
        return FeedServiceStub(self.channel(identity))

    def operations(self, identity: str = "operator") -> Any:
        """The stub of the operations."""
        return OperationsStub(self.channel(identity))

    async def rows(self, query: str, *values: Any) -> list[asyncpg.Record]:
        """Run a query as the administrator."""
        connection = await asyncpg.connect(self.database["admin_url"])
        try:
            await connection.execute("SET search_path = warning")
            return list(await connection.fetch(query, *values))
        finally:
            await connection.close()

    async def advance(self, day: date) -> None:
        """Move the business clock to the first moment of a local day."""
        to = Timestamp()
        to.FromDatetime(day_start(day))
        await ReplayServiceStub(self.channel("operator")).AdvanceClock(AdvanceClockRequest(to=to))
        self.today, coming, self.coming = day, self.coming, []
        for source in dict.fromkeys(source for source, _ in coming):
            await self.record([item for given, item in coming if given == source], source)

    async def record(self, given: list[pb.RecordedCount], source: str = "history") -> int:
        """Record counts as the analyst; those of days to come, when their day comes."""
        today = self.today.isoformat()
        self.coming += [(source, item) for item in given if item.day > today]
        given = [item for item in given if item.day <= today]
        if not given:
            return 0
        request = pb.RecordObservationsRequest(
            request_id=str(uuid.uuid4()), source=source, counts=given
        )
        return int((await self.stub().RecordObservations(request)).recorded_count)

    async def evaluate(self, day: date) -> pb.EvaluateResponse:
        """Let a day close and evaluate it."""
        await self.advance(day + timedelta(days=1))
        response: pb.EvaluateResponse = await self.stub().Evaluate(
            pb.EvaluateRequest(as_of=day.isoformat())
        )
        return response


def environment_of(authority: Authority, database: MadeDatabase) -> dict[str, str]:
    """Settings on a replay clock that stands at START; nobody serves the feeds it reads."""
    return authority.environment("warning") | {
        "HEED_LISTEN": "127.0.0.1:0",
        "HEED_DATABASE_URL": database["url"],
        "HEED_CLOCK": "replay",
        "HEED_REPLAY_START": day_start(START).isoformat(),
        "HEED_SHUTDOWN_GRACE_S": "2",
        "HEED_CLASSIFIER_TARGET": "127.0.0.1:1",
        "HEED_DISPOSAL_TARGET": "127.0.0.1:1",
    }


@pytest.fixture
def settings_for(authority: Authority) -> Callable[[MadeDatabase], WarningSettings]:
    """Makes settings of the environment."""

    def make(database: MadeDatabase, **other: str) -> WarningSettings:
        return load_settings(WarningSettings, environment_of(authority, database) | other)

    return make


@pytest.fixture
def database(make_database: Callable[[str], MadeDatabase]) -> MadeDatabase:
    """A migrated database of the warning service, of this test alone."""
    return make_database("warning")


@pytest_asyncio.fixture
async def store(make_database: Callable[[str], MadeDatabase]) -> AsyncIterator[Database]:
    """A migrated database of the warning service."""
    made = make_database("warning")
    database = await Database.open(made["url"], "warning", 4)
    yield database
    await database.close()


@asynccontextmanager
async def posted(
    settings: WarningSettings, authority: Authority, database: MadeDatabase
) -> AsyncIterator[Post]:
    """Serve warning until the block ends."""
    ready, stop = asyncio.Event(), asyncio.Event()
    async with open_service(settings) as service:
        serving = asyncio.create_task(serve(service, ready=ready, stop=stop))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
        try:
            async with AsyncExitStack() as stack:
                yield Post(service, authority, database, stack)
        finally:
            stop.set()
            await serving


@pytest_asyncio.fixture
async def post(
    settings_for: Callable[[MadeDatabase], WarningSettings],
    authority: Authority,
    database: MadeDatabase,
) -> AsyncIterator[Post]:
    """The warning service on a fresh database."""
    async with posted(settings_for(database), authority, database) as running:
        yield running
