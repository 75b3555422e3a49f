"""Counting days as the law does: calendar days, working days, and the roll past rest days.

Past the published calendar only weekends are known to be rest days. A date found that way is marked
provisional; it never stops a case.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

ONE_DAY = timedelta(days=1)
SATURDAY = 5


@dataclass(frozen=True)
class CountedDay:
    """A day found by counting."""

    day: date
    provisional: bool
    """Whether a day was passed whose make-up working days are not published yet."""


@dataclass(frozen=True)
class Calendar:
    """Working days of the country.

    ``published`` says whether a day is a working day, make-up days included, or None where the
    State Council's notice is not out yet.
    """

    published: Callable[[date], bool | None]
    _known: dict[date, bool | None] = field(default_factory=dict, compare=False, repr=False)

    def look_up(self, day: date) -> tuple[bool, bool]:
        """Return whether ``day`` is a working day, and whether that is only provisional."""
        if day not in self._known:
            self._known[day] = self.published(day)
        answer = self._known[day]
        if answer is None:
            return day.weekday() < SATURDAY, True
        return answer, False

    def roll_forward(self, day: date) -> CountedDay:
        """Return ``day``, or the first working day after it if it is a rest day."""
        provisional = False
        while True:
            working, unsure = self.look_up(day)
            provisional |= unsure
            if working:
                return CountedDay(day, provisional)
            day += ONE_DAY

    def add_working_days(
        self, start: date, period: int, skipped: Callable[[date], bool]
    ) -> CountedDay:
        """Return the ``period``-th working day after ``start``, not counting skipped days."""
        day, left, provisional = start, period, False
        while left > 0:
            day += ONE_DAY
            working, unsure = self.look_up(day)
            provisional |= unsure
            if working and not skipped(day):
                left -= 1
        return CountedDay(day, provisional)
