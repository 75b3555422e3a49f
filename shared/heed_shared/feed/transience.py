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
_STOPPED = frozenset({"57014", "25P04"})  # statement_timeout, transaction_timeout


def is_transient(error: BaseException) -> bool:
    """Say whether the same work may succeed later without anybody changing anything."""
    if isinstance(error, grpc.aio.AioRpcError):
        return error.code() in _PASSING_STATUS
    if isinstance(translate(error), _PASSING):
        return True
    cause = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
    return str(getattr(cause, "sqlstate", "")).startswith(_OUT_OF_RESOURCES)


def is_too_slow(error: BaseException) -> bool:
    """Say whether the database stopped the work for taking too long.

    That may pass, when others had kept the database busy, or come again each time.
    """
    link: BaseException | None = error
    while link is not None:
        if getattr(link, "sqlstate", "") in _STOPPED:
            return True
        # A transaction timeout ends the connection; the reason lies behind that.
        link = link.orig if isinstance(link, sqlalchemy.exc.DBAPIError) else link.__cause__
    return False
