"""The work calendar against dates counted by hand from the holiday notices."""

from datetime import date
from pathlib import Path

import pytest

from heed_shared.reference.calendar import Calendar, CalendarUnknown, CountedDay, is_working_day
from heed_shared.reference.mounted_table import BadTableError

NATIONAL = Calendar()


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
    assert NATIONAL.add_working_days(start, n) == CountedDay(end, provisional=False)


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


def test_a_rest_day_rolls_on_and_a_working_day_does_not() -> None:
    assert NATIONAL.roll_forward(date(2026, 10, 9)).day == date(2026, 10, 9)
    assert NATIONAL.roll_forward(date(2026, 10, 1)).day == date(2026, 10, 8)


def test_past_the_last_notice_a_plain_question_fails_and_a_count_is_provisional() -> None:
    with pytest.raises(CalendarUnknown, match="2027-01-04"):
        is_working_day(date(2027, 1, 4))
    # Weekends only: New Year's Day 2027 is a Friday and looks worked.
    assert NATIONAL.add_working_days(date(2026, 12, 31), 1) == CountedDay(date(2027, 1, 1), True)
    assert NATIONAL.roll_forward(date(2027, 1, 2)) == CountedDay(date(2027, 1, 4), True)


def test_days_are_not_added_backwards() -> None:
    with pytest.raises(ValueError, match="negative"):
        NATIONAL.add_working_days(date(2026, 6, 1), -1)


def notices(folder: Path, *lines: str) -> Path:
    file = folder / "holidays.csv"
    file.write_text("\n".join(["day,kind", *lines]), "utf-8")
    return file


def test_a_loaded_notice_makes_its_year_certain(tmp_path: Path) -> None:
    calendar = Calendar.load(notices(tmp_path, "2027-01-01,rest", "2027-01-03,work"))
    assert calendar.add_working_days(date(2026, 12, 31), 1) == CountedDay(date(2027, 1, 3), False)
    assert calendar.roll_forward(date(2027, 5, 1)) == CountedDay(date(2027, 5, 3), False)
    # The package still answers for its own years, and nobody for those after the notice.
    assert calendar.look_up(date(2026, 10, 1)) == (False, False)
    assert calendar.look_up(date(2028, 1, 3)) == (True, True)


def test_a_loaded_notice_corrects_a_published_day(tmp_path: Path) -> None:
    calendar = Calendar.load(notices(tmp_path, "2026-10-09,rest"))
    assert calendar.look_up(date(2026, 10, 9)) == (False, False)


def test_every_wrong_line_of_a_notice_is_named(tmp_path: Path) -> None:
    file = notices(tmp_path, "2027-02-30,rest", "2027-01-01,holiday", "2027-05-01,rest")
    file.write_text(file.read_text("utf-8") + "\n2027-05-01,work", "utf-8")
    with pytest.raises(BadTableError) as caught:
        Calendar.load(file)
    assert [bad.line for bad in caught.value.bad_lines] == [2, 3, 5]
