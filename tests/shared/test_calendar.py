"""The work calendar against dates counted by hand from the holiday notices."""

from datetime import date

import pytest

from heed_shared.reference.calendar import (
    CalendarUnknown,
    add_working_days,
    is_working_day,
    next_working_day,
)


@pytest.mark.parametrize(
    ("start", "n", "end"),
    [
        pytest.param(date(2026, 9, 28), 5, date(2026, 10, 10), id="National Day, make-up Saturday"),
        pytest.param(date(2026, 2, 11), 5, date(2026, 2, 25), id="Spring Festival"),
        pytest.param(date(2026, 6, 1), 1, date(2026, 6, 2), id="the first day is not counted"),
        pytest.param(date(2026, 6, 5), 1, date(2026, 6, 8), id="weekend"),
        pytest.param(date(2026, 6, 6), 0, date(2026, 6, 6), id="no days"),
    ],
)
def test_working_days_are_added(start: date, n: int, end: date) -> None:
    assert add_working_days(start, n) == end


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        pytest.param(date(2026, 10, 10), True, id="make-up Saturday"),
        pytest.param(date(2026, 10, 11), False, id="Sunday"),
        pytest.param(date(2026, 10, 1), False, id="statutory holiday on a Thursday"),
        pytest.param(date(2026, 10, 9), True, id="Friday"),
    ],
)
def test_make_up_days_are_worked_and_holidays_are_not(day: date, worked: bool) -> None:
    assert is_working_day(day) is worked


def test_the_next_working_day_may_be_the_day_itself() -> None:
    assert next_working_day(date(2026, 10, 9)) == date(2026, 10, 9)
    assert next_working_day(date(2026, 10, 1)) == date(2026, 10, 8)


def test_past_the_last_notice_nothing_is_guessed() -> None:
    with pytest.raises(CalendarUnknown, match="2027-01-04"):
        is_working_day(date(2027, 1, 4))
    with pytest.raises(CalendarUnknown):
        add_working_days(date(2026, 12, 31), 1)


def test_days_are_not_added_backwards() -> None:
    with pytest.raises(ValueError, match="negative"):
        add_working_days(date(2026, 6, 1), -1)
