"""Long-running operations on a real Postgres: once per key, cancellable, never hanging."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from google.longrunning import operations_pb2 as pb
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import StringValue
from sqlalchemy import text

from heed_shared.database import Database
from heed_shared.errors import AlreadyRunning, InsufficientHistory, NotFound, WrongState
from heed_shared.operations import Operations, Progress

_WAIT = Duration(seconds=5)


@asynccontextmanager
async def running(operations: Operations) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(operations.run(stop))
    yield
    stop.set()
    await task


def _wait(operations: Operations, name: str) -> Awaitable[Any]:
    return operations.WaitOperation(pb.WaitOperationRequest(name=name, timeout=_WAIT), None)


def _until(release: asyncio.Event) -> Callable[[Progress], Awaitable[Message]]:
    async def work(progress: Progress) -> Message:
        await progress.report(StringValue(value="half"))
        await release.wait()
        return StringValue(value="result")

    return work


async def test_the_result_becomes_the_response(database: Database) -> None:
    operations, release = Operations(database), asyncio.Event()
    started = await operations.start("train", StringValue(value="none"), _until(release))
    assert not started.done
    release.set()
    done = await _wait(operations, started.name)
    result, metadata = StringValue(), StringValue()
    assert done.done
    assert done.response.Unpack(result)
    assert result.value == "result"
    assert done.metadata.Unpack(metadata)
    assert metadata.value == "half"


async def test_one_of_a_key_runs_at_a_time_and_the_other_is_named(database: Database) -> None:
    operations, replica, release = Operations(database), Operations(database), asyncio.Event()
    first = await operations.start("train", StringValue(), _until(release))
    with pytest.raises(AlreadyRunning) as refused:
        await replica.start("train", StringValue(), _until(release))
    assert refused.value.metadata["operation"] == first.name
    other = await replica.start("train", StringValue(), _until(release), key="another")
    release.set()
    await _wait(operations, first.name)
    await _wait(operations, other.name)
    again = await replica.start("train", StringValue(), _until(release))
    assert (await _wait(replica, again.name)).done


async def test_an_error_keeps_its_reason_and_a_fault_of_ours_no_text(database: Database) -> None:
    operations = Operations(database)

    async def too_short(_: Progress) -> Message:
        raise InsufficientHistory(3, 90)

    async def fault(_: Progress) -> Message:
        raise ValueError("text of a petition")

    known = await operations.start("a", StringValue(), too_short)
    unknown = await operations.start("b", StringValue(), fault)
    assert "90" in (await _wait(operations, known.name)).error.message
    assert (await _wait(operations, unknown.name)).error.message == "internal error"


async def test_cancelling_reaches_the_replica_that_runs_it(database: Database) -> None:
    operations, replica = Operations(database), Operations(database)
    async with running(operations):
        started = await operations.start("train", StringValue(), _until(asyncio.Event()))
        await replica.CancelOperation(pb.CancelOperationRequest(name=started.name), None)
        assert (await _wait(replica, started.name)).error.message == "cancelled"


async def test_what_a_stopping_service_leaves_is_failed(database: Database) -> None:
    operations = Operations(database)
    async with running(operations):
        started = await operations.start("train", StringValue(), _until(asyncio.Event()))
    assert "stopped" in (await _wait(Operations(database), started.name)).error.message


async def test_what_a_killed_service_leaves_is_failed_by_another(database: Database) -> None:
    silent, replica, release = Operations(database), Operations(database), asyncio.Event()
    reported = asyncio.Event()

    async def work(progress: Progress) -> Message:
        await progress.report(StringValue(value="half"))
        reported.set()  # A later sign of life would make it young again.
        await release.wait()
        return StringValue(value="result")

    started = await silent.start("train", StringValue(), work)
    await reported.wait()
    async with database.single() as connection:
        await connection.execute(
            text("UPDATE operation SET updated_at = now() - interval '1 minute'")
        )
    async with running(replica):
        orphan = await _wait(replica, started.name)
    assert "stopped" in orphan.error.message
    release.set()
    await asyncio.sleep(0.1)
    assert "stopped" in (await _wait(replica, started.name)).error.message


async def test_pages_go_through_all_operations_newest_first(database: Database) -> None:
    operations, release = Operations(database), asyncio.Event()
    release.set()
    names = []
    for number in range(5):
        operation = await operations.start(f"kind{number}", StringValue(), _until(release))
        names.append(operation.name)
        await _wait(operations, operation.name)
    request, seen = pb.ListOperationsRequest(page_size=2), []
    while True:
        page = await operations.ListOperations(request, None)
        seen += [item.name for item in page.operations]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert seen == names[::-1]


async def test_only_what_is_done_can_be_deleted(database: Database) -> None:
    operations, release = Operations(database), asyncio.Event()
    started = await operations.start("train", StringValue(), _until(release))
    delete = pb.DeleteOperationRequest(name=started.name)
    with pytest.raises(WrongState):
        await operations.DeleteOperation(delete, None)
    release.set()
    await _wait(operations, started.name)
    await operations.DeleteOperation(delete, None)
    with pytest.raises(NotFound):
        await operations.GetOperation(pb.GetOperationRequest(name=started.name), None)
