"""The database of one service: engine, transactions that commit only when told, own connections.

Writing goes through ``Database.transaction``, which rolls back unless ``commit`` was called. A
transaction must be short and must never be open across a network call, a wait or a model call: any
writing transaction of the cluster holds back the horizon of every feed on it.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from heed_shared import audit
from heed_shared.identity import readable_prefix
from heed_shared.row_security import SETTING
from heed_shared.rpc import deadline

if TYPE_CHECKING:
    from heed_shared.feed.records import NewEvent

_STATEMENT_TIMEOUT_S = 30
_POOL_WAIT_S = 5
_CONNECT_TIMEOUT_S = 5
# A dead replica must lose its advisory locks soon, so its connections are probed.
_KEEPALIVES = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
_SET_TIMEOUT = text("SELECT set_config('statement_timeout', :timeout_ms, true)")

_SET_REGION = text(f"SELECT set_config('{SETTING}', :prefix, true)")

Published = Callable[[Iterable[str]], None]


class Transaction:
    """One unit of work; make it by ``Database.transaction``."""

    def __init__(self, database: "Database", connection: AsyncConnection) -> None:
        self.connection = connection
        self._database = database
        self._feeds: set[str] = set()
        self._recorded: list[audit.Pending] = []

    def end(self) -> None:
        """Leave entries that were not committed to whoever writes them next."""
        for item in self._recorded:
            item.give_back()

    async def publish(self, events: Sequence["NewEvent"]) -> None:
        """Write events into this service's feeds; they become visible by the commit."""
        from heed_shared.feed.publishing import insert_events  # it imports this module's types

        if events:
            await insert_events(self.connection, events)
            self._feeds.update(event.feed for event in events)

    async def record(self, pending: Sequence[audit.Pending]) -> None:
        """Write those entries of the audit that nobody wrote; for who writes for several RPCs."""
        taken = [item for item in pending if item.take()]
        if taken:
            self._recorded += taken
            driver = await raw(self.connection)
            entries = [item.entry() for item in taken]
            await audit.insert_entries(driver, self._database.audit_schema, entries)

    async def commit(self) -> None:
        """Make everything permanent, then wake the readers of the feeds written to.

        The first commit of an RPC takes its entry of the audit along: both are there or neither.
        """
        pending = audit.current()
        if pending is not None:
            await self.record([pending])
        await self.connection.commit()
        audit.count_written([item.action for item in self._recorded])
        self._recorded = []
        self._database.announce(self._feeds)
        self._feeds = set()


class Database:
    """The connections of one process to its own schema."""

    def __init__(self, url: str, schema: str, engine: AsyncEngine, audit_schema: str) -> None:
        self.url = url
        self.schema = schema
        self.audit_schema = audit_schema
        self.engine = engine
        self._autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._listeners: list[Published] = []

    @classmethod
    async def open(
        cls, url: str, schema: str, pool_size: int = 10, *, audit_schema: str = ""
    ) -> "Database":
        """Make the pool; connections are opened when first used.

        Args:
            url: ``postgresql://``, user and password, ``@host:port/database``.
            schema: Search path of every connection; ``public`` follows it, for extensions.
            pool_size: Most connections at once; more work waits, then gets RateLimited.
            audit_schema: Where the audit is written, when it is not in ``schema``.
        """
        engine = create_async_engine(
            make_url(url).set(drivername="postgresql+asyncpg"),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=_POOL_WAIT_S,
            # SQLAlchemy's own pool: a release costs a rollback at most, never asyncpg's RESET ALL,
            # which was measured at 16 % of the throughput.
            connect_args={
                "timeout": _CONNECT_TIMEOUT_S,
                "server_settings": _server_settings(schema)
                | {"statement_timeout": f"{_STATEMENT_TIMEOUT_S}s"},
            },
        )
        return cls(url, schema, engine, audit_schema or schema)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Open a unit of work that ends in a rollback unless ``commit`` was called."""
        async with self.engine.connect() as connection:
            await _limit_statements(connection)
            transaction = Transaction(self, connection)
            try:
                yield transaction
            finally:
                transaction.end()

    @asynccontextmanager
    async def read(self, *, one_moment: bool = False) -> AsyncIterator[AsyncConnection]:
        """Open a READ ONLY transaction in the caller's region; it is rolled back at the end.

        Args:
            one_moment: Whether all its statements see the database as of its first one.
        """
        options: dict[str, Any] = {"postgresql_readonly": True}
        if one_moment:
            options["isolation_level"] = "REPEATABLE READ"
        async with self.engine.connect() as connection:
            await connection.execution_options(**options)
            await _limit_statements(connection)
            await _limit_rows(connection)
            yield connection

    @asynccontextmanager
    async def single(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection on which each statement is a transaction of its own."""
        async with self._autocommit.connect() as connection:
            yield connection

    async def dedicated(self) -> asyncpg.Connection:
        """Open a connection outside the pool, for session locks and LISTEN; close it yourself."""
        return await asyncpg.connect(
            self.url,
            timeout=_CONNECT_TIMEOUT_S,
            server_settings=_server_settings(self.schema) | _KEEPALIVES,
        )

    def on_published(self, listener: Published) -> None:
        """Have ``listener`` called with the feed names after each commit that published."""
        self._listeners.append(listener)

    def announce(self, feeds: Iterable[str]) -> None:
        """Wake the readers of feeds; for writers that insert events by statements of their own.

        Call it after the commit, never before.
        """
        names = list(feeds)
        if names:
            for listener in self._listeners:
                listener(names)

    async def close(self) -> None:
        """Close the pool."""
        await self.engine.dispose()


async def raw(connection: AsyncConnection) -> asyncpg.Connection:
    """Return the asyncpg connection underneath, inside the transaction of ``connection``.

    Makes sure that the transaction has begun: SQLAlchemy begins it with its own first statement,
    and what asyncpg ran before that would commit by itself.
    """
    proxied: Any = await connection.get_raw_connection()
    if not connection.in_transaction() or not proxied.driver_connection.is_in_transaction():
        await connection.exec_driver_sql("SELECT 1")
    return proxied.driver_connection


def _server_settings(schema: str) -> dict[str, str]:
    return {
        "search_path": f'"{schema}", public',
        "application_name": f"heed-{schema}",
        "idle_in_transaction_session_timeout": "30s",
        "timezone": "UTC",
    }


async def _limit_statements(connection: AsyncConnection) -> None:
    """Give statements no more time than the RPC in progress has left."""
    left = deadline.remaining_s()
    if left is not None and left < _STATEMENT_TIMEOUT_S:
        await connection.execute(_SET_TIMEOUT, {"timeout_ms": str(max(1, int(left * 1000)))})


async def _limit_rows(connection: AsyncConnection) -> None:
    """Show rows of the caller's region only, where tables are closed by region."""
    if prefix := readable_prefix():
        await connection.execute(_SET_REGION, {"prefix": prefix})
