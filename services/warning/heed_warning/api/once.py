"""Makes a repeated call harmless: the same request_id gets the stored response."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar, cast

from google.protobuf.message import Message

from heed_shared import request_records
from heed_shared.database import Database, Transaction
from heed_shared.identity import current_caller

R = TypeVar("R", bound=Message)


class _WithRequestId(Protocol):
    request_id: str


async def once(
    database: Database,
    request: Message,
    response_type: type[R],
    act: Callable[[Transaction], Awaitable[R]],
) -> R:
    """Run `act` and commit, or answer what it answered before.

    Raises:
        RequestIdReused: The request_id came before with another payload.
    """
    identity = current_caller().identity
    method = request.DESCRIPTOR.full_name
    request_id = cast("_WithRequestId", request).request_id
    digest = request_records.payload_digest(request)
    async with database.transaction() as tx:
        stored = await request_records.remember(tx, identity, method, request_id, digest)
        if stored is not None:
            return response_type.FromString(stored)
        response = await act(tx)
        answer = response.SerializeToString()
        await request_records.store(tx, identity, method, request_id, answer)
        await tx.commit()
        return response
