"""What other libraries raise, as errors of Heed; this is the only place that knows.

An exception that no row matches is a fault of our own: the interceptor logs it and sends INTERNAL.
"""

import asyncio
import socket
from collections.abc import Callable, Iterator

import asyncpg
import grpc
import sqlalchemy.exc

from heed_shared.errors.access_reasons import RateLimited
from heed_shared.errors.heed_error import HeedError
from heed_shared.errors.reasons import Conflict, DeadlineTooShort, DependencyDown

# SQLSTATE, or its first two characters for a whole class -> the error to send.
_BY_SQLSTATE: dict[str, Callable[[], HeedError]] = {
    "40001": Conflict,  # serialization_failure
    "40P01": Conflict,  # deadlock_detected
    "55P03": Conflict,  # lock_not_available
    "57014": DeadlineTooShort,  # query_canceled, by the statement timeout set from the deadline
    "25P04": DeadlineTooShort,  # transaction_timeout
    "53300": RateLimited,  # too_many_connections
    "57P01": lambda: DependencyDown("database"),  # admin_shutdown
    "57P02": lambda: DependencyDown("database"),  # crash_shutdown
    "57P03": lambda: DependencyDown("database"),  # cannot_connect_now
    "25P03": lambda: DependencyDown("database"),  # idle_in_transaction_session_timeout
    "25006": lambda: DependencyDown(
        "database"
    ),  # read_only_sql_transaction: a standby after failover
    "08": lambda: DependencyDown("database"),  # connection_exception
}

_BY_STATUS: dict[grpc.StatusCode, Callable[[], HeedError]] = {
    grpc.StatusCode.UNAVAILABLE: lambda: DependencyDown("service"),
    grpc.StatusCode.RESOURCE_EXHAUSTED: RateLimited,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineTooShort,
}

# Rows are tried in order, so a narrower class stands before its parent.
_BY_CLASS: tuple[tuple[type[BaseException], Callable[[], HeedError]], ...] = (
    (sqlalchemy.exc.TimeoutError, RateLimited),  # no free connection in the pool in time
    (asyncpg.InterfaceError, lambda: DependencyDown("database")),  # the connection is gone
    (asyncio.TimeoutError, DeadlineTooShort),
    (ConnectionError, lambda: DependencyDown("database")),
    (socket.gaierror, lambda: DependencyDown("database")),
)


def translate(error: BaseException) -> HeedError | None:
    """Return the error to send for ``error``, or None when it is a fault of our own."""
    if isinstance(error, HeedError):
        return error
    if isinstance(error, grpc.aio.AioRpcError):
        make = _BY_STATUS.get(error.code())
        return make() if make else None
    for link in _chain(error):
        make = _row(link)
        if make:
            return make()
    return None


def _row(error: BaseException) -> Callable[[], HeedError] | None:
    sqlstate = getattr(error, "sqlstate", None)
    if isinstance(sqlstate, str):
        return _BY_SQLSTATE.get(sqlstate) or _BY_SQLSTATE.get(sqlstate[:2])
    if type(error) is OSError:  # asyncio's, where a host has several addresses and none answers
        return lambda: DependencyDown("database")
    return next((make for kind, make in _BY_CLASS if isinstance(error, kind)), None)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and what the database libraries wrapped in it."""
    yield error
    if isinstance(error, sqlalchemy.exc.DBAPIError):
        link: BaseException | None = error.orig
        while link is not None:
            yield link
            link = link.__cause__
