"""Every RPC leaves an entry: a look before it is shown, a write with its commit, a refusal too."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from heed.audit.v1 import audit_service_pb2 as audit_pb
from heed.feed.v1 import feed_service_pb2 as pb
from heed.feed.v1.event_pb2 import Event
from heed.feed.v1.feed_service_pb2_grpc import FeedServiceStub
from sqlalchemy import text

from heed_local.authority import Authority
from heed_local.postgres import Cluster
from heed_shared import audit
from heed_shared.database import Database
from heed_shared.errors import (
    Conflict,
)
from tests.shared.audit_setup import NAME, actions, audited, entries, refused, soon
from tests.shared.rpc_setup import REQUEST, Running, ScriptedFeed, stub

EVENT = Event()
EFFECT = text("INSERT INTO effect (subject, note) VALUES ('cases/1', 'done')")


@pytest.fixture
def feed() -> ScriptedFeed:
    return ScriptedFeed()


@pytest.fixture
async def server(
    authority: Authority, feed: ScriptedFeed, database: Database
) -> AsyncIterator[Running]:
    async with audited(authority, feed, database) as serving:
        yield serving


async def write(database: Database, *, commit: bool = True) -> None:
    async with database.transaction() as tx:
        await tx.connection.execute(EFFECT)
        if commit:
            await tx.commit()


async def test_a_look_has_its_entry_when_the_answer_is_there(
    server: Running, database: Database
) -> None:
    async with server.channel("operator") as channel:
        await stub(channel).GetFeedStatus(pb.GetFeedStatusRequest())
    [row] = await entries(database)
    assert row.action == audit_pb.AUDIT_ACTION_VIEW
    assert row.method == "heed.feed.v1.FeedService/GetFeedStatus"
    assert (row.actor, row.roles, row.result_count) == ("staff/1009", ["ROLE_OPERATOR"], 1)


async def test_what_services_do_for_each_other_has_none_and_a_peer_system_has_an_export(
    server: Running, feed: ScriptedFeed, database: Database
) -> None:
    async def two(_request: Any, _context: Any) -> pb.ListEventsResponse:
        return pb.ListEventsResponse(events=[EVENT] * 2)

    feed.list_events = two
    async with server.channel(name="disposal") as channel:
        await stub(channel).ListEvents(REQUEST)
    assert await entries(database) == []
    async with server.channel("peer") as channel:
        await stub(channel).ListEvents(REQUEST)
    [row] = await entries(database)
    assert (row.action, row.resource) == (audit_pb.AUDIT_ACTION_EXPORT, "intake.petitions")
    assert row.result_count == 2


async def test_a_write_and_its_entry_are_one_transaction(
    server: Running, feed: ScriptedFeed, database: Database
) -> None:
    async def twice(_request: Any, _context: Any) -> pb.ListEventsResponse:
        audit.note(resource=NAME, result_count=7)
        await write(database)
        await write(database)
        return pb.ListEventsResponse()

    feed.list_events = twice
    async with server.channel("operator") as channel:
        await stub(channel).ListEvents(REQUEST)
    [row] = await entries(database)
    async with database.single() as connection:
        effects = await connection.scalars(text("SELECT xmin::text FROM effect ORDER BY id"))
        assert row.xid == effects.all()[0], "the entry belongs to the first commit"
    assert (row.resource, row.region_code, row.result_count) == (NAME, "110101", 7)


@pytest.mark.parametrize("committed", [True, False])
async def test_a_call_that_fails_has_an_entry_only_for_what_it_did(
    server: Running, feed: ScriptedFeed, database: Database, *, committed: bool
) -> None:
    async def fails(_request: Any, _context: Any) -> pb.ListEventsResponse:
        await write(database, commit=committed)
        raise Conflict

    feed.list_events = fails
    async with server.channel("operator") as channel:
        assert await refused(stub(channel).ListEvents(REQUEST)) == "CONFLICT"
    assert len(await entries(database)) == committed


async def test_an_entry_that_was_rolled_back_is_written_by_the_next_commit(
    server: Running, feed: ScriptedFeed, database: Database
) -> None:
    async def again(_request: Any, _context: Any) -> pb.ListEventsResponse:
        current = audit.current()
        assert current is not None
        async with database.transaction() as tx:
            await tx.record([current])
        await write(database)
        return pb.ListEventsResponse()

    feed.list_events = again
    async with server.channel("operator") as channel:
        await stub(channel).ListEvents(REQUEST)
    assert len(await entries(database)) == 1


async def test_work_that_was_detached_has_no_part_in_the_entry_of_its_call(
    server: Running, feed: ScriptedFeed, database: Database
) -> None:
    async def outlives() -> None:
        audit.detach()
        await write(database)

    async def starts(_request: Any, _context: Any) -> pb.ListEventsResponse:
        await asyncio.create_task(outlives())
        assert await entries(database) == []
        return pb.ListEventsResponse()

    feed.list_events = starts
    async with server.channel("operator") as channel:
        await stub(channel).ListEvents(REQUEST)
    assert len(await entries(database)) == 1


async def test_a_stream_is_on_record_before_its_first_answer_and_with_its_count_at_the_end(
    server: Running, feed: ScriptedFeed, database: Database
) -> None:
    go_on = asyncio.Event()

    async def watch(_context: Any) -> AsyncIterator[pb.WatchEventsResponse]:
        yield pb.WatchEventsResponse(events=[EVENT] * 3)
        await go_on.wait()
        yield pb.WatchEventsResponse(events=[EVENT])

    feed.watch = watch
    async with server.channel("peer") as channel:
        stream = FeedServiceStub(channel).WatchEvents(
            pb.WatchEventsRequest(feed="intake.petitions")
        )
        answers = aiter(stream)
        await anext(answers)
        [begun] = await entries(database)
        assert (begun.action, begun.result_count) == (audit_pb.AUDIT_ACTION_EXPORT, 0)
        go_on.set()
        await anext(answers)
        assert await anext(answers, None) is None
    _, ended = await soon(database, 2)
    assert (ended.action, ended.result_count) == (audit_pb.AUDIT_ACTION_EXPORT, 4)


async def test_a_stream_that_its_client_leaves_is_on_record_with_what_it_saw(
    server: Running, feed: ScriptedFeed, database: Database
) -> None:
    async def watch(_context: Any) -> AsyncIterator[pb.WatchEventsResponse]:
        yield pb.WatchEventsResponse(events=[EVENT] * 2)
        await asyncio.Event().wait()

    feed.watch = watch
    async with server.channel("peer") as channel:
        stream = FeedServiceStub(channel).WatchEvents(
            pb.WatchEventsRequest(feed="intake.petitions")
        )
        await stream.read()
        stream.cancel()
        _, ended = await soon(database, 2)
    assert ended.result_count == 2


async def test_nothing_is_shown_that_cannot_be_put_on_record(
    server: Running, cluster: Cluster, database: Database
) -> None:
    admin_url = cluster.url(database.url.rpartition("/")[2])
    admin = await Database.open(admin_url, database.schema)
    async with server.channel("operator") as channel, admin.single() as connection:
        await connection.execute(text("ALTER TABLE audit_entry RENAME TO gone"))
        asking = stub(channel).GetFeedStatus(pb.GetFeedStatusRequest())
        assert await refused(asking) == "DEPENDENCY_DOWN"
        await connection.execute(text("ALTER TABLE gone RENAME TO audit_entry"))
        await stub(channel).GetFeedStatus(pb.GetFeedStatusRequest())
    await admin.close()
    assert await actions(database) == ["VIEW"]


async def test_many_looks_at_once_share_commits(server: Running, database: Database) -> None:
    async with server.channel("operator") as channel:
        asked = [stub(channel).GetFeedStatus(pb.GetFeedStatusRequest()) for _ in range(60)]
        await asyncio.gather(*asked)
    rows = await entries(database)
    assert len(rows) == 60
    assert len({row.xid for row in rows}) < 60
