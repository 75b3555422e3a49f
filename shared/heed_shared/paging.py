"""Keyset pages: tokens that a client can neither read, alter nor carry over to another query.

A token holds the position after which the next page starts. It is encrypted and bound to the method
and to a digest of the filter; it carries no permission, which is checked on every call.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Iterable, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import Message

from heed_shared.errors import BadPageToken, InvalidField

_NONCE_BYTES = 12


class PageTokens:
    """Makes and reads the page tokens of one service, with one key for all its replicas."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def encode(self, method: str, filter_digest: bytes, position: Sequence[str | int]) -> str:
        """Return the token of the page after ``position`` (the sort key of the last row sent)."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        text = json.dumps(list(position), separators=(",", ":")).encode()
        sealed = self._cipher.encrypt(nonce, text, method.encode() + b"\0" + filter_digest)
        return base64.urlsafe_b64encode(nonce + sealed).decode("ascii")

    def decode(self, method: str, filter_digest: bytes, token: str) -> list[str | int]:
        """Return the position inside a token of ``encode``.

        Raises:
            BadPageToken: the token is damaged or belongs to another method, filter or key.
        """
        try:
            raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
            nonce, sealed = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
            text = self._cipher.decrypt(nonce, sealed, method.encode() + b"\0" + filter_digest)
        except (ValueError, InvalidTag) as error:
            raise BadPageToken from error
        position: list[str | int] = json.loads(text)
        return position


def page_size(requested: int, default: int = 50, maximum: int = 500) -> int:
    """Return how many rows to send: 0 means ``default``, more than ``maximum`` means ``maximum``.

    Raises:
        InvalidField: the request asks for a negative number.
    """
    if requested < 0:
        raise InvalidField("page_size", "must not be negative")
    return min(requested or default, maximum)


def filter_digest(message: Message, exclude: Iterable[str] = ("page_size", "page_token")) -> bytes:
    """Return a digest of everything in a list request that decides which rows it returns."""
    copy = type(message)()
    copy.CopyFrom(message)
    for field in exclude:
        copy.ClearField(field)
    name = message.DESCRIPTOR.full_name.encode()
    return hashlib.sha256(name + b"\0" + copy.SerializeToString(deterministic=True)).digest()
