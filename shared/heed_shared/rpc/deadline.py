"""How much time the RPC in progress has left, for whatever it calls: database, peers, models.

Work that outlives its RPC (a long-running operation, a registration wave) starts with ``detach``,
or it would inherit the deadline of the call that happened to start it.
"""

import time
from contextvars import ContextVar

from heed_shared.errors import DeadlineTooShort

_ends_at: ContextVar[float | None] = ContextVar("heed_deadline", default=None)


def start(remaining: float | None) -> None:
    """Note the time that the RPC of this context has left; None means no limit."""
    _ends_at.set(None if remaining is None else time.monotonic() + remaining)


def detach() -> None:
    """Forget the deadline in this context; for work that outlives its RPC."""
    _ends_at.set(None)


def remaining_s() -> float | None:
    """Return the seconds left to the RPC in progress; None outside an RPC or without a limit."""
    ends_at = _ends_at.get()
    return None if ends_at is None else ends_at - time.monotonic()


def require_s(needed: float) -> None:
    """Refuse work that cannot end in time.

    Raises:
        DeadlineTooShort: fewer than ``needed`` seconds are left.
    """
    left = remaining_s()
    if left is not None and left < needed:
        raise DeadlineTooShort
