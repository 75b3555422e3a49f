"""Counting deadlines: the test vectors of the guide, and what must hold of every count."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heed_shared.clock import SHANGHAI, local_day
from heed_shared.reference.deadline_rules import DeadlineRule, Unit, load_rules
from heed_shared.reference.deadlines import NATIONAL, Due, Standstill, covered, due

moments = st.datetimes(datetime(2023, 1, 1), datetime(2029, 12, 31)).map(
    lambda moment: moment.replace(tzinfo=SHANGHAI)
)
counted_units = st.sampled_from([Unit.DAY, Unit.WORKING_DAY, Unit.HOUR])
periods = st.integers(1, 90)


@st.composite
def standstills(draw: st.DrawFn, started_at: datetime, most: int = 4) -> list[Standstill]:
    """Spans after the start, in any order, some of them inside or across others."""
    found = []
    for _ in range(draw(st.integers(0, most))):
        begun_at = started_at + timedelta(hours=draw(st.integers(0, 24 * 60)))
        found.append(Standstill(begun_at, begun_at + timedelta(hours=draw(st.integers(0, 500)))))
    return found


@st.composite
def clocks(draw: st.DrawFn) -> tuple[DeadlineRule, datetime, list[Standstill]]:
    """A rule, when its clock began, and the spans in which it stood still."""
    started_at = draw(moments)
    return rule(draw(periods), draw(counted_units)), started_at, draw(standstills(started_at))


def rule(period: int, unit: Unit) -> DeadlineRule:
    return DeadlineRule("X", "1", "", "", period, unit, "", date(2000, 1, 1))


def start(day: str, hour: int = 10) -> datetime:
    return datetime.fromisoformat(day).replace(hour=hour, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("code", "started", "internal", "legal"),
    [
        # A make-up Saturday counts as a working day after the National Day week.
        ("D04", "2026-09-28", "2026-10-10", "2026-10-10"),
        # The fifteenth day falls into the holidays: internal stays, legal rolls on.
        ("D01", "2026-09-21", "2026-10-06", "2026-10-08"),
        # Sixty days end on a Sunday.
        ("D05", "2026-07-01", "2026-08-30", "2026-08-31"),
        # Ninety days.
        ("F02", "2026-07-24", "2026-10-22", "2026-10-22"),
        # Spring Festival with make-up days before and after.
        ("D04", "2026-02-11", "2026-02-25", "2026-02-25"),
    ],
)
@pytest.mark.parametrize("hour", [0, 10, 23])
def test_the_dates_of_the_guide_come_out_at_any_hour(
    code: str, started: str, internal: str, legal: str, hour: int
) -> None:
    found = due(load_rules().on(code, date.fromisoformat(started)), start(started, hour))
    assert found == Due(date.fromisoformat(internal), date.fromisoformat(legal), None, False)


@pytest.mark.parametrize(
    ("code", "started", "internal"),
    [
        ("D14", "2026-09-21", "2026-10-19"),
        ("D14R", "2026-09-21", "2026-10-19"),
        ("D15", "2026-09-28", "2026-10-10"),
    ],
)
# Mid-Autumn and National Day lie between.
def test_the_clocks_of_accusations_count_working_days(
    code: str, started: str, internal: str
) -> None:
    found = due(load_rules().on(code, date.fromisoformat(started)), start(started))
    assert found.internal == found.legal == date.fromisoformat(internal)


def test_past_the_published_calendar_a_date_is_provisional_and_weekends_rest() -> None:
    found = due(rule(5, Unit.WORKING_DAY), start("2026-12-30"))
    assert found == Due(date(2027, 1, 6), date(2027, 1, 6), None, True)
    assert due(rule(10, Unit.DAY), start("2026-12-30")).provisional
    assert not due(rule(10, Unit.HOUR), start("2026-12-31", 20)).provisional


def test_a_clock_in_hours_ends_at_its_hour_and_never_rolls() -> None:
    found = due(rule(24, Unit.HOUR), start("2026-10-01", 15))
    assert found == Due(date(2026, 10, 2), date(2026, 10, 2), start("2026-10-02", 15), False)


def test_a_set_day_is_taken_as_it_is_and_an_extension_moves_it() -> None:
    day = date(2026, 10, 3)
    found = due(rule(0, Unit.SET), start("2026-09-21"), set_due_on=day)
    assert found == Due(day, date(2026, 10, 8), None, False)
    later = due(rule(0, Unit.SET), start("2026-09-21"), set_due_on=day, extended_days=7)
    assert later.internal == date(2026, 10, 10)


@settings(max_examples=100, deadline=None)
@given(clocks())
def test_no_deadline_ends_before_it_begins_nor_the_legal_before_the_internal_date(
    clock: tuple[DeadlineRule, datetime, list[Standstill]],
) -> None:
    of, started_at, stood_still = clock
    found = due(of, started_at, stood_still=stood_still)
    assert local_day(started_at) <= found.internal <= found.legal
    assert started_at < found.last_moment() <= found.ends_at()


@settings(max_examples=100, deadline=None)
@given(clocks(), st.data())
def test_more_standstill_never_moves_a_date_backwards(
    clock: tuple[DeadlineRule, datetime, list[Standstill]], data: st.DataObject
) -> None:
    of, started_at, stood_still = clock
    more = stood_still + data.draw(standstills(started_at))
    before = due(of, started_at, stood_still=stood_still)
    after = due(of, started_at, stood_still=more)
    assert after.ends_at() >= before.ends_at()
    assert after.legal >= before.legal


@settings(max_examples=100, deadline=None)
@given(clocks(), st.integers(1, 60))
def test_an_extension_never_moves_a_date_backwards(
    clock: tuple[DeadlineRule, datetime, list[Standstill]], days: int
) -> None:
    of, started_at, stood_still = clock
    plain = due(of, started_at, stood_still=stood_still)
    extended = due(of, started_at, stood_still=stood_still, extended_days=days)
    assert extended.ends_at() > plain.ends_at()
    assert extended.legal >= plain.legal


@settings(max_examples=60, deadline=None)
@given(moments, periods, st.integers(1, 60), counted_units)
def test_an_extension_adds_exactly_its_days(
    started_at: datetime, period: int, days: int, unit: Unit
) -> None:
    plain = due(rule(period, unit), started_at)
    extended = due(rule(period, unit), started_at, extended_days=days)
    if unit is Unit.WORKING_DAY:
        assert extended.internal == NATIONAL.add_working_days(plain.internal, days).day
    else:
        assert extended.ends_at() == plain.ends_at() + timedelta(days=days)


@settings(max_examples=60, deadline=None)
@given(moments, st.integers(0, 40), periods, counted_units)
def test_a_later_start_never_ends_earlier(
    started_at: datetime, later_days: int, period: int, unit: Unit
) -> None:
    first = due(rule(period, unit), started_at)
    second = due(rule(period, unit), started_at + timedelta(days=later_days))
    assert second.internal >= first.internal
    assert second.legal >= first.legal


@settings(max_examples=60, deadline=None)
@given(moments, st.integers(10, 60), st.integers(0, 9), st.integers(0, 30))
def test_a_standstill_adds_exactly_its_days(
    started_at: datetime, period: int, before: int, length: int
) -> None:
    begun_at = started_at + timedelta(days=before)
    span = Standstill(begun_at, begun_at + timedelta(days=length))
    plain = due(rule(period, Unit.DAY), started_at)
    found = due(rule(period, Unit.DAY), started_at, stood_still=[span])
    assert found.internal == plain.internal + timedelta(length)


@settings(max_examples=60, deadline=None)
@given(moments, st.integers(240, 900), st.integers(0, 200), st.integers(0, 500))
def test_a_standstill_adds_exactly_its_hours(
    started_at: datetime, period: int, before: int, length: int
) -> None:
    begun_at = started_at + timedelta(hours=before)
    span = Standstill(begun_at, begun_at + timedelta(hours=length))
    plain = due(rule(period, Unit.HOUR), started_at)
    found = due(rule(period, Unit.HOUR), started_at, stood_still=[span])
    assert found.ends_at() - plain.ends_at() == timedelta(hours=length)


@settings(max_examples=60, deadline=None)
@given(moments, st.integers(12, 40), st.integers(0, 9), st.integers(0, 20))
def test_a_standstill_of_working_days_adds_exactly_the_working_days_in_it(
    started_at: datetime, period: int, before: int, length: int
) -> None:
    begun_at = started_at + timedelta(days=before)
    ended_at = begun_at + timedelta(days=length)
    first, until = local_day(begun_at), local_day(ended_at)
    inside = [first + timedelta(days=n) for n in range(1, (until - first).days + 1)]
    skipped = sum(NATIONAL.look_up(day)[0] for day in inside)
    span = Standstill(begun_at, ended_at)
    found = due(rule(period, Unit.WORKING_DAY), started_at, stood_still=[span])
    assert found.internal == due(rule(period + skipped, Unit.WORKING_DAY), started_at).internal


@settings(max_examples=60, deadline=None)
@given(clocks(), st.randoms(use_true_random=False))
def test_spans_that_overlap_count_once_in_whatever_order_they_are_told(
    clock: tuple[DeadlineRule, datetime, list[Standstill]], random: object
) -> None:
    of, started_at, stood_still = clock
    shuffled = [*stood_still, *stood_still]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert due(of, started_at, stood_still=shuffled) == due(of, started_at, stood_still=stood_still)
    assert covered(shuffled) == covered(stood_still)


def test_two_overlapping_standstills_add_the_time_that_they_cover_together() -> None:
    begun = start("2026-06-01")
    spans = [
        Standstill(begun + timedelta(days=2), begun + timedelta(days=8)),
        Standstill(begun + timedelta(days=5), begun + timedelta(days=12)),
    ]
    plain = due(rule(15, Unit.DAY), begun)
    found = due(rule(15, Unit.DAY), begun, stood_still=spans)
    assert found.internal == plain.internal + timedelta(days=10)
    assert covered(spans) == timedelta(days=10)


def test_what_stood_still_before_the_start_or_after_the_end_adds_nothing() -> None:
    begun = start("2026-06-01")
    for unit in (Unit.DAY, Unit.WORKING_DAY, Unit.HOUR):
        plain = due(rule(10, unit), begun)
        spans = [
            Standstill(begun - timedelta(days=9), begun),
            Standstill(begun + timedelta(days=40), begun + timedelta(days=50)),
        ]
        assert due(rule(10, unit), begun, stood_still=spans) == plain


@settings(max_examples=40, deadline=None)
@given(moments, st.integers(1, 30))
def test_the_legal_date_is_the_first_working_day_from_the_internal_one(
    started_at: datetime, period: int
) -> None:
    found = due(rule(period, Unit.DAY), started_at)
    passed = (found.legal - found.internal).days
    days = [found.internal + timedelta(days=n) for n in range(passed + 1)]
    assert [NATIONAL.look_up(day)[0] for day in days] == [False] * passed + [True]
