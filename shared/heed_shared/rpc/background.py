"""Keeps background work running beside the RPCs, and ends it in order."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from heed_shared import logs
from heed_shared.logs import Event

RESTART_DELAYS_S = (1.0, 2.0, 5.0, 15.0, 30.0)


class Background(Protocol):
    """Work beside the RPCs: a consumer, a waker, a scheduler."""

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set, finish the current item, return."""
        ...


@asynccontextmanager
async def running(work: Sequence[Background], grace_s: float) -> AsyncIterator[None]:
    """Run all of ``work`` during the block; at its end each finishes its item or is cancelled."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(_keep(item, stop)) for item in work]
    try:
        yield
    finally:
        stop.set()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


async def _keep(item: Background, stop: asyncio.Event) -> None:
    """Run one item, and again after a pause when it fails: the others and the RPCs go on."""
    failures = 0
    while not stop.is_set():
        try:
            await item.run(stop)
        except Exception as error:  # whatever it is: logged, and tried again
            logs.failure(Event.BACKGROUND_FAILED, error, background=_name(item))
            delay = RESTART_DELAYS_S[min(failures, len(RESTART_DELAYS_S) - 1)]
            failures += 1
            await pause(stop, delay)
        else:
            return


async def pause(stop: asyncio.Event, seconds: float) -> bool:
    """Wait for ``seconds`` or until ``stop``, whichever is first; return whether it is set."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _name(item: Background) -> str:
    return str(getattr(item, "name", type(item).__name__))
