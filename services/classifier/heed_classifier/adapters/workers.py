"""One bounded thread for CPU work, so that the event loop never waits for the model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from heed_shared.errors import RateLimited

T = TypeVar("T")


class BoundedWorkers:
    """Runs work one after the other; refuses when too much is waiting."""

    def __init__(self, most_waiting: int = 64) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sorting")
        self._waiting = 0
        self._most_waiting = most_waiting

    async def run(self, work: Callable[[], T]) -> T:
        """Run ``work`` in the thread.

        Raises:
            RateLimited: Too much work is waiting already.
        """
        if self._waiting >= self._most_waiting:
            raise RateLimited(retry_after_s=1)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Let running work end and take no more."""
        self._executor.shutdown(wait=True, cancel_futures=True)
