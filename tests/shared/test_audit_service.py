"""AuditService, the same on every server: who may ask, for which region, and how much at a time."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
import pytest_asyncio
from heed.audit.v1 import audit_service_pb2 as pb
from heed.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from heed.common.v1.access_pb2 import ROLE_CASE_OFFICER, Role

from heed_local.authority import Authority
from heed_local.postgres import Cluster
from heed_shared.audit import Pending
from heed_shared.audit.sealing import Sealer, Tail
from heed_shared.audit.server import Audit
from heed_shared.database import Database
from heed_shared.errors import reason_of
from heed_shared.identity import Caller
from heed_shared.paging import PageTokens
from heed_shared.rpc.client import open_channel_for
from tests.contracts.hostile import Call, always, failures
from tests.shared.conftest import SCHEMA, new_database, role_url
from tests.shared.rpc_setup import Running, ScriptedFeed, running

# One server and one database; each test looks at what it wrote itself, by its actor.
pytestmark = pytest.mark.asyncio(loop_scope="module")
SERVICE = pb.DESCRIPTOR.services_by_name["AuditService"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def kept(cluster: Cluster, sample_template: str) -> AsyncIterator[Database]:
    name = await new_database(cluster, sample_template)
    opened = await Database.open(role_url(cluster, name, "app"), SCHEMA, 5)
    yield opened
    await opened.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(authority: Authority, kept: Database) -> AsyncIterator[Running]:
    recorded = Audit(kept, PageTokens(bytes(32)))
    async with running(authority, ScriptedFeed(), audit=recorded) as serving:
        yield serving


def asking(server: Running, role: str, region: str = "") -> grpc.aio.Channel:
    token = server.authority.token("staff/3001", "某人", "审计处", [role], region)
    return open_channel_for(server.tls(), server.target, token, [SERVICE])


async def write(database: Database, actor: str, regions: Sequence[str]) -> None:
    caller = Caller(actor, "某人", "某单位", frozenset({ROLE_CASE_OFFICER}), "")
    looks = [
        Pending(
            caller=caller,
            action=pb.AUDIT_ACTION_VIEW if number % 2 else pb.AUDIT_ACTION_SEARCH,
            method="heed.disposal.v1.DisposalService/GetCase",
            resource=f"cases/{number}" if number % 2 else "",
            region_code=region,
            purpose="核对",
        )
        for number, region in enumerate(regions)
    ]
    async with database.transaction() as tx:
        await tx.record(looks)
        await tx.commit()


async def refused(call: Any) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    return reason_of(raised.value)


async def test_an_auditor_sees_the_entries_of_the_own_region_newest_first(
    server: Running, kept: Database
) -> None:
    await write(kept, "staff/41", ["110101", "110000", "320000", "", "1101", "110102"])
    for region, expected in (
        ("", ["110102", "1101", "", "320000", "110000", "110101"]),
        ("110000", ["110102", "1101", "110000", "110101"]),
        ("110101", ["110101"]),
        ("440000", []),
    ):
        async with asking(server, "ROLE_AUDITOR", region) as channel:
            answer = await AuditServiceStub(channel).ListAuditEntries(
                pb.ListAuditEntriesRequest(actor="staff/41")
            )
        assert [entry.region_code for entry in answer.entries] == expected, region


async def test_an_entry_says_who_did_what_and_where_it_stands(
    server: Running, kept: Database
) -> None:
    await write(kept, "staff/42", ["110101", "110102"])
    async with asking(server, "ROLE_AUDITOR", "110102") as channel:
        answer = await AuditServiceStub(channel).ListAuditEntries(
            pb.ListAuditEntriesRequest(actor="staff/42")
        )
    [entry] = answer.entries
    assert entry.actor.unit == "某单位"
    assert list(entry.roles) == ["ROLE_CASE_OFFICER"]
    assert (entry.action, entry.resource) == (pb.AUDIT_ACTION_VIEW, "cases/1")
    assert (entry.purpose, entry.result_count) == ("核对", 1)
    assert len(entry.digest) == 32
    assert abs(entry.done_at.ToDatetime(UTC) - datetime.now(UTC)) < timedelta(seconds=60)


async def test_filters_narrow_and_pages_are_bound_to_them(server: Running, kept: Database) -> None:
    await write(kept, "staff/43", ["110101"] * 7)
    async with asking(server, "ROLE_AUDITOR") as channel:
        stub = AuditServiceStub(channel)
        request = pb.ListAuditEntriesRequest(actor="staff/43", page_size=3)
        seen, sizes = [], []
        while True:
            answer = await stub.ListAuditEntries(request)
            seen += [entry.id for entry in answer.entries]
            sizes.append(len(answer.entries))
            if not answer.next_page_token:
                break
            request.page_token = answer.next_page_token
        assert (sizes, len(set(seen))) == ([3, 3, 1], 7)

        other = pb.ListAuditEntriesRequest(actor="staff/44", page_token=request.page_token)
        assert await refused(stub.ListAuditEntries(other)) == "BAD_PAGE_TOKEN"
        views = pb.ListAuditEntriesRequest(actor="staff/43", action=pb.AUDIT_ACTION_VIEW)
        assert len((await stub.ListAuditEntries(views)).entries) == 3
        one = pb.ListAuditEntriesRequest(actor="staff/43", resource="cases/3")
        assert len((await stub.ListAuditEntries(one)).entries) == 1
        late = pb.ListAuditEntriesRequest(actor="staff/43")
        late.done_from.FromDatetime(datetime.now(UTC) + timedelta(minutes=1))
        assert len((await stub.ListAuditEntries(late)).entries) == 0
        early = pb.ListAuditEntriesRequest(actor="staff/43")
        early.done_before.FromDatetime(datetime.now(UTC) + timedelta(minutes=1))
        assert len((await stub.ListAuditEntries(early)).entries) == 7


async def test_a_page_is_no_longer_than_the_contract_says(server: Running, kept: Database) -> None:
    await write(kept, "staff/45", ["110101"] * 501)
    async with asking(server, "ROLE_AUDITOR") as channel:
        stub = AuditServiceStub(channel)
        for asked, given in ((0, 50), (500, 500), (100_000, 500)):
            request = pb.ListAuditEntriesRequest(actor="staff/45", page_size=asked)
            assert len((await stub.ListAuditEntries(request)).entries) == given


async def test_looking_into_the_audit_is_itself_on_record(server: Running, kept: Database) -> None:
    async with asking(server, "ROLE_AUDITOR") as channel:
        stub = AuditServiceStub(channel)
        request = pb.ListAuditEntriesRequest(actor="staff/3001", page_size=1)
        await stub.ListAuditEntries(request)
        answer = await stub.ListAuditEntries(request)
    [entry] = answer.entries
    assert entry.method == "heed.audit.v1.AuditService/ListAuditEntries"
    assert entry.action == pb.AUDIT_ACTION_SEARCH


async def test_the_chain_is_verified_over_the_wire(server: Running, kept: Database) -> None:
    await write(kept, "staff/46", ["110101"])
    lease = await kept.dedicated()
    try:
        row = await lease.fetchrow(
            "SELECT position, seq, digest FROM audit_chain ORDER BY position DESC LIMIT 1"
        )
        if row is None:  # the server's own sealer has not come by yet
            await Sealer(kept).seal(lease, Tail())
    finally:
        await lease.close()
    async with asking(server, "ROLE_AUDITOR") as channel:
        stub = AuditServiceStub(channel)
        answer = await stub.VerifyAuditChain(pb.VerifyAuditChainRequest())
        assert answer.intact
        assert not answer.HasField("fault")
        assert answer.checked == answer.last_position > 0
        async with asking(server, "ROLE_AUDITOR", "440000") as elsewhere:
            whole = await AuditServiceStub(elsewhere).VerifyAuditChain(pb.VerifyAuditChainRequest())
        assert (whole.intact, whole.checked) == (True, whole.last_position), (
            "a chain has no regions"
        )
        wrong = pb.VerifyAuditChainRequest(from_position=2, known_digest=b"x" * 32)
        answer = await stub.VerifyAuditChain(wrong)
        assert (answer.intact, answer.fault.kind) == (False, pb.ChainFault.KIND_REWRITTEN)
        short = pb.VerifyAuditChainRequest(known_digest=b"x")
        assert await refused(stub.VerifyAuditChain(short)) == "INVALID_FIELD"


async def test_auditors_may_ask_operators_may_verify_and_nobody_else(server: Running) -> None:
    roles = [name for name, number in Role.items() if number]
    for role in roles:
        async with asking(server, role) as channel:
            stub = AuditServiceStub(channel)
            allowed = {
                "list": role == "ROLE_AUDITOR",
                "verify": role in ("ROLE_AUDITOR", "ROLE_OPERATOR"),
            }
            calls: dict[str, Any] = {
                "list": stub.ListAuditEntries(pb.ListAuditEntriesRequest()),
                "verify": stub.VerifyAuditChain(pb.VerifyAuditChainRequest()),
            }
            for name, call in calls.items():
                if allowed[name]:
                    await call
                else:
                    assert await refused(call) == "ROLE_REQUIRED", (role, name)


async def test_every_hostile_value_is_answered(server: Running) -> None:
    listing = pb.ListAuditEntriesRequest(actor="staff/41", resource="cases/1", page_size=5)
    listing.done_from.FromDatetime(datetime(2026, 1, 1, tzinfo=UTC))
    listing.done_before.FromDatetime(datetime(2027, 1, 1, tzinfo=UTC))
    good = {
        "ListAuditEntries": listing,
        "VerifyAuditChain": pb.VerifyAuditChainRequest(from_position=1),
    }
    async with asking(server, "ROLE_AUDITOR") as channel:
        calls = [Call(method, channel, always(good[method.name])) for method in SERVICE.methods]
        assert await failures(calls) == []
        assert all(call.outcomes.get("OK") for call in calls)
        assert all(call.outcomes.get("INVALID_FIELD") for call in calls)
