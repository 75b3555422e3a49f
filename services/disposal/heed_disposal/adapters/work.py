"""One unit of work on Postgres: the cases, the request records, one commit."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from heed_disposal.adapters.case_store import PostgresCaseStore
from heed_shared import request_records
from heed_shared.database import Database, Transaction


class PostgresWork:
    """A unit of work; it is rolled back unless committed."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self.cases = PostgresCaseStore(tx)

    async def remembered(
        self, identity: str, method: str, request_id: str, digest: bytes
    ) -> bytes | None:
        """Return the answer that was given to this request before, or claim the request id."""
        return await request_records.remember(self._tx, identity, method, request_id, digest)

    async def keep_answer(self, identity: str, method: str, request_id: str, answer: bytes) -> None:
        """Keep the answer for a repetition of the request."""
        await request_records.store(self._tx, identity, method, request_id, answer)

    async def commit(self) -> None:
        """Make everything permanent."""
        await self._tx.commit()


class PostgresWorkshop:
    """Opens units of work on the database of the service."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def open(self) -> AsyncIterator[PostgresWork]:
        """Open one."""
        async with self._database.transaction() as tx:
            yield PostgresWork(tx)
