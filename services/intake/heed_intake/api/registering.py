"""Registration over gRPC: single calls, batches and streams, each petition answered by itself."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from heed.intake.v1 import intake_service_pb2 as pb

from heed_intake.api.convert import register_command, registration_message
from heed_intake.application.register import (
    Outcome,
    RegisterCommand,
    Registering,
    register_many,
)
from heed_shared import audit, telemetry
from heed_shared.errors import HeedError, InvalidFields, to_status
from heed_shared.identity import Caller
from heed_shared.rpc.validation import violations

IMPORT_BATCH = 200
"""Rows of an import that are committed together."""
_LINGER_S = 0.02
"""How long a batch waits for more rows before it is committed as it is."""


async def register_each(
    requests: Sequence[pb.RegisterPetitionRequest], caller: Caller, registering: Registering
) -> list[pb.RegistrationResult]:
    """Register the items of a batch; a wrong one is answered in its place.

    Raises:
        HeedError: the database does not answer.
    """
    traceparent = telemetry.current_traceparent()
    call = audit.current()
    outcomes: dict[int, Outcome] = {}
    commands: dict[int, RegisterCommand] = {}
    for index, request in enumerate(requests):
        try:
            if problems := violations(request):
                raise InvalidFields(problems)
            entry = call.for_one("", request.submission.region_code) if call else None
            commands[index] = register_command(request, caller, traceparent, entry)
        except HeedError as error:
            outcomes[index] = error
    registered = await register_many(list(commands.values()), registering)
    outcomes.update(zip(commands, registered, strict=True))
    return [_result(outcomes[index]) for index in range(len(requests))]


async def import_rows(
    rows: AsyncIterator[pb.ImportPetitionsRequest],
    caller: Caller,
    registering: Registering,
    stopping: asyncio.Event,
) -> AsyncIterator[pb.ImportPetitionsResponse]:
    """Register a stream of rows in constant memory; each response answers one committed batch.

    When the server stops, the stream ends after the batch in progress; rows without an answer are
    sent again with their request_id.
    """
    queue: asyncio.Queue[pb.ImportPetitionsRequest | None] = asyncio.Queue(IMPORT_BATCH)
    reader = asyncio.create_task(_read(rows, queue))
    waker = asyncio.create_task(_wake(queue, stopping))
    try:
        ended = False
        while not ended:
            batch, ended = await _next_batch(queue)
            if batch:
                yield await _register_rows(batch, caller, registering)
            if stopping.is_set():
                return
        await reader
    finally:
        reader.cancel()
        waker.cancel()


async def _read(
    rows: AsyncIterator[pb.ImportPetitionsRequest],
    queue: asyncio.Queue[pb.ImportPetitionsRequest | None],
) -> None:
    try:
        async for row in rows:
            await queue.put(row)
    except Exception:
        await queue.put(None)
        raise
    await queue.put(None)


async def _wake(
    queue: asyncio.Queue[pb.ImportPetitionsRequest | None], stopping: asyncio.Event
) -> None:
    """End a wait for rows that may never come, once the server stops."""
    await stopping.wait()
    if queue.empty():
        queue.put_nowait(None)


async def _next_batch(
    queue: asyncio.Queue[pb.ImportPetitionsRequest | None],
) -> tuple[list[pb.ImportPetitionsRequest], bool]:
    """Return the rows that are there, waiting for the first, and whether the stream has ended."""
    loop = asyncio.get_running_loop()
    row = await queue.get()
    batch: list[pb.ImportPetitionsRequest] = []
    try:
        async with asyncio.timeout(None) as linger:
            while row is not None:
                batch.append(row)
                if len(batch) == IMPORT_BATCH:
                    return batch, False
                if queue.empty():
                    linger.reschedule(loop.time() + _LINGER_S)
                row = await queue.get()
                linger.reschedule(None)
    except TimeoutError:
        return batch, False
    return batch, True


async def _register_rows(
    batch: Sequence[pb.ImportPetitionsRequest], caller: Caller, registering: Registering
) -> pb.ImportPetitionsResponse:
    requests = [row.registration for row in batch]
    with telemetry.span("intake.import", rows=len(requests)):
        results = await register_each(requests, caller, registering)
    refused = sum(result.HasField("error") for result in results)
    if refused:
        telemetry.record("heed.intake.refused", refused)
    return pb.ImportPetitionsResponse(
        results=[
            pb.ImportRowResult(row=row.row, result=result)
            for row, result in zip(batch, results, strict=True)
        ]
    )


def _result(outcome: Outcome) -> pb.RegistrationResult:
    if isinstance(outcome, HeedError):
        status = to_status(outcome, telemetry.current_trace_id())
        return pb.RegistrationResult(error=status)
    return pb.RegistrationResult(registered=registration_message(outcome))
