"""How often one caller may call one replica; above that the answer says when to come back.

The limit keeps one system that went wild from taking the service away from all others. It counts
calls of a caller, whatever the method, and is no measure against guessing, which has its own.
"""

import time

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from heed_shared.errors import RateLimited
from heed_shared.identity import Caller

_SHORTEST_WAIT_S = 0.05


class CallerLimits:
    """Counts the calls of each caller over a sliding window of a second."""

    def __init__(self, calls_per_second: int) -> None:
        """Allow each caller as many calls a second."""
        self._item = RateLimitItemPerSecond(calls_per_second)
        self._windows = SlidingWindowCounterRateLimiter(MemoryStorage())

    def require(self, caller: Caller) -> None:
        """Count a call.

        The services of the suite itself are not limited: they hold each other back by their pools.

        Raises:
            RateLimited: the caller has made too many; it says after how long to come back.
        """
        if caller.is_service or self._windows.hit(self._item, caller.identity):
            return
        reset_at = self._windows.get_window_stats(self._item, caller.identity).reset_time
        raise RateLimited(max(_SHORTEST_WAIT_S, round(reset_at - time.time(), 2)))
