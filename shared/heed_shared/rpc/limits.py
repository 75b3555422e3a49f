"""How often one caller may do something at one replica; above that it is told when to come back.

On all calls it keeps one system that went wild from taking the service away from all others, on
looks at contacts it keeps an office from reading through them. Guessing has a measure of its own.
"""

import time

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from heed_shared.errors import RateLimited
from heed_shared.identity import Caller

_SHORTEST_WAIT_S = 0.05


class CallerLimits:
    """Counts the calls of each caller over a sliding window."""

    def __init__(self, calls: int, window_s: int = 1) -> None:
        """Allow each caller as many calls in so many seconds."""
        self._item = RateLimitItemPerSecond(calls, window_s)
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
