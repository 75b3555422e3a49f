# ruff: noqa: N818 - a class is named after its ErrorReason, which has no such suffix
"""The classes of the reasons for which a feed refuses a reader."""

import grpc
from heed.common.v1 import error_reason_pb2 as reasons

from heed_shared.errors.heed_error import FieldViolation, HeedError


class CursorTooOld(HeedError):
    """The cursor lies before what the feed still holds."""

    reason = reasons.ERROR_REASON_CURSOR_TOO_OLD
    status = grpc.StatusCode.OUT_OF_RANGE

    def __init__(self, oldest_cursor: str) -> None:
        super().__init__(
            "the cursor lies before the oldest event that the feed holds; rebuild from a snapshot",
            metadata={"oldest_cursor": oldest_cursor},
        )


class FeedEpochChanged(HeedError):
    """The feed was restored and started a new epoch."""

    reason = reasons.ERROR_REASON_FEED_EPOCH_CHANGED
    status = grpc.StatusCode.FAILED_PRECONDITION
    precondition = "EPOCH"

    def __init__(self, feed: str = "") -> None:
        super().__init__(
            "the feed started a new epoch; rebuild from a snapshot",
            metadata={"feed": feed} if feed else {},
            resource=feed,
        )


class BadCursor(HeedError):
    """The cursor cannot be read or belongs to another feed."""

    reason = reasons.ERROR_REASON_BAD_CURSOR
    status = grpc.StatusCode.INVALID_ARGUMENT

    def __init__(self, field: str = "positions") -> None:
        text = "the cursor cannot be read or belongs to another feed or shard"
        super().__init__(f"{field}: {text}", violations=[FieldViolation(field, text)])


class UnknownFeed(HeedError):
    """The service has no such feed, or the caller is not among its consumers."""

    reason = reasons.ERROR_REASON_UNKNOWN_FEED
    status = grpc.StatusCode.NOT_FOUND

    def __init__(self, feed: str) -> None:
        super().__init__(f"there is no feed {feed!r}", metadata={"feed": feed}, resource=feed)
