"""Wakes readers that wait for news, without a word inside the business transaction.

A NOTIFY inside the transaction of every registration would serialise their commits (11,000 against
4,200 transactions a second were measured). So the process that committed wakes its own readers
directly, and tells the other replicas by one NOTIFY at most every 5 ms on a connection of its own.
A wake-up may get lost with that connection: readers look by themselves every second.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

import asyncpg

from heed_shared import logs
from heed_shared.database import Database

_DEBOUNCE_S = 0.005
_RECONNECT_S = 1.0


class Wakeups:
    """The readers of this process that wait, by feed."""

    def __init__(self) -> None:
        self._next: dict[str, asyncio.Event] = {}

    def ticket(self, feed: str) -> asyncio.Event:
        """Return the event that the next news of a feed sets; take it before looking."""
        return self._next.setdefault(feed, asyncio.Event())

    def wake(self, feeds: Iterable[str]) -> None:
        """Set the tickets of these feeds."""
        for feed in feeds:
            ticket = self._next.pop(feed, None)
            if ticket is not None:
                ticket.set()

    def wake_all(self) -> None:
        """Set all tickets."""
        self.wake(list(self._next))


async def wait_any(seconds: float, *events: asyncio.Event) -> None:
    """Wait until one of the events is set or the time is over."""
    tasks = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, timeout=max(0.0, seconds), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


class Waker:
    """Carries wake-ups between the replicas of a service; a Background."""

    def __init__(self, database: Database, wakeups: Wakeups) -> None:
        self._database = database
        self._wakeups = wakeups
        self._channel = f"heed_feed_{database.schema}"
        self._pending: set[str] = set()
        self._news = asyncio.Event()
        database.on_published(self._published)

    async def run(self, stop: asyncio.Event) -> None:
        """Listen and notify until ``stop``; a lost connection is made anew."""
        while not stop.is_set():
            try:
                await self._connected(stop)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                logs.failure(logs.Event.FEED_BATCH_FAILED, error, part="waker")
                await wait_any(_RECONNECT_S, stop)

    def _published(self, feeds: Iterable[str]) -> None:
        names = list(feeds)
        self._wakeups.wake(names)
        self._pending.update(names)
        self._news.set()

    def _heard(self, connection: object, pid: int, _channel: str, payload: str) -> None:
        own = isinstance(connection, asyncpg.Connection) and connection.get_server_pid() == pid
        if not own:
            self._wakeups.wake(payload.split(","))

    async def _connected(self, stop: asyncio.Event) -> None:
        connection = await self._database.dedicated()
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        try:
            await connection.add_listener(self._channel, self._heard)
            self._wakeups.wake_all()  # What was said while nobody listened is not known.
            while not stop.is_set() and not lost.is_set():
                await wait_any(3600, self._news, stop, lost)
                if self._news.is_set() and not lost.is_set():
                    await self._notify(connection)
        finally:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await connection.close(timeout=1)

    async def _notify(self, connection: asyncpg.Connection) -> None:
        self._news.clear()
        feeds, self._pending = self._pending, set()
        await connection.execute("SELECT pg_notify($1, $2)", self._channel, ",".join(feeds))
        await asyncio.sleep(_DEBOUNCE_S)
