"""Tells errors that pass from errors that would come again."""

import grpc
import sqlalchemy.exc

from heed_shared.errors import Conflict, DeadlineTooShort, DependencyDown, RateLimited, translate

_PASSING_STATUS = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.CANCELLED,
    }
)
_PASSING = (Conflict, DeadlineTooShort, DependencyDown, RateLimited)
_OUT_OF_RESOURCES = "53"  # SQLSTATE class: disk, memory, connections


def is_transient(error: BaseException) -> bool:
    """Say whether the same work may succeed later without anybody changing anything."""
    if isinstance(error, grpc.aio.AioRpcError):
        return error.code() in _PASSING_STATUS
    if isinstance(translate(error), _PASSING):
        return True
    cause = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
    return str(getattr(cause, "sqlstate", "")).startswith(_OUT_OF_RESOURCES)
