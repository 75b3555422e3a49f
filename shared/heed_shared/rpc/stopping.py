"""Tells streams that the server is stopping, so that they end by themselves.

One open server stream makes the stop of a gRPC server take its whole grace. So a handler that waits
(a watch, a long poll) waits for news or for this event, whichever comes first::

    stopping = current_stopping()
    while not stopping.is_set():
        ...
"""

import asyncio
from contextvars import ContextVar

_stopping: ContextVar[asyncio.Event | None] = ContextVar("heed_stopping", default=None)


def current_stopping() -> asyncio.Event:
    """Return the event that is set when this server stops; outside an RPC, a fresh one."""
    return _stopping.get() or asyncio.Event()


def set_stopping(event: asyncio.Event) -> None:
    """Make ``event`` the one of this context; for the interceptor and for tests."""
    _stopping.set(event)
