"""The table of long-running operations: one statement for each thing done to it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from google.longrunning import operations_pb2
from google.protobuf import any_pb2
from google.rpc import status_pb2
from sqlalchemy import text
from sqlalchemy.engine import Row
from sqlalchemy.sql.elements import TextClause

from heed_shared.database import Database

_SILENT_S = 15
_COLUMNS = (
    "name, metadata, done, response, error,"
    " (extract(epoch FROM created_at) * 1000000)::bigint AS created_us"
)
_INSERT = text(
    "INSERT INTO operation (name, key, process, metadata) VALUES (:name, :key, :process, :metadata)"
)
_RUNNING = text("SELECT name FROM operation WHERE key = :key AND NOT done")
_GET = text(f"SELECT {_COLUMNS} FROM operation WHERE name = :name")
_PAGE = text(
    f"SELECT {_COLUMNS} FROM operation WHERE CAST(:at AS bigint) IS NULL"
    " OR ((extract(epoch FROM created_at) * 1000000)::bigint, name) < (:at, :name)"
    " ORDER BY created_at DESC, name DESC LIMIT :size"
)
_SET_METADATA = text(
    "UPDATE operation SET metadata = :metadata, updated_at = now() WHERE name = :name AND NOT done"
)
_FINISH = text(
    "UPDATE operation SET done = true, response = :response, error = :error, updated_at = now()"
    " WHERE name = :name AND NOT done"
)
_BEAT = text(
    "UPDATE operation SET updated_at = now() WHERE process = :process AND NOT done"
    " RETURNING name, cancel_requested"
)
_FAIL_SILENT = text(
    "UPDATE operation SET done = true, error = :error, updated_at = now()"
    f" WHERE NOT done AND updated_at < now() - interval '{_SILENT_S} seconds'"
)
_FAIL_PROCESS = text(
    "UPDATE operation SET done = true, error = :error, updated_at = now()"
    " WHERE NOT done AND process = :process"
)
_REQUEST_CANCEL = text(
    "UPDATE operation SET cancel_requested = true WHERE name = :name AND NOT done RETURNING name"
)
_DELETE_DONE = text("DELETE FROM operation WHERE name = :name AND done RETURNING name")


async def insert(database: Database, name: str, key: str, process: UUID, metadata: bytes) -> None:
    """Insert a running operation; IntegrityError when one of the key is running."""
    await _run(
        database,
        _INSERT,
        {"name": name, "key": key, "process": process, "metadata": metadata},
    )


async def running(database: Database, key: str) -> str:
    """Return the name of the running operation of a key; empty when it has ended just now."""
    rows = await _run(database, _RUNNING, {"key": key})
    return str(rows[0].name) if rows else ""


async def get(database: Database, name: str) -> Row[Any] | None:
    """Return one row."""
    rows = await _run(database, _GET, {"name": name})
    return rows[0] if rows else None


async def page(database: Database, before: tuple[int, str] | None, size: int) -> Sequence[Row[Any]]:
    """Return rows, newest first, that come after a position."""
    at, name = before or (None, "")
    return await _run(database, _PAGE, {"at": at, "name": name, "size": size})


async def set_metadata(database: Database, name: str, metadata: bytes) -> None:
    """Replace the metadata of a running operation."""
    await _run(database, _SET_METADATA, {"name": name, "metadata": metadata})


async def finish(
    database: Database, name: str, response: bytes, error: status_pb2.Status | None
) -> None:
    """Mark an operation as done, with its response or its error."""
    values = {
        "name": name,
        "response": None if error else response,
        "error": error.SerializeToString() if error else None,
    }
    await _run(database, _FINISH, values)


async def beat(database: Database, process: UUID) -> list[str]:
    """Say that a process is alive; return those of its operations that are to be cancelled."""
    rows = await _run(database, _BEAT, {"process": process})
    return [row.name for row in rows if row.cancel_requested]


async def fail_silent(database: Database, error: status_pb2.Status) -> None:
    """Mark operations failed whose process has not been heard of."""
    await _run(database, _FAIL_SILENT, {"error": error.SerializeToString()})


async def fail_process(database: Database, process: UUID, error: status_pb2.Status) -> None:
    """Mark what a stopping process leaves as failed."""
    await _run(database, _FAIL_PROCESS, {"process": process, "error": error.SerializeToString()})


async def request_cancel(database: Database, name: str) -> bool:
    """Ask for the end of a running operation; say whether there is one."""
    return bool(await _run(database, _REQUEST_CANCEL, {"name": name}))


async def delete_done(database: Database, name: str) -> bool:
    """Delete an operation that is done; say whether there was one."""
    return bool(await _run(database, _DELETE_DONE, {"name": name}))


def as_operation(row: Row[Any]) -> operations_pb2.Operation:
    """Return a row in the form of the contract."""
    operation = operations_pb2.Operation(
        name=row.name, done=row.done, metadata=any_pb2.Any.FromString(row.metadata)
    )
    if row.error is not None:
        operation.error.MergeFromString(row.error)
    elif row.response is not None:
        operation.response.MergeFromString(row.response)
    return operation


async def _run(
    database: Database, statement: TextClause, values: dict[str, Any]
) -> Sequence[Row[Any]]:
    async with database.single() as connection:
        result = await connection.execute(statement, values)
        return result.all() if result.returns_rows else ()
