"""Makes a repeated call harmless: the same request_id gets the stored response."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar, cast

from google.protobuf.message import Message
from heed.warning.v1 import resources_pb2

from heed_shared import request_records
from heed_shared.database import Database, Transaction
from heed_shared.errors import NotFound
from heed_shared.identity import current_caller

R = TypeVar("R", bound=Message)


class _WithRequestId(Protocol):
    request_id: str


class _WithWarning(Protocol):
    warning: resources_pb2.Warning


async def once(
    database: Database,
    request: Message,
    response_type: type[R],
    act: Callable[[Transaction], Awaitable[R]],
) -> R:
    """Run `act` and commit, or answer what it answered before.

    Raises:
        RequestIdReused: The request_id came before with another payload.
        NotFound: The stored answer shows a warning that lies outside the caller's region by now.
    """
    identity = current_caller().identity
    method = request.DESCRIPTOR.full_name
    request_id = cast("_WithRequestId", request).request_id
    digest = request_records.payload_digest(request)
    async with database.transaction() as tx:
        stored = await request_records.remember(tx, identity, method, request_id, digest)
        if stored is not None:
            repeated = response_type.FromString(stored)
            _require_still_visible(repeated)
            return repeated
        response = await act(tx)
        answer = response.SerializeToString()
        await request_records.store(tx, identity, method, request_id, answer)
        await tx.commit()
        return response


def _require_still_visible(response: Message) -> None:
    """Check a stored answer, whose warning the caller may have left behind."""
    if "warning" not in response.DESCRIPTOR.fields_by_name:
        return  # the request itself names its regions, and they have been checked
    warning = cast("_WithWarning", response).warning
    if not current_caller().covers(warning.cell.region_code):
        raise NotFound(warning.name)
