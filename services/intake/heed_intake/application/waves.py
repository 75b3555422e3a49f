"""Registration waves: concurrent calls share a statement and a commit.

While one wave is being written the next gathers, so a lone call waits for nobody and a hundred wait
for one commit. This is the one exception to one unit of work per call (docs/architecture). A caller
that goes away only detaches: what was admitted is written, and its request_id retrieves it.
"""

import asyncio
from collections import deque

from heed_intake.application.register import (
    Outcome,
    RegisterCommand,
    Registering,
    register_many,
)
from heed_shared import audit, telemetry
from heed_shared.errors import RateLimited
from heed_shared.rpc import deadline

LARGEST_WAVE = 200
MOST_WAITING = 2000
"""Commands that may wait, also those whose callers have gone away."""
WRITERS = 2
"""Waves under way at a time: while one waits for its commit the other fills its statement."""


class RegistrationWaves:
    """Gathers commands of concurrent calls and registers them together."""

    def __init__(self, registering: Registering) -> None:
        self._registering = registering
        self._waiting: deque[tuple[RegisterCommand, asyncio.Future[Outcome]]] = deque()
        self._writers: set[asyncio.Task[None]] = set()

    async def register(self, command: RegisterCommand) -> Outcome:
        """Register one petition in the next wave.

        Raises:
            RateLimited: too many are waiting already.
            HeedError: the database does not answer.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise RateLimited
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((command, future))
        if len(self._writers) < WRITERS:
            task = asyncio.create_task(self._write())
            self._writers.add(task)
            task.add_done_callback(self._writers.discard)
        return await future

    async def drain(self) -> None:
        """Wait until everything that was admitted is written; for an orderly end."""
        while self._writers:
            await asyncio.wait(set(self._writers))

    async def _write(self) -> None:
        deadline.detach()
        audit.detach()
        while self._waiting:
            size = min(len(self._waiting), LARGEST_WAVE)
            wave = [self._waiting.popleft() for _ in range(size)]
            telemetry.record("heed.intake.wave_size", size)
            commands = [command for command, _ in wave]
            try:
                # Part of the first caller's trace; the others' events carry their own.
                with telemetry.span_from(commands[0].traceparent, "intake.wave", size=size):
                    outcomes = await register_many(commands, self._registering)
            except Exception as error:
                for _, future in wave:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), outcome in zip(wave, outcomes, strict=True):
                if not future.done():
                    future.set_result(outcome)
