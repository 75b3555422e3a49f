"""The work calendar (工作日): which days are worked, make-up Saturdays and Sundays included.

Its data are the yearly holiday notices of the State Council, as the package chinesecalendar holds
them. Past their end the answer is CalendarUnknown, never a guess: the notice for a year appears in
the autumn before it, and a deadline counted on a guess could be wrong by a week.
"""

from datetime import date, timedelta

import chinese_calendar

_DAY = timedelta(days=1)


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


def next_working_day(day: date) -> date:
    """Return the day itself if it is worked, else the first worked day after it."""
    while not is_working_day(day):
        day += _DAY
    return day


def add_working_days(day: date, n: int) -> date:
    """Return the n-th working day after the day, which itself is not counted."""
    if n < 0:
        raise ValueError("the number of working days cannot be negative")
    for _ in range(n):
        day = next_working_day(day + _DAY)
    return day
