"""What goes into a feed and what comes out of one, and how subjects fall into shards."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from google.protobuf.message import Message
from heed.feed.v1.event_pb2 import Event

from heed_shared.database import Transaction

SHARDS = 16


@dataclass(frozen=True)
class FeedSpec:
    """One feed that a service serves."""

    name: str
    """Such as ``intake.petitions``."""
    payload: str
    """Field of the oneof in heed.feed.v1.Event that its events carry."""
    consumers: tuple[str, ...]
    """Services whose place is kept and whom retention waits for."""
    restricted: bool = False
    """Whether nobody but the consumers may read it."""


@dataclass(frozen=True)
class NewEvent:
    """An event to be published; thin: names and kinds, never petition text."""

    feed: str
    subject: str
    region_code: str
    etag: str
    recorded_at: datetime
    """Business time of the change."""
    payload: Message
    shard_key: str = ""
    """What keeps its order; the subject by default."""
    traceparent: str = ""
    """The current span by default."""

    @property
    def shard(self) -> int:
        """The shard it belongs to."""
        return shard_of(self.shard_key or self.subject)


@dataclass(frozen=True)
class Delivery:
    """An event handed to a handler."""

    event: Event
    traceparent: str
    """Of the span in which this service applies it; pass it on in NewEvent."""


class Handler(Protocol):
    """What a service does with the events of a feed.

    Raise what happens: connection, serialisation and overload errors are tried again, anything else
    parks the event's subject.
    """

    async def prepare(self, deliveries: Sequence[Delivery]) -> Any:
        """Do what takes time (RPCs, model calls); no transaction is open."""
        ...

    async def apply(self, tx: Transaction, deliveries: Sequence[Delivery], prepared: Any) -> None:
        """Write the effects; the cursor advances in the same transaction. Never commit here."""
        ...


def shard_of(key: str) -> int:
    """Return the shard of a key; the same in every process and forever."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big") % SHARDS
