"""Hashes of query codes: keyed, and bound to the petition.

A code has 60 random bits, so a plain fast hash resists guessing; the key protects against a stolen
table together with a stolen list of codes.
"""

import hashlib
import hmac
from uuid import UUID

from heed_intake.domain.receipts import normal_query_code

_NOBODY = UUID(int=0)
_NO_HASH = bytes(32)


class QueryCodes:
    """Makes and compares hashes."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def hashed(self, uid: UUID, query_code: str) -> bytes:
        """Return what is stored of a code."""
        text = uid.bytes + normal_query_code(query_code).encode()
        return hmac.digest(self._secret, text, hashlib.sha256)

    def matches(self, uid: UUID | None, code_hash: bytes | None, query_code: str) -> bool:
        """Compare a typed code; where there is no petition the same work is done in vain."""
        own = self.hashed(uid or _NOBODY, query_code)
        equal = hmac.compare_digest(own, code_hash or _NO_HASH)
        return equal and code_hash is not None
