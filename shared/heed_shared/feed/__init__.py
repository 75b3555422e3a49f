"""The event feeds between services: written with their cause, pulled by consumers, applied once.

A service publishes through ``Transaction.publish``, serves its feeds through ``FeedServer`` and
takes in those of others through ``FeedConsumer``. Positions are (transaction id, event id); readers
see only what lies below the oldest transaction still running, so nothing that commits late is
skipped.
"""

from heed_shared.feed.records import SHARDS, Delivery, FeedSpec, Handler, NewEvent, shard_of

__all__ = ["SHARDS", "Delivery", "FeedSpec", "Handler", "NewEvent", "shard_of"]
