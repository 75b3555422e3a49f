"""The event feeds between services: written with their cause, pulled by consumers, applied once.

A service publishes through ``Transaction.publish``, serves its feeds through ``FeedServer`` and
takes in those of others through ``FeedConsumer``. Positions are (transaction id, event id); readers
see only what lies below the oldest transaction still running, so nothing that commits late is
skipped.
"""

from heed_shared.feed.consumer import FeedConsumer
from heed_shared.feed.epoch import bump_epoch
from heed_shared.feed.publishing import INSERT_EVENTS, event_columns
from heed_shared.feed.rebuilding import Rebuilding
from heed_shared.feed.records import SHARDS, Delivery, FeedSpec, Handler, NewEvent, shard_of
from heed_shared.feed.server import FeedServer
from heed_shared.feed.snapshot import SnapshotSource

__all__ = [
    "INSERT_EVENTS",
    "SHARDS",
    "Delivery",
    "FeedConsumer",
    "FeedServer",
    "FeedSpec",
    "Handler",
    "NewEvent",
    "Rebuilding",
    "SnapshotSource",
    "bump_epoch",
    "event_columns",
    "shard_of",
]
