"""A refusal for want of permission is on record; any other error is not, and nobody is nobody."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from heed.audit.v1 import audit_service_pb2 as audit_pb
from heed.feed.v1 import feed_service_pb2 as pb
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from heed_local.authority import Authority
from heed_shared.database import Database
from heed_shared.errors import (
    NotFound,
    RegionNotAllowed,
    SecondPersonRequired,
    StaleEtag,
)
from heed_shared.identity import current_caller
from heed_shared.rpc.client import open_channel_for
from heed_shared.telemetry import Telemetry
from tests.shared.audit_setup import NAME, actions, audited, entries, refused, regional, soon
from tests.shared.rpc_setup import FEED_SERVICE, REQUEST, Running, ScriptedFeed, stub


@pytest.fixture
def feed() -> ScriptedFeed:
    return ScriptedFeed()


@pytest.fixture
async def server(
    authority: Authority, feed: ScriptedFeed, database: Database
) -> AsyncIterator[Running]:
    async with audited(authority, feed, database) as serving:
        yield serving


async def test_a_role_that_may_not_call_is_on_record_without_what_it_wrote(
    server: Running, database: Database
) -> None:
    telling = pb.ListEventsRequest(feed="张三的电话是13800138000")
    async with server.channel("clerk") as channel:
        assert await refused(stub(channel).ListEvents(telling)) == "ROLE_REQUIRED"
    [row] = await entries(database)
    assert (row.action, row.actor) == (audit_pb.AUDIT_ACTION_DENY, "staff/1001")
    assert row.method.endswith("/ListEvents")
    assert row.resource == ""


@pytest.mark.parametrize(
    "error",
    [RegionNotAllowed("320000"), SecondPersonRequired("measure 1")],
    ids=["region", "second person"],
)
async def test_a_refusal_by_the_use_case_is_on_record(
    server: Running, feed: ScriptedFeed, database: Database, error: Exception
) -> None:
    async def refuses(_request: Any, _context: Any) -> pb.ListEventsResponse:
        raise error

    feed.list_events = refuses
    async with server.channel("operator") as channel:
        await refused(stub(channel).ListEvents(REQUEST))
    assert await actions(database) == ["DENY"]


async def test_an_error_that_is_no_refusal_is_not_on_record(
    server: Running, feed: ScriptedFeed, database: Database
) -> None:
    async def stale(_request: Any, _context: Any) -> pb.ListEventsResponse:
        raise StaleEtag

    feed.list_events = stale
    async with server.channel("operator") as channel:
        await refused(stub(channel).ListEvents(REQUEST))
        await refused(stub(channel).ListEvents(pb.ListEventsRequest(page_size=-1)))
    assert await actions(database) == []


async def test_what_lies_elsewhere_is_refused_on_record_and_what_is_not_there_is_not(
    server: Running, feed: ScriptedFeed, database: Database
) -> None:
    async def elsewhere(request: pb.ListEventsRequest, _context: Any) -> pb.ListEventsResponse:
        if request.consumer or not current_caller().covers("440100"):
            raise NotFound(NAME)
        return pb.ListEventsResponse()

    feed.list_events = elsewhere
    async with regional(server, "ROLE_OPERATOR", "1101") as channel:
        missing = pb.ListEventsRequest(feed="intake.petitions", consumer="nobody")
        assert await refused(stub(channel).ListEvents(missing)) == "NOT_FOUND"
        assert await refused(stub(channel).ListEvents(REQUEST)) == "NOT_FOUND"
    [row] = await soon(database, 1)
    assert (row.action, row.region_code) == (audit_pb.AUDIT_ACTION_DENY, "440100")


async def test_a_call_without_identity_is_counted_and_logged_without_what_it_brought(
    authority: Authority,
    database: Database,
    feed: ScriptedFeed,
    caplog: pytest.LogCaptureFixture,
) -> None:
    reader = InMemoryMetricReader()
    measured = Telemetry("test", 0.0, metric_reader=reader)
    async with audited(authority, feed, database, telemetry=measured) as server:
        wrong = open_channel_for(server.tls(), server.target, "secret.forged.token", [FEED_SERVICE])
        async with wrong as channel:
            assert await refused(stub(channel).ListEvents(REQUEST)) == "UNAUTHENTICATED"
        counted = str(reader.get_metrics_data())
    assert "heed.rpc.unauthenticated" in counted
    assert await entries(database) == []
    [logged] = [record for record in caplog.records if record.message == "unauthenticated"]
    assert "ListEvents" in str(vars(logged))
    assert "secret" not in str(vars(logged))
