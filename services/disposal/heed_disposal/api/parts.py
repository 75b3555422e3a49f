"""Small parts of the contract that many messages share."""

from datetime import UTC, date, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from heed.common.v1 import actor_pb2

from heed_disposal.domain.terms import Actor
from heed_shared.errors import InvalidField

FIRST_YEAR, LAST_YEAR = 1949, 2199
"""Years that a time in a request may lie in; beyond them it is a slip of the keyboard."""


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


def day_of(text: str, field: str) -> date:
    """Return a day of a request.

    Raises:
        InvalidField: there is no such day, or none of our time.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise InvalidField(field, "must be a day that exists, YYYY-MM-DD") from error
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise InvalidField(field, f"must lie between {FIRST_YEAR} and {LAST_YEAR}")
    return day


def moment_of(stamp: Timestamp, field: str) -> datetime:
    """Return a moment of a request.

    Raises:
        InvalidField: it lies in none of our years.
    """
    moment = stamp.ToDatetime(tzinfo=UTC)
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise InvalidField(field, f"must lie between {FIRST_YEAR} and {LAST_YEAR}")
    return moment
