"""The legal clocks: test vectors, and what must hold of every clock."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from heed_disposal.domain.deadlines import (
    Deadline,
    Pause,
    band,
    cancel,
    is_overdue,
    meet,
    project,
    start,
)
from heed_disposal.domain.terms import Band, DeadlineState
from heed_shared.clock import day_end
from heed_shared.reference.calendar import Calendar
from heed_shared.reference.deadline_rules import DeadlineRule, Unit
from tests.disposal.builders import MONDAY, handbook

WEEKENDS = Calendar(lambda _day: None)


def rule(period: int, unit: Unit) -> DeadlineRule:
    return DeadlineRule("X", "1", "", "", period, unit, "", date(2000, 1, 1))


def test_a_paused_clock_has_no_dates() -> None:
    deadline = start(rule(15, Unit.DAY), 1, MONDAY, handbook().calendar)
    paused = replace(deadline, pauses=(Pause(MONDAY, None, "听证"),))
    assert project(rule(15, Unit.DAY), paused, handbook().calendar) is None


def running(period: int = 100) -> Deadline:
    return start(rule(period, Unit.HOUR), 1, MONDAY, WEEKENDS)


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        (0, Band.AMPLE),
        (49, Band.AMPLE),
        (50, Band.NORMAL),
        (75, Band.WARN),
        (85, Band.SERIOUS),
        (99, Band.CRITICAL),
        (100, Band.OVERDUE),
        (5000, Band.OVERDUE),
    ],
)
def test_the_band_follows_the_share_of_time_used(hours: int, expected: Band) -> None:
    assert band(running(), MONDAY + timedelta(hours=hours)) is expected


def test_the_band_does_not_count_the_time_it_stood_still() -> None:
    pause = Pause(MONDAY, MONDAY + timedelta(hours=50), "听证")
    paused = replace(running(), pauses=(pause,))
    paused = replace(paused, due=project(rule(100, Unit.HOUR), paused, WEEKENDS))
    assert band(paused, MONDAY + timedelta(hours=99)) is Band.AMPLE
    assert band(paused, MONDAY + timedelta(hours=100)) is Band.NORMAL


def test_a_deadline_in_days_is_overdue_only_when_its_internal_day_has_ended() -> None:
    deadline = start(handbook().rules.on("D01", date(2026, 9, 21)), 1, MONDAY, handbook().calendar)
    last_moment = day_end(date(2026, 10, 6)) - timedelta(seconds=1)
    assert not is_overdue(deadline, last_moment)
    assert meet(deadline, last_moment).state is DeadlineState.MET
    # The legal date of 10-08 is not used by an agency to look on time.
    assert is_overdue(deadline, day_end(date(2026, 10, 6)))
    assert meet(deadline, day_end(date(2026, 10, 6))).state is DeadlineState.MET_LATE


def test_what_does_not_run_has_no_band_and_is_not_overdue() -> None:
    late = MONDAY + timedelta(days=900)
    for ended in (meet(running(), late), cancel(running())):
        assert band(ended, late) is Band.UNSPECIFIED
        assert not is_overdue(ended, late)
