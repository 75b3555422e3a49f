"""Positions in a feed and the opaque cursors that carry them.

A cursor names one feed, shard and epoch, and says so by its checksum: one of another feed or shard
is refused. It is masked only so that nobody builds on its inner form; it carries no permission.
"""

import base64
import hashlib
import re
import struct
from dataclasses import dataclass
from itertools import pairwise

from heed_shared.errors import BadCursor

_HEAD = struct.Struct(">BBQQQ")  # version, shard, epoch, xid, id; the snapshot follows
_VERSION = 1
_CHECK_BYTES = 8
_LARGEST_ID = 2**63 - 1
_LARGEST_XID = 2**64 - 1
_SNAPSHOT = re.compile(r"([0-9]{1,20}):([0-9]{1,20}):([0-9]{1,20}(?:,[0-9]{1,20})*)?")


@dataclass(frozen=True)
class Position:
    """How far a reader has come in one shard: to this event inclusive."""

    xid: int = 0
    id: int = 0
    seen: str = ""
    """A pg_snapshot whose events the reader has already got as state, until it is past them."""

    @property
    def key(self) -> tuple[int, int]:
        """What positions are ordered by."""
        return (self.xid, self.id)

    def advanced(self, xid: int, event_id: int) -> "Position":
        """Return the position after an event, dropping a snapshot that lies behind."""
        passed = self.seen == "" or xid >= self._seen_xmax
        return Position(xid, event_id, "" if passed else self.seen)

    def is_behind(self, horizon: int) -> bool:
        """Say whether all transactions that its snapshot saw running have ended since."""
        return self.seen != "" and horizon >= self._seen_xmax

    def settled(self) -> "Position":
        """Return the end of what its snapshot could see; for when no event is left before that."""
        return Position(max(self.xid, self._seen_xmax), 0)

    @property
    def _seen_xmax(self) -> int:
        return int(self.seen.split(":")[1])


def encode_cursor(feed: str, shard: int, epoch: int, position: Position) -> str:
    """Return the cursor of a position."""
    head = _HEAD.pack(_VERSION, shard, epoch, position.xid, position.id)
    body = head + position.seen.encode("ascii")
    check = _check(feed, body)
    return base64.urlsafe_b64encode(check + _masked(body, check)).decode("ascii").rstrip("=")


def decode_cursor(feed: str, shard: int, cursor: str) -> tuple[int, Position]:
    """Return epoch and position of a cursor.

    Raises:
        BadCursor: it cannot be read or belongs to another feed or shard.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise BadCursor from error
    check, body = raw[:_CHECK_BYTES], _masked(raw[_CHECK_BYTES:], raw[:_CHECK_BYTES])
    if len(body) < _HEAD.size or _check(feed, body) != check:
        raise BadCursor
    version, own_shard, epoch, xid, event_id = _HEAD.unpack_from(body)
    if version != _VERSION or own_shard != shard or max(epoch, event_id) > _LARGEST_ID:
        raise BadCursor
    seen = body[_HEAD.size :].decode("ascii", errors="replace")
    if seen and not _is_snapshot(seen):
        raise BadCursor
    return epoch, Position(xid, event_id, seen)


def _is_snapshot(text: str) -> bool:
    """Say whether the database would read a text as a pg_snapshot; anyone can forge a checksum."""
    found = _SNAPSHOT.fullmatch(text)
    if found is None:
        return False
    xmin, xmax = int(found[1]), int(found[2])
    running = [int(xid) for xid in found[3].split(",")] if found[3] else []
    ordered = all(left <= right for left, right in pairwise([xmin, *running]))
    return 0 < xmin <= xmax <= _LARGEST_XID and ordered and all(xid < xmax for xid in running)


def _check(feed: str, body: bytes) -> bytes:
    return hashlib.blake2b(feed.encode() + b"\0" + body, digest_size=_CHECK_BYTES).digest()


def _masked(body: bytes, check: bytes) -> bytes:
    mask = hashlib.shake_128(check).digest(len(body))
    return bytes(left ^ right for left, right in zip(body, mask, strict=True))
