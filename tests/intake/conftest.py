"""Intake in this process: real Postgres, real gRPC over mutual TLS, the generated stubs."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import pytest
import pytest_asyncio
from google.rpc import error_details_pb2
from heed.feed.v1.feed_service_pb2_grpc import FeedServiceStub
from heed.intake.v1 import intake_service_pb2 as pb
from heed.intake.v1 import resources_pb2 as resources
from heed.intake.v1.intake_service_pb2_grpc import IntakeServiceStub

from heed_intake.main import open_service
from heed_intake.settings import IntakeSettings
from heed_local.authority import Authority
from heed_shared.errors import status_of
from heed_shared.rpc.client import TlsFiles, open_channel_for
from heed_shared.rpc.server import Service, serve
from heed_shared.settings import load_settings
from tests.database_templates import DatabaseTemplates, MadeDatabase
from tests.intake.organisation import write_table

NOW = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
COUNTY = "110105"


def submission(**fields: Any) -> dict[str, Any]:
    """A submission that is fine; `fields` replace its own."""
    return {
        "region_code": COUNTY,
        "channel": "CHANNEL_WEB",
        "request": "请求尽快恢复供水。",
        "facts": "我们小区已经停水三天，物业没有说明原因。",
        "place": "幸福里小区3号楼",
    } | fields


def registration(request_id: str = "", **fields: Any) -> pb.RegisterPetitionRequest:
    """A request to register; `fields` are those of the submission."""
    return pb.RegisterPetitionRequest(
        request_id=request_id or str(uuid.uuid4()),
        submission=resources.PetitionSubmission(**submission(**fields)),
    )


async def refusal(call: Awaitable[Any]) -> grpc.aio.AioRpcError:
    """The error that a call ends with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


def wrong_fields(error: grpc.aio.AioRpcError) -> set[str]:
    """Paths of the fields that an error names."""
    status = status_of(error)
    assert status is not None
    found = set()
    for detail in status.details:
        bad = error_details_pb2.BadRequest()
        if detail.Unpack(bad):
            found |= {violation.field for violation in bad.field_violations}
    return found


def reason_in(result: pb.RegistrationResult) -> str:
    """The reason of a refused row; empty for a registered one."""
    info = error_details_pb2.ErrorInfo()
    found = any(detail.Unpack(info) for detail in result.error.details)
    assert found == result.HasField("error")
    return str(info.reason).removeprefix("ERROR_REASON_")


@dataclass
class Office:
    """Intake as its callers and its database administrator see it."""

    service: Service
    authority: Authority
    database: MadeDatabase
    stack: AsyncExitStack
    stop: asyncio.Event
    channels: dict[str, grpc.aio.Channel] = field(default_factory=dict)

    def stub(self, identity: str = "clerk") -> IntakeServiceStub:
        """The stub of a demo identity, or of a service by its certificate (`service/NAME`)."""
        return IntakeServiceStub(self.channel(identity))

    def feed(self, identity: str = "service/classifier") -> FeedServiceStub:
        """The stub of the feed service."""
        return FeedServiceStub(self.channel(identity))

    def channel(self, identity: str) -> grpc.aio.Channel:
        """The channel of an identity; opened once."""
        if identity not in self.channels:
            kind, _, service = identity.partition("/")
            token = "" if kind in {"service", "nobody"} else self.authority.demo_token(identity)
            self.channels[identity] = self.open(service or "client", token)
        return self.channels[identity]

    def caller(self, roles: list[str], region: str, sub: str = "staff/other") -> IntakeServiceStub:
        """The stub of someone with these roles in this region."""
        token = self.authority.token(sub, "测试", "测试单位", roles, region)
        return IntakeServiceStub(self.open("client", token))

    def open(self, certificate: str, token: str) -> grpc.aio.Channel:
        """Open a channel with a certificate of the authority; closed with the office."""
        files = TlsFiles(
            self.authority.directory / f"{certificate}.pem",
            self.authority.directory / f"{certificate}.key",
            self.authority.ca,
        )
        channel = open_channel_for(files, f"localhost:{self.service.port}", token)
        self.stack.push_async_callback(channel.close)
        return channel

    async def rows(self, query: str, *values: Any) -> list[asyncpg.Record]:
        """Run a query as the administrator, who sees both lanes."""
        connection = await asyncpg.connect(self.database["admin_url"])
        try:
            return list(await connection.fetch(query, *values))
        finally:
            await connection.close()

    async def register(self, **fields: Any) -> pb.RegisterPetitionResponse:
        """Register one petition as the clerk."""
        response: pb.RegisterPetitionResponse = await self.stub().RegisterPetition(
            registration(**fields)
        )
        return response


Settings = Callable[[MadeDatabase], IntakeSettings]


def settings_of(authority: Authority, database: MadeDatabase, table: Path) -> IntakeSettings:
    """Settings on a replay clock that stands at NOW, with an organisation table."""
    environ = authority.environment("intake") | {
        "HEED_LISTEN": "127.0.0.1:0",
        "HEED_DATABASE_URL": database["url"],
        "HEED_SEALED_DATABASE_URL": database["sealed_url"],
        "HEED_CLOCK": "replay",
        "HEED_REPLAY_START": NOW.isoformat(),
        "HEED_SHUTDOWN_GRACE_S": "2",
        "HEED_ORGANISATION": str(write_table(table)),
    }
    return load_settings(IntakeSettings, environ)


@pytest.fixture
def settings_for(authority: Authority, tmp_path: Path) -> Settings:
    """Makes settings on a replay clock that stands at NOW, with an organisation table."""

    def make(database: MadeDatabase) -> IntakeSettings:
        return settings_of(authority, database, tmp_path / "organisation.csv")

    return make


@pytest.fixture
def database(make_database: Callable[[str], MadeDatabase]) -> MadeDatabase:
    """A migrated database of intake, of this test alone."""
    return make_database("intake")


@asynccontextmanager
async def running_office(
    settings: IntakeSettings, authority: Authority, database: MadeDatabase
) -> AsyncIterator[Office]:
    """Intake, serving until the end of the block."""
    ready, stop = asyncio.Event(), asyncio.Event()
    async with open_service(settings) as service:
        serving = asyncio.create_task(serve(service, ready=ready, stop=stop))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
        try:
            async with AsyncExitStack() as stack:
                yield Office(service, authority, database, stack, stop)
        finally:
            stop.set()
            await serving


@pytest_asyncio.fixture
async def office(
    settings_for: Settings, authority: Authority, database: MadeDatabase
) -> AsyncIterator[Office]:
    """Intake on a fresh database."""
    async with running_office(settings_for(database), authority, database) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_office(
    authority: Authority,
    database_templates: DatabaseTemplates,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Office]:
    """Intake for all tests of a module, which must not move its clock; see `emptied`."""
    database = database_templates.copy("intake")
    table = tmp_path_factory.mktemp("table") / "organisation.csv"
    settings = settings_of(authority, database, table)
    async with running_office(settings, authority, database) as running:
        yield running
    database_templates.drop(database)


async def emptied(office: Office) -> Office:
    """The same office with nothing in it; only its audit goes on."""
    tables = await office.rows(
        "SELECT string_agg(format('%I.%I', schemaname, tablename), ', ') AS names FROM pg_tables"
        " WHERE schemaname IN ('intake', 'intake_sealed')"
        " AND tablename NOT IN ('alembic_version', 'feed_epoch') AND tablename NOT LIKE 'audit%'"
    )
    await office.rows(f"TRUNCATE {tables[0]['names']}")
    return office


@pytest.fixture
def restored_logs() -> Iterator[None]:
    """Puts the process's log handlers back after a command has set its own."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
