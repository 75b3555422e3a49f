# ruff: noqa: N802 - methods are named as in the contract
"""Long-running operations: started by an RPC, run in this process, readable from every replica.

Of one key at most one runs at a time. The process that runs an operation says so every few seconds;
one whose process fell silent is marked failed by whoever notices, so a restart leaves none hanging.
"""

import asyncio
import secrets
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import asyncpg
import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import any_pb2, empty_pb2
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from google.rpc import status_pb2
from sqlalchemy.exc import IntegrityError

from heed_shared import audit, logs, operation_rows, telemetry
from heed_shared.database import Database
from heed_shared.errors import (
    AlreadyRunning,
    HeedError,
    Internal,
    NotFound,
    WrongState,
    to_status,
    translate,
)
from heed_shared.paging import PageTokens, filter_digest, page_size
from heed_shared.rpc import deadline

_BEAT_S = 2.0
_WAIT_STEP_S = 0.2
_LONGEST_WAIT_S = 30.0
_LIST = "/google.longrunning.Operations/ListOperations"
_STOPPED = status_pb2.Status(
    code=grpc.StatusCode.UNAVAILABLE.value[0],
    message="the service was stopped while this ran; start it again",
)
_CANCELLED = status_pb2.Status(code=grpc.StatusCode.CANCELLED.value[0], message="cancelled")


class Progress:
    """Handed to the work, so that it can say how far it is."""

    def __init__(self, database: Database, name: str) -> None:
        self.name = name
        self._database = database

    async def report(self, metadata: Message) -> None:
        """Replace the operation's metadata."""
        await operation_rows.set_metadata(self._database, self.name, _packed(metadata))


Work = Callable[[Progress], Awaitable[Message]]


class Operations(operations_pb2_grpc.OperationsServicer):  # type: ignore[misc]
    """The operations of one service: servicer of google.longrunning and a Background."""

    def __init__(self, database: Database, page_tokens: PageTokens | None = None) -> None:
        self._database = database
        self._page_tokens = page_tokens or PageTokens(secrets.token_bytes(32))
        self._process = uuid.uuid4()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._stopping = False

    def servicer(self) -> tuple[Any, "Operations", ServiceDescriptor]:
        """Return the entry for ``Service.servicers``."""
        descriptor = operations_pb2.DESCRIPTOR.services_by_name["Operations"]
        return operations_pb2_grpc.add_OperationsServicer_to_server, self, descriptor

    async def start(
        self, name_prefix: str, metadata: Message, run: Work, *, key: str = ""
    ) -> operations_pb2.Operation:
        """Start work and return its operation at once.

        Args:
            name_prefix: Kind of work: ``train`` makes names such as ``operations/train-UUID``.
            metadata: How things stand at the start.
            run: The work; its result becomes the operation's response.
            key: What must not run twice at once; the prefix by default.

        Raises:
            AlreadyRunning: work of the same key is under way.
        """
        name = f"operations/{name_prefix}-{uuid.uuid4()}"
        await operation_rows.fail_silent(self._database, _STOPPED)
        try:
            await operation_rows.insert(
                self._database, name, key or name_prefix, self._process, _packed(metadata)
            )
        except IntegrityError as error:
            if getattr(error.orig, "sqlstate", "") != asyncpg.UniqueViolationError.sqlstate:
                raise
            other = await operation_rows.running(self._database, key or name_prefix)
            raise AlreadyRunning(other) from error
        self._running[name] = asyncio.create_task(self._run(name, run))
        return operations_pb2.Operation(
            name=name, metadata=any_pb2.Any.FromString(_packed(metadata))
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Say that the running ones run, hear of cancellations, until ``stop``; then end them."""
        try:
            while not stop.is_set():
                await self._look()
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), _BEAT_S)
        except asyncio.CancelledError:
            self._cancel_all()  # the stop did not wait: nothing runs on by itself
            raise
        await asyncio.gather(*self._cancel_all(), return_exceptions=True)
        await operation_rows.fail_process(self._database, self._process, _STOPPED)

    def _cancel_all(self) -> list[asyncio.Task[None]]:
        self._stopping = True
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        return tasks

    async def _look(self) -> None:
        try:
            await operation_rows.fail_silent(self._database, _STOPPED)
            for name in await operation_rows.beat(self._database, self._process):
                if name in self._running:
                    self._running[name].cancel()
        except Exception as error:
            if translate(error) is None:
                raise
            logs.failure(logs.Event.BACKGROUND_FAILED, error, part="operations")

    async def GetOperation(
        self, request: operations_pb2.GetOperationRequest, _context: Any
    ) -> operations_pb2.Operation:
        """Return an operation."""
        return await self._get(request.name)

    async def WaitOperation(
        self, request: operations_pb2.WaitOperationRequest, _context: Any
    ) -> operations_pb2.Operation:
        """Return an operation when it is done or the time is over."""
        wait_s = request.timeout.seconds + request.timeout.nanos / 1e9 or _LONGEST_WAIT_S
        left = deadline.remaining_s()
        wait_s = min(wait_s, _LONGEST_WAIT_S, left - _WAIT_STEP_S if left else _LONGEST_WAIT_S)
        ends_at = asyncio.get_running_loop().time() + wait_s
        operation = await self._get(request.name)
        while not operation.done and asyncio.get_running_loop().time() < ends_at:
            await asyncio.sleep(_WAIT_STEP_S)
            operation = await self._get(request.name)
        return operation

    async def ListOperations(
        self, request: operations_pb2.ListOperationsRequest, _context: Any
    ) -> operations_pb2.ListOperationsResponse:
        """List operations, newest first."""
        size = page_size(request.page_size)
        digest = filter_digest(request)
        before = None
        if request.page_token:
            at, name = self._page_tokens.decode(_LIST, digest, request.page_token)
            before = (int(at), str(name))
        rows = await operation_rows.page(self._database, before, size + 1)
        response = operations_pb2.ListOperationsResponse(
            operations=[operation_rows.as_operation(row) for row in rows[:size]]
        )
        if len(rows) > size:
            last = rows[size - 1]
            response.next_page_token = self._page_tokens.encode(
                _LIST, digest, [last.created_us, last.name]
            )
        return response

    async def CancelOperation(
        self, request: operations_pb2.CancelOperationRequest, _context: Any
    ) -> empty_pb2.Empty:
        """Ask an operation to end; whichever replica runs it hears of it within seconds."""
        if not await operation_rows.request_cancel(self._database, request.name):
            await self._get(request.name)
        if request.name in self._running:
            self._running[request.name].cancel()
        return empty_pb2.Empty()

    async def DeleteOperation(
        self, request: operations_pb2.DeleteOperationRequest, _context: Any
    ) -> empty_pb2.Empty:
        """Forget an operation that is done."""
        if not await operation_rows.delete_done(self._database, request.name):
            await self._get(request.name)
            raise WrongState("RUNNING", ["DONE"], request.name)
        return empty_pb2.Empty()

    async def _get(self, name: str) -> operations_pb2.Operation:
        row = await operation_rows.get(self._database, name)
        if row is None:
            raise NotFound(name)
        return operation_rows.as_operation(row)

    async def _run(self, name: str, run: Work) -> None:
        deadline.detach()
        audit.detach()
        response, error = b"", None
        try:
            with telemetry.span("operation.run"):
                response = _packed(await run(Progress(self._database, name)))
        except asyncio.CancelledError:
            error = _STOPPED if self._stopping else _CANCELLED
        except Exception as caught:
            logs.failure(logs.Event.OPERATION_FAILED, caught, operation=name)
            known = translate(caught)
            error = to_status(known if isinstance(known, HeedError) else Internal())
        try:
            await asyncio.shield(operation_rows.finish(self._database, name, response, error))
        except Exception as caught:
            # Its process falls silent about it, and it will be marked failed.
            logs.failure(logs.Event.OPERATION_FAILED, caught, operation=name)
        finally:
            del self._running[name]
        if error is None:
            logs.info(logs.Event.OPERATION_DONE, operation=name)


def _packed(message: Message) -> bytes:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed.SerializeToString()
