"""Intake among the others: it takes in their feeds, and works on without them."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import grpc
import pytest
from google.protobuf.message import Message
from heed.classifier.v1.events_pb2 import ClassificationEvent
from heed.disposal.v1.events_pb2 import ProgressEvent
from heed.feed.v1 import feed_service_pb2 as feed
from heed.intake.v1 import intake_service_pb2 as pb
from heed.intake.v1 import resources_pb2 as resources

from heed_local.authority import Authority
from heed_shared.clock import SystemClock
from heed_shared.database import Database
from heed_shared.feed import FeedServer, FeedSpec, NewEvent
from heed_shared.feed.snapshot import SnapshotSource
from heed_shared.rpc.server import Service, serve
from heed_shared.settings import ServiceSettings, load_settings
from tests.database_templates import MadeDatabase
from tests.intake.conftest import NOW, Settings, registration, running_office
from tests.intake.test_import import answer_of, rows
from tests.intake.test_progress import check

FEEDS = (
    FeedSpec("disposal.progress", "progress", ("intake",)),
    FeedSpec("classifier.classifications", "classification", ("intake",)),
)


class Peer:
    """A service that publishes what disposal and the classifier would."""

    def __init__(self, database: Database, service: Service) -> None:
        self.database = database
        self.service = service

    async def publish(self, feed_name: str, petition: str, payload: Message) -> None:
        """Publish one event about a petition."""
        event = NewEvent(feed_name, petition, "110105", "", NOW, payload)
        async with self.database.transaction() as tx:
            await tx.publish([event])
            await tx.commit()


@asynccontextmanager
async def running_peer(
    authority: Authority,
    made: MadeDatabase,
    snapshots: Mapping[str, SnapshotSource] | None = None,
) -> AsyncIterator[Peer]:
    """The peer, serving; a second database with the foundation's tables is all it needs."""
    environ = authority.environment("disposal") | {"HEED_DATABASE_URL": made["url"]}
    settings = load_settings(ServiceSettings, environ)
    database = await Database.open(made["url"], made["schema"], 4)
    server = FeedServer(database, FEEDS, snapshots or {})
    service = Service(
        name="peer",
        settings=settings,
        clock=SystemClock(),
        servicers=(server.servicer(),),
        background=(server,),
    )
    ready, stop = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve(service, ready=ready, stop=stop))
    await asyncio.wait_for(ready.wait(), 10)
    try:
        yield Peer(database, service)
    finally:
        stop.set()
        await serving
        await database.close()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(10):
        while not await condition():  # noqa: ASYNC110 - nothing tells when a row has changed
            await asyncio.sleep(0.02)


async def test_feeds_of_others_reach_the_progress_page_and_the_sealed_lane(
    settings_for: Settings, authority: Authority, make_database: Callable[[str], MadeDatabase]
) -> None:
    own, other = make_database("intake"), make_database("intake")
    async with running_peer(authority, other) as peer:
        target = f"localhost:{peer.service.port}"
        settings = replace(settings_for(own), disposal_target=target, classifier_target=target)
        async with running_office(settings, authority, own) as office:
            first, second = await office.register(), await office.register()
            opened = ProgressEvent(kind=ProgressEvent.KIND_OPENED, petition=first.petition.name)
            opened.stepped_at.FromDatetime(NOW + timedelta(hours=1))
            await peer.publish("disposal.progress", first.petition.name, opened)
            await peer.publish(
                "classifier.classifications",
                second.petition.name,
                ClassificationEvent(
                    kind=ClassificationEvent.KIND_ACCUSATION_SUSPECTED,
                    petition=second.petition.name,
                ),
            )

            async def stepped() -> bool:
                page = await office.stub("portal").CheckProgress(check(first))
                return len(page.steps) == 2

            async def sealed() -> bool:
                texts = await office.stub("service/classifier").BatchGetMaskedTexts(
                    pb.BatchGetMaskedTextsRequest(names=[second.petition.name])
                )
                return texts.texts[0].availability == pb.MaskedText.AVAILABILITY_SEALED

            await until(stepped)
            await until(sealed)
            status = await office.feed("operator").GetFeedStatus(feed.GetFeedStatusRequest())
            applied = {item.feed: item.applied_count for item in status.consumptions}
            assert applied == {"disposal.progress": 1, "classifier.classifications": 1}


async def test_intake_registers_while_its_peers_are_away(
    settings_for: Settings, authority: Authority, database: MadeDatabase
) -> None:
    nobody = "localhost:1"
    settings = replace(settings_for(database), disposal_target=nobody, classifier_target=nobody)
    async with running_office(settings, authority, database) as office:
        answer = await office.register()
        assert answer.petition.state == resources.Petition.STATE_REGISTERED
        page = await office.stub("portal").CheckProgress(check(answer))
        assert len(page.steps) == 1


async def test_a_stop_ends_an_open_import_after_its_batch(
    settings_for: Settings, authority: Authority, database: MadeDatabase
) -> None:
    held = asyncio.Event()

    async def forever() -> AsyncIterator[pb.ImportPetitionsRequest]:
        yield rows([registration()])[0]
        await held.wait()

    async with running_office(settings_for(database), authority, database) as office:
        call = office.stub().ImportPetitions(forever())
        first = await answer_of(call)
        assert first.results[0].result.HasField("registered")
        office.stop.set()
        started_at = time.perf_counter()
        assert await call.read() is grpc.aio.EOF
        assert await call.code() is grpc.StatusCode.OK
        # A stream left open would cost the whole grace of two seconds.
        assert time.perf_counter() - started_at < 1.5
        held.set()


@pytest.mark.parametrize("lane", ["petition", "intake_sealed.petition"])
async def test_intake_is_not_ready_without_its_tables(
    settings_for: Settings, authority: Authority, database: MadeDatabase, lane: str
) -> None:
    async with running_office(settings_for(database), authority, database) as office:
        (readiness,) = office.service.readiness
        await readiness()
        if lane == "petition":
            await office.rows("UPDATE intake.alembic_version SET version_num = '0000'")
        else:
            await office.rows("REVOKE USAGE ON SCHEMA intake_sealed FROM heed_intake_sealed_app")
        try:
            with pytest.raises(Exception, match=r"newest revision|permission denied|not exist"):
                await readiness()
        finally:
            await office.rows("UPDATE intake.alembic_version SET version_num = '0001'")
