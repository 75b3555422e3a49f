"""Which feeds a caller may read, under which consumer's name, and from which positions."""

from collections.abc import Iterable, Mapping, Sequence

from heed.feed.v1.event_pb2 import ShardPosition

from heed_shared.errors import InvalidField, UnknownFeed
from heed_shared.feed.cursor import decode_cursor, encode_cursor
from heed_shared.feed.reading import Asked
from heed_shared.feed.records import SHARDS, FeedSpec
from heed_shared.identity import Caller


class FeedTable:
    """The feeds of a service."""

    def __init__(self, feeds: Iterable[FeedSpec]) -> None:
        self._feeds = {feed.name: feed for feed in feeds}

    def open_to(self, caller: Caller, name: str, consumer: str = "") -> FeedSpec:
        """Return the feed, if the caller may read it under that consumer's name.

        Raises:
            UnknownFeed: there is none, or not for this caller; the answer is the same.
        """
        feed = self._feeds.get(name)
        if feed is None:
            raise UnknownFeed(name)
        if feed.restricted and caller.identity not in map(_identity, feed.consumers):
            raise UnknownFeed(name)
        if consumer and (consumer not in feed.consumers or caller.identity != _identity(consumer)):
            raise UnknownFeed(name)
        return feed


def asked_positions(feed: FeedSpec, positions: Sequence[ShardPosition]) -> dict[int, Asked]:
    """Return where a request wants to go on; none given means all shards from the oldest event.

    Raises:
        InvalidField: a shard does not exist or is named twice.
        BadCursor: a cursor cannot be read or belongs elsewhere.
    """
    asked: dict[int, Asked] = {}
    for index, item in enumerate(positions):
        if not 0 <= item.shard < SHARDS or item.shard in asked:
            raise InvalidField(f"positions[{index}].shard", f"must be 0 to {SHARDS - 1}, and once")
        asked[item.shard] = Asked()
        if item.cursor:
            epoch, position = decode_cursor(feed.name, item.shard, item.cursor)
            asked[item.shard] = Asked(position, epoch)
    return asked or dict.fromkeys(range(SHARDS), Asked())


def shard_positions(feed: FeedSpec, asked: Mapping[int, Asked]) -> list[ShardPosition]:
    """Return positions as they are sent."""
    return [
        ShardPosition(
            shard=shard,
            cursor=""
            if item.epoch is None
            else encode_cursor(feed.name, shard, item.epoch, item.position),
        )
        for shard, item in sorted(asked.items())
    ]


def _identity(consumer: str) -> str:
    return f"service/{consumer}"
