"""Kinds of days: the seven weekdays, a public holiday on a weekday, a weekend day made up for.

It tells offices' full days from their empty ones, so that a quiet festival and the full first day
after it are expected. It is a service calendar: it explains load and never raises a level.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

HOLIDAY = 7
MAKE_UP = 8
KIND_COUNT = 9
SATURDAY = 5

WorkingDay = Callable[[date], bool | None]
"""Whether a day is worked; None where no calendar has been published yet."""


def kind_of(day: date, working: WorkingDay) -> int:
    """Return the kind of a day; where the calendar ends, weekdays are taken as they are."""
    weekday = day.weekday()
    worked = working(day)
    if worked is None or worked == (weekday < SATURDAY):
        return weekday
    return MAKE_UP if worked else HOLIDAY


def kinds(first_day: date, count: int, working: WorkingDay) -> NDArray[np.int64]:
    """Return the kinds of `count` days from `first_day` on, (count,)."""
    return np.array([kind_of(first_day + timedelta(days=n), working) for n in range(count)])


def year_days(first_day: date, count: int) -> NDArray[np.int64]:
    """Return the days of the year, from 0, of `count` days from `first_day` on, (count,)."""
    days = (first_day + timedelta(days=n) for n in range(count))
    return np.array([min(day.timetuple().tm_yday - 1, 364) for day in days])
