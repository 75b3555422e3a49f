"""The work calendar (工作日): which days are worked, make-up Saturdays and Sundays included.

Its data are the yearly holiday notices of the State Council, as the package chinesecalendar holds
them. The notice for a year appears in the autumn before it. Past the last one `is_working_day`
raises CalendarUnknown; a `Calendar` counts on by weekends, because no case may stop, and marks what
it found as provisional. An authority loads a new notice from a file of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import chinese_calendar

from heed_shared.reference.mounted_table import BadLine, BadTableError, read_table

_DAY = timedelta(days=1)
_SATURDAY = 5
_KINDS = {"work": True, "rest": False}


class CalendarUnknown(LookupError):  # noqa: N818 - says what the calendar answers
    """The calendar has no notice for the year of this day."""

    def __init__(self, day: date) -> None:
        self.day = day
        super().__init__(f"no holiday notice is known for {day.isoformat()}")


def is_working_day(day: date) -> bool:
    """Tell whether the day is worked.

    Raises:
        CalendarUnknown: The holiday notice of that year is not known.
    """
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        raise CalendarUnknown(day) from None


def _published(day: date) -> bool | None:
    try:
        return is_working_day(day)
    except CalendarUnknown:
        return None


@dataclass(frozen=True)
class CountedDay:
    """A day found by counting."""

    day: date
    provisional: bool
    """Whether a day was passed whose holiday notice is not published yet."""


@dataclass(frozen=True)
class Calendar:
    """Counts working days.

    ``published`` says whether a day is a working day, make-up days included, or None where the
    State Council's notice is not out yet.
    """

    published: Callable[[date], bool | None] = _published
    _known: dict[date, bool | None] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def load(cls, notices: Path | None = None) -> "Calendar":
        """Return the national calendar, with the notices of a CSV file over it.

        The file has the columns ``day`` (YYYY-MM-DD) and ``kind``: ``rest`` for a weekday off,
        ``work`` for a weekend day that is made up. In a year that it names, every other day is as
        the package says, or where that knows nothing as the weekday says.

        Raises:
            BadTableError: The file cannot be used; the text lists every wrong line.
        """
        if notices is None:
            return cls()
        told = _read_notices(notices)
        years = {day.year for day in told}

        def published(day: date) -> bool | None:
            if day in told:
                return told[day]
            known = _published(day)
            if known is None and day.year in years:
                return day.weekday() < _SATURDAY
            return known

        return cls(published)

    def look_up(self, day: date) -> tuple[bool, bool]:
        """Return whether ``day`` is a working day, and whether that is only provisional."""
        if day not in self._known:
            self._known[day] = self.published(day)
        answer = self._known[day]
        if answer is None:
            return day.weekday() < _SATURDAY, True
        return answer, False

    def roll_forward(self, day: date) -> CountedDay:
        """Return ``day``, or the first working day after it if it is a rest day."""
        provisional = False
        while True:
            working, unsure = self.look_up(day)
            provisional |= unsure
            if working:
                return CountedDay(day, provisional)
            day += _DAY

    def add_working_days(
        self, start: date, period: int, skipped: Callable[[date], bool] = lambda _day: False
    ) -> CountedDay:
        """Return the ``period``-th working day after ``start``, not counting skipped days.

        Raises:
            ValueError: The period is negative.
        """
        if period < 0:
            raise ValueError("the number of working days cannot be negative")
        day, left, provisional = start, period, False
        while left > 0:
            day += _DAY
            working, unsure = self.look_up(day)
            provisional |= unsure
            if working and not skipped(day):
                left -= 1
        return CountedDay(day, provisional)


def _read_notices(path: Path) -> Mapping[date, bool]:
    told: dict[date, bool] = {}
    bad = []
    for line, row in read_table(path, ("day", "kind")):
        try:
            day = date.fromisoformat(row["day"])
        except ValueError:
            bad.append(BadLine(line, f"day must be a date such as 2027-01-01, not {row['day']!r}"))
            continue
        if row["kind"] not in _KINDS:
            bad.append(BadLine(line, f"kind must be rest or work, not {row['kind']!r}"))
        elif day in told:
            bad.append(BadLine(line, f"{day} is doubled"))
        else:
            told[day] = _KINDS[row["kind"]]
    if bad:
        raise BadTableError(path, bad)
    return told
