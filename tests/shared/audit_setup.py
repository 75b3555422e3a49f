"""A server with its audit, and what the audit holds, for tests of its rules."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from heed.audit.v1 import audit_service_pb2 as audit_pb
from sqlalchemy import text

from heed_local.authority import Authority
from heed_shared.audit.server import Audit
from heed_shared.database import Database
from heed_shared.errors import reason_of
from heed_shared.paging import PageTokens
from heed_shared.rpc.client import open_channel_for
from tests.shared.rpc_setup import FEED_SERVICE, Running, ScriptedFeed, running

ENTRIES = text(
    "SELECT action, method, resource, region_code, actor, roles, result_count, xid::text AS xid"
    " FROM audit_entry ORDER BY seq"
)
NAME = "cases/110101-0190a1b2-0000-7000-8000-000000000001"


@asynccontextmanager
async def audited(
    authority: Authority, feed: ScriptedFeed, database: Database, **service: Any
) -> AsyncIterator[Running]:
    """Serve with an audit until the block ends."""
    recorded = Audit(database, PageTokens(bytes(32)))
    async with running(authority, feed, audit=recorded, **service) as serving:
        yield serving


async def entries(database: Database) -> Sequence[Any]:
    async with database.single() as connection:
        return (await connection.execute(ENTRIES)).all()


async def actions(database: Database) -> list[str]:
    return [audit_pb.AuditAction.Name(row.action)[13:] for row in await entries(database)]


async def soon(database: Database, count: int) -> Sequence[Any]:
    """The entries, once there are so many of them."""
    for _ in range(100):
        if len(found := await entries(database)) >= count:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(f"{len(found)} entries, not {count}")


async def refused(call: Any) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    return reason_of(raised.value)


def regional(server: Running, role: str, region: str) -> grpc.aio.Channel:
    """A channel of somebody whose region is not everywhere."""
    token = server.authority.token("staff/2001", "某人", "某单位", [role], region)
    return open_channel_for(server.tls(), server.target, token, [FEED_SERVICE])
