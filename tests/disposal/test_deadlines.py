"""The legal clocks: test vectors, and what must hold of every clock."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heed_disposal.domain.calendar import Calendar
from heed_disposal.domain.deadlines import (
    Deadline,
    Due,
    Pause,
    band,
    cancel,
    is_overdue,
    meet,
    project,
    start,
)
from heed_disposal.domain.rules import DeadlineRule, Unit
from heed_disposal.domain.terms import Band, DeadlineState
from heed_shared.clock import day_end, local_day
from tests.disposal.builders import MONDAY, SHANGHAI, at, handbook

WEEKENDS = Calendar(lambda _day: None)
moments = st.datetimes(datetime(2023, 1, 1), datetime(2029, 12, 31)).map(
    lambda moment: moment.replace(tzinfo=SHANGHAI)
)
counted_units = st.sampled_from([Unit.DAY, Unit.WORKING_DAY, Unit.HOUR])


def rule(period: int, unit: Unit) -> DeadlineRule:
    return DeadlineRule("X", "1", "", "", period, unit, "", date(2000, 1, 1))


def due(period: int, unit: Unit, started_at: datetime, *pauses: Pause) -> Due:
    deadline = replace(start(rule(period, unit), 1, started_at, handbook().calendar), pauses=pauses)
    dates = project(rule(period, unit), deadline, handbook().calendar)
    assert dates is not None
    return dates


@pytest.mark.parametrize(
    ("code", "started", "internal", "legal"),
    [
        # Make-up Saturday 10-10 counts as a working day after the National Day week.
        ("D04", "2026-09-28", "2026-10-10", "2026-10-10"),
        # The fifteenth day falls into the holidays: internal stays, legal rolls on.
        ("D01", "2026-09-21", "2026-10-06", "2026-10-08"),
        ("D05", "2026-07-01", "2026-08-30", "2026-08-31"),
        ("F02", "2026-07-24", "2026-10-22", "2026-10-22"),
        # Spring Festival with make-up days before and after.
        ("D04", "2026-02-11", "2026-02-25", "2026-02-25"),
    ],
)
def test_the_dates_of_the_law_come_out(code: str, started: str, internal: str, legal: str) -> None:
    found = start(
        handbook().rules.on(code, date.fromisoformat(started)), 1, at(started), handbook().calendar
    )
    assert found.due == Due(date.fromisoformat(internal), date.fromisoformat(legal), None, False)


def test_past_the_published_calendar_a_date_is_provisional_and_weekends_rest() -> None:
    found = due(5, Unit.WORKING_DAY, at("2026-12-30"))
    assert found == Due(date(2027, 1, 6), date(2027, 1, 6), None, True)


def test_a_clock_in_hours_ends_at_its_hour_and_never_rolls() -> None:
    found = due(24, Unit.HOUR, at("2026-10-01", 15))
    assert found == Due(date(2026, 10, 2), date(2026, 10, 2), at("2026-10-02", 15), False)


def test_a_set_day_is_taken_as_it_is() -> None:
    found = start(rule(0, Unit.SET), 1, MONDAY, handbook().calendar, date(2026, 10, 3))
    assert found.due == Due(date(2026, 10, 3), date(2026, 10, 8), None, False)


def test_a_paused_clock_has_no_dates() -> None:
    deadline = start(rule(15, Unit.DAY), 1, MONDAY, handbook().calendar)
    paused = replace(deadline, pauses=(Pause(MONDAY, None, "听证"),))
    assert project(rule(15, Unit.DAY), paused, handbook().calendar) is None


@settings(max_examples=60, deadline=None)
@given(moments, st.integers(1, 70), counted_units)
def test_no_deadline_ends_before_it_begins(started_at: datetime, period: int, unit: Unit) -> None:
    dates = due(period, unit, started_at)
    assert local_day(started_at) <= dates.internal <= dates.legal
    assert dates.ends_at() > started_at


@settings(max_examples=60, deadline=None)
@given(moments, st.integers(0, 40), st.integers(1, 60), counted_units)
def test_a_later_start_never_ends_earlier(
    started_at: datetime, later_days: int, period: int, unit: Unit
) -> None:
    first = due(period, unit, started_at)
    second = due(period, unit, started_at + timedelta(days=later_days))
    assert second.internal >= first.internal
    assert second.legal >= first.legal


@settings(max_examples=60, deadline=None)
@given(moments, st.integers(1, 60), counted_units)
def test_a_longer_period_ends_later(started_at: datetime, period: int, unit: Unit) -> None:
    assert due(period + 1, unit, started_at).ends_at() > due(period, unit, started_at).ends_at()


@settings(max_examples=60, deadline=None)
@given(moments, st.integers(10, 60), st.integers(0, 9), st.integers(0, 30))
def test_a_pause_adds_exactly_its_days(
    started_at: datetime, period: int, before: int, length: int
) -> None:
    paused_at = started_at + timedelta(days=before)
    pause = Pause(paused_at, paused_at + timedelta(days=length), "听证")
    plain = due(period, Unit.DAY, started_at)
    assert due(period, Unit.DAY, started_at, pause).internal == plain.internal + timedelta(length)


@settings(max_examples=60, deadline=None)
@given(moments, st.integers(240, 900), st.integers(0, 200), st.integers(0, 500))
def test_a_pause_adds_exactly_its_hours(
    started_at: datetime, period: int, before: int, length: int
) -> None:
    paused_at = started_at + timedelta(hours=before)
    pause = Pause(paused_at, paused_at + timedelta(hours=length), "勘验")
    plain = due(period, Unit.HOUR, started_at)
    found = due(period, Unit.HOUR, started_at, pause)
    assert found.ends_at() - plain.ends_at() == timedelta(hours=length)


@settings(max_examples=60, deadline=None)
@given(moments, st.integers(12, 40), st.integers(0, 9), st.integers(0, 20))
def test_a_pause_of_a_working_day_clock_adds_exactly_the_working_days_in_it(
    started_at: datetime, period: int, before: int, length: int
) -> None:
    paused_at = started_at + timedelta(days=before)
    pause = Pause(paused_at, paused_at + timedelta(days=length), "鉴定")
    first, until = local_day(paused_at), local_day(paused_at + timedelta(days=length))
    inside = [first + timedelta(days=n) for n in range(1, (until - first).days + 1)]
    skipped = sum(handbook().calendar.look_up(day)[0] for day in inside)
    found = due(period, Unit.WORKING_DAY, started_at, pause)
    assert found.internal == due(period + skipped, Unit.WORKING_DAY, started_at).internal


@settings(max_examples=40, deadline=None)
@given(moments, st.integers(1, 30))
def test_the_legal_date_is_the_first_working_day_from_the_internal_one(
    started_at: datetime, period: int
) -> None:
    dates = due(period, Unit.DAY, started_at)
    passed = (dates.legal - dates.internal).days
    days = [dates.internal + timedelta(days=n) for n in range(passed + 1)]
    assert [handbook().calendar.look_up(day)[0] for day in days] == [False] * passed + [True]


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
