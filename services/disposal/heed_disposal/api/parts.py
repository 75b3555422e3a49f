"""Small parts of the contract that many messages share."""

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp
from heed.common.v1 import actor_pb2

from heed_disposal.domain.terms import Actor


def timestamp(moment: datetime | None) -> Timestamp | None:
    """Return a moment."""
    if moment is None:
        return None
    value = Timestamp()
    value.FromDatetime(moment)
    return value


def actor(who: Actor | None) -> actor_pb2.Actor | None:
    """Return an actor."""
    if who is None:
        return None
    return actor_pb2.Actor(identity=who.identity, display_name=who.display_name, unit=who.unit)
