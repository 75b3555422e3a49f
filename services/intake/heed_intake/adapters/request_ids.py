"""What is kept of a registration under its request_id, so that a repeated call gets its answer.

The record names the petition and holds the query code encrypted under the petition's own key, so it
dies with that key. The record of a sealed petition is encrypted as a whole under the sealed ring:
nobody who reads the ordinary schema learns which petition it stands for.
"""

import hashlib
import hmac
from dataclasses import dataclass
from uuid import UUID

from heed_intake.adapters.key_ring import DataKey, KeyRing
from heed_intake.adapters.personal_data import QUERY_CODE
from heed_intake.application.ports import Draft, RequestKey
from heed_intake.domain.petition import Lane

METHOD = "RegisterPetition"
"""One name for single calls, batches and imports: a row may come again by another of them."""

_REGION_BYTES = 6
_UID_BYTES = 16
_HEAD_BYTES = _REGION_BYTES + _UID_BYTES
_ORDINARY_TAG = b"P"
_SEALED_TAG = b"S"


@dataclass(frozen=True)
class KeptResponse:
    """What one record says."""

    lane: Lane
    region_code: str
    uid: UUID
    query_code: bytes
    """Encrypted under the petition's key in the ordinary lane, plain after reading a sealed one."""

    def code(self, key: DataKey) -> str:
        """Return the query code in words."""
        if self.lane is Lane.SEALED:
            return self.query_code.decode()
        return key.decrypt(QUERY_CODE, self.query_code).decode()


class RequestIds:
    """Writes and reads the records."""

    def __init__(self, secret: bytes, sealed_ring: KeyRing) -> None:
        self._secret = secret
        self._sealed_ring = sealed_ring

    def digest(self, payload_digest: bytes) -> bytes:
        """Return the digest as it is stored: keyed, because a short payload could be guessed."""
        return hmac.digest(self._secret, b"request" + payload_digest, hashlib.sha256)

    def written(self, draft: Draft, key: DataKey) -> bytes:
        """Return the record of a registration."""
        petition = draft.petition
        head = petition.region_code.encode("ascii") + petition.uid.bytes
        code = draft.query_code.encode()
        if draft.lane is Lane.SEALED:
            return _SEALED_TAG + self._sealed_ring.encrypt(_purpose(draft.key), head + code)
        return _ORDINARY_TAG + head + key.encrypt(QUERY_CODE, code)

    def read(self, key: RequestKey, record: bytes) -> KeptResponse:
        """Return what a record says."""
        lane, body = Lane.ORDINARY, record[1:]
        if record[:1] == _SEALED_TAG:
            lane, body = Lane.SEALED, self._sealed_ring.decrypt(_purpose(key), body)
        region_code = body[:_REGION_BYTES].decode("ascii")
        uid = UUID(bytes=body[_REGION_BYTES:_HEAD_BYTES])
        return KeptResponse(lane, region_code, uid, body[_HEAD_BYTES:])


def _purpose(key: RequestKey) -> bytes:
    return f"{METHOD}\0{key.caller}\0{key.request_id}".encode()
