"""Answers a repeated request with the stored answer instead of doing the work twice.

A record belongs to one caller, method and request_id, is written in the transaction of the effect
and is kept for seven days; retention purges it. Responses that hold personal data are encrypted by
their owner before they come here.
"""

import hashlib
from collections.abc import Iterable

from google.protobuf.message import Message
from sqlalchemy import text

from heed_shared.database import Transaction
from heed_shared.errors import Conflict, RequestIdReused

_CLAIM = text(
    "INSERT INTO request_record (caller, method, request_id, digest)"
    " VALUES (:caller, :method, :request_id, :digest)"
    " ON CONFLICT DO NOTHING RETURNING request_id"
)
_READ = text(
    "SELECT digest, response FROM request_record"
    " WHERE caller = :caller AND method = :method AND request_id = :request_id"
)
_STORE = text(
    "UPDATE request_record SET response = :response"
    " WHERE caller = :caller AND method = :method AND request_id = :request_id"
)


async def remember(
    tx: Transaction, caller_identity: str, method: str, request_id: str, payload_digest: bytes
) -> bytes | None:
    """Claim a request_id for this transaction, or return the answer that it was given before.

    A second call with the same id waits here until the first one commits or rolls back. After a
    claim (None), call ``store`` in the same transaction.

    Raises:
        RequestIdReused: the id came with another payload before.
        Conflict: the first call committed without an answer, or its record was purged just now.
    """
    key = _key(caller_identity, method, request_id)
    claimed = await tx.connection.execute(_CLAIM, key | {"digest": payload_digest})
    if claimed.first() is not None:
        return None
    row = (await tx.connection.execute(_READ, key)).first()
    if row is None:
        raise Conflict
    if row.digest != payload_digest:
        raise RequestIdReused(request_id)
    if row.response is None:
        raise Conflict
    return bytes(row.response)


async def store(
    tx: Transaction, caller_identity: str, method: str, request_id: str, response: bytes
) -> None:
    """Keep the answer of a request that ``remember`` claimed in the same transaction."""
    key = _key(caller_identity, method, request_id)
    await tx.connection.execute(_STORE, key | {"response": response})


def payload_digest(request: Message, exclude: Iterable[str] = ("request_id",)) -> bytes:
    """Return a digest of what a request asks for, without the id itself."""
    copy = type(request)()
    copy.CopyFrom(request)
    for field in exclude:
        copy.ClearField(field)
    name = request.DESCRIPTOR.full_name.encode()
    return hashlib.sha256(name + b"\0" + copy.SerializeToString(deterministic=True)).digest()


def _key(caller_identity: str, method: str, request_id: str) -> dict[str, str]:
    """Return the key of a record; a UUID is the same however its letters are written."""
    return {"caller": caller_identity, "method": method, "request_id": request_id.lower()}
