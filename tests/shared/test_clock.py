from datetime import UTC, date, datetime, timedelta

import pytest

from heed_shared.clock import ReplayClock, SystemClock, day_end, day_start, local_day
from heed_shared.errors import ClockBackwards

START = datetime(2026, 1, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 3, 1, 15, 59, 59, tzinfo=UTC), date(2026, 3, 1)),  # a second to midnight
        (datetime(2026, 3, 1, 16, tzinfo=UTC), date(2026, 3, 2)),  # midnight in Shanghai
    ],
)
def test_days_are_those_of_shanghai(moment: datetime, day: date) -> None:
    assert local_day(moment) == day


def test_a_day_ends_where_the_next_one_starts() -> None:
    day = date(2026, 2, 28)
    assert day_end(day) == day_start(date(2026, 3, 1))
    assert local_day(day_start(day)) == day
    assert local_day(day_end(day) - timedelta(microseconds=1)) == day


def test_a_replay_clock_stands_still_until_it_is_moved() -> None:
    clock = ReplayClock(START)
    assert clock.now() == START
    clock.advance(START + timedelta(days=1))
    assert clock.now() == START + timedelta(days=1)
    assert clock.now().tzinfo is UTC


def test_advancing_to_the_present_changes_nothing() -> None:
    clock = ReplayClock(START)
    clock.advance(START)
    assert clock.now() == START


def test_a_clock_never_goes_backwards() -> None:
    clock = ReplayClock(START)
    with pytest.raises(ClockBackwards) as raised:
        clock.advance(START - timedelta(microseconds=1))
    assert clock.now() == START
    assert raised.value.violations[0].field == "to"


def test_the_system_clock_is_aware_and_in_utc() -> None:
    assert abs(SystemClock().now() - datetime.now(UTC)) < timedelta(seconds=5)
