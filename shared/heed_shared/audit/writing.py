"""Writes entries that no transaction of an RPC writes: of looks, exports and refusals.

Calls that come together share a statement and a commit: while one batch is being written the next
gathers, so a lone call waits for nobody. A look whose entry cannot be written is not shown.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

import asyncpg

from heed_shared import logs
from heed_shared.audit import pending
from heed_shared.audit.entries import Entry, count_written, insert_entries
from heed_shared.database import Database
from heed_shared.errors import DependencyDown
from heed_shared.rpc import deadline

_LARGEST_BATCH = 500
_TIMEOUT_S = 5.0


class Writer:
    """One writer with a connection of its own: it must not wait for those that RPCs hold."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: asyncpg.Connection | None = None
        self._waiting: deque[tuple[Entry, asyncio.Future[None]]] = deque()
        self._task: asyncio.Task[None] | None = None

    async def write(self, entry: Entry) -> None:
        """Return when the entry is committed.

        Raises:
            DependencyDown: it could not be written.
        """
        await self.put(entry)

    def put(self, entry: Entry) -> asyncio.Future[None]:
        """Have an entry written, whether or not what is returned is awaited."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, future))
        if self._task is None:
            self._task = asyncio.create_task(self._write_all())
        return future

    async def close(self) -> None:
        """Write what is waiting, then close the connection."""
        if self._task is not None:
            await self._task
        if self._connection is not None:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await self._connection.close(timeout=1)
            self._connection = None

    async def _write_all(self) -> None:
        deadline.detach()
        pending.detach()
        try:
            while self._waiting:
                size = min(len(self._waiting), _LARGEST_BATCH)
                await self._write([self._waiting.popleft() for _ in range(size)])
        finally:
            self._task = None

    async def _write(self, batch: Sequence[tuple[Entry, asyncio.Future[None]]]) -> None:
        entries = [entry for entry, _ in batch]
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await self._database.dedicated()
            await insert_entries(
                self._connection, self._database.audit_schema, entries, timeout_s=_TIMEOUT_S
            )
        except Exception as error:  # whatever it is: nobody may see what is not recorded
            logs.failure(logs.Event.AUDIT_FAILED, error, entries=len(entries))
            for _, future in batch:
                if not future.done():
                    future.set_exception(DependencyDown("audit"))
                    future.exception()  # it is logged, and not everybody waits for it
            return
        count_written([entry.action for entry in entries])
        for _, future in batch:
            if not future.done():
                future.set_result(None)
