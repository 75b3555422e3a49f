"""The business clock and the local days that the law counts in.

Received, registered and recorded times, deadlines and the life of warnings follow this clock.
Leases, tokens, TLS and audit follow the system clock and use ``datetime.now(UTC)`` directly.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from heed_shared.errors import ClockBackwards

SHANGHAI = ZoneInfo("Asia/Shanghai")


class Clock(Protocol):
    """Tells the business time."""

    def now(self) -> datetime:
        """Return the present business time, aware and in UTC."""
        ...


class SystemClock:
    """The clock of production: the system's own."""

    def now(self) -> datetime:
        """Return the present time in UTC."""
        return datetime.now(UTC)


class ReplayClock:
    """A clock that stands still until it is moved; for demonstrations, tests and backtests."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """Return the time that was set last, in UTC."""
        return self._now

    def advance(self, to: datetime) -> None:
        """Move the clock forward to ``to``; the same time again changes nothing.

        Raises:
            ClockBackwards: ``to`` lies before the present business time.
        """
        if to < self._now:
            raise ClockBackwards(self._now, to)
        self._now = to.astimezone(UTC)


def local_day(moment: datetime) -> date:
    """Return the day in China on which ``moment`` falls."""
    return moment.astimezone(SHANGHAI).date()


def day_start(day: date) -> datetime:
    """Return the first moment of the local day, aware and in UTC."""
    return datetime.combine(day, time.min, SHANGHAI).astimezone(UTC)


def day_end(day: date) -> datetime:
    """Return the exclusive end of the local day, aware and in UTC."""
    return day_start(day + timedelta(days=1))
