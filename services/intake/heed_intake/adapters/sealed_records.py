"""Purges the request ids of the sealed lane after seven days, as retention does elsewhere."""

import asyncio

from sqlalchemy import text

from heed_shared.database import Database
from heed_shared.rpc.background import pause

_LOOK_S = 3600.0
_DAYS = 7
_PURGE = text(f"DELETE FROM request_record WHERE recorded_at < now() - interval '{_DAYS} days'")


class SealedRecords:
    """A Background."""

    name = "sealed_records"

    def __init__(self, sealed: Database) -> None:
        self._sealed = sealed

    async def run(self, stop: asyncio.Event) -> None:
        """Purge once an hour, until ``stop``."""
        while not stop.is_set():
            async with self._sealed.single() as connection:
                await connection.execute(_PURGE)
            await pause(stop, _LOOK_S)
