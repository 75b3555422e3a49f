"""The formulas of the indicators against figures worked out by hand, and their outcomes."""

from __future__ import annotations

import numpy as np
import pytest

from heed_warning.domain.counts import INDICATOR_MEASURES, Measure
from heed_warning.domain.evidence import Evidence
from heed_warning.domain.indicator_formulas import COMPUTATIONS
from heed_warning.domain.indicator_readings import Readings, read_indicators
from heed_warning.domain.indicators import (
    Direction,
    Family,
    IndicatorOutcome,
    valid_definitions,
)
from heed_warning.domain.panel import Cell
from tests.warning.evidence_setup import CELL, Entry, definition, evidence_of, weekly_entries
from tests.warning.simulation import CITY_CODE, FIRST_DAY

SHORT, HIDDEN = IndicatorOutcome.INSUFFICIENT_HISTORY, IndicatorOutcome.SUPPRESSED
FEW, NEVER = IndicatorOutcome.BELOW_MINIMUM, IndicatorOutcome.NOT_COUNTED


def read(code: str, evidence: Evidence, **fields: object) -> Readings:
    (found,) = read_indicators([definition(code, **fields)], evidence, evidence.every_row())
    return found


def value(code: str, evidence: Evidence) -> float:
    found = read(code, evidence)
    assert found.outcome[0] == IndicatorOutcome.VALUE
    return float(found.value[0])


def test_growth_is_held_against_the_eight_weeks_before() -> None:
    # Median 10; deviations 4, 2, 1, 0, 0, 1, 2, 4: their median 1.5, times 1.4826 = 2.22, which is
    # less than the 3.16 of the Poisson law: (30 - 10) / sqrt(10) = 6.32.
    weekly = [30, 6, 8, 9, 10, 10, 11, 12, 14, 0, 0, 0]
    found = read("A1", evidence_of({CELL: weekly}))
    assert found.value[0] == pytest.approx(20 / np.sqrt(10))
    assert (found.numerator[0], found.denominator[0]) == (30, 10)


def test_growth_uses_the_median_deviation_where_weeks_scatter_more() -> None:
    # Median 20; deviations 20, 20, 10, 0, 0, 10, 20, 20: median 15 -> 22.24. (42 - 20) / 22.24.
    weekly = [42, 0, 0, 10, 20, 20, 30, 40, 40, 0]
    assert value("A1", evidence_of({CELL: weekly})) == pytest.approx(22 / (1.4826 * 15))


def test_growth_is_held_against_the_same_weeks_of_three_years_where_there_are_three() -> None:
    weekly = np.full(170, 40.0)
    for year in (52, 104, 156):
        weekly[year - 2 : year + 3] = 90.0
    weekly[0] = 90.0
    assert value("A1", evidence_of({CELL: weekly})) == 0.0
    young = evidence_of({CELL: weekly}, history_days=7 * 150)
    assert value("A1", young) == pytest.approx(50 / np.sqrt(40))


def test_year_on_year_and_else_month_on_month() -> None:
    weekly = [10.0, 10, 10, 10, 5, 5, 5, 5] + [5.0] * 44 + [8, 8, 8, 8] + [1.0] * 10
    with_year = evidence_of({CELL: weekly})
    found = read("A2", with_year)
    assert (found.numerator[0], found.denominator[0]) == (40, 32)
    assert found.value[0] == 1.25
    assert value("A2", evidence_of({CELL: weekly[:40]})) == 2.0


@pytest.mark.parametrize(
    ("code", "above", "below"),
    [
        ("B1", Measure.REPEAT, Measure.ITEMS),
        ("B2", Measure.JOINT, Measure.ITEMS),
        ("B4", Measure.OVERDUE, Measure.DUE),
        ("B5", Measure.DISSATISFIED, Measure.RATED),
        ("B6", Measure.UNPERFORMED, Measure.SUPPORTED),
        ("B7", Measure.OVERTURNED, Measure.REVIEWED),
        ("C4", Measure.HAZARD, Measure.ITEMS),
    ],
)
def test_shares_divide_what_their_names_say(code: str, above: Measure, below: Measure) -> None:
    weeks = definition(code).window_days // 7
    entries = {above: weekly_entries(CELL, [3] * weeks + [50]),
               below: weekly_entries(CELL, [10] * weeks + [50])}  # fmt: skip
    found = read(code, evidence_of({CELL: [10] * weeks + [50]}, entries))
    assert (found.numerator[0], found.denominator[0]) == (3 * weeks, 10 * weeks)
    assert found.value[0] == pytest.approx(0.3)


def test_the_median_bucket_of_people() -> None:
    entries = {Measure.PEOPLE: [
        *weekly_entries(CELL, [4], bucket=0), *weekly_entries(CELL, [8], bucket=1),
        *weekly_entries(CELL, [9], bucket=2), *weekly_entries(CELL, [9], bucket=5),
    ]}  # fmt: skip
    # 30 items: 12 of one person (bucket 0 is read as 1), 9 of 2-4: the middle lies in bucket 2.
    assert value("B3", evidence_of({CELL: [30, 0, 0, 0]}, entries)) == 2.0


def test_the_median_days_without_an_update_lie_inside_their_bucket() -> None:
    entries = {Measure.STALE: [
        (CELL, 1, 400, 400, 10.0), (CELL, 2, 90, 90, 20.0), (CELL, 3, 5, 5, 10.0),
    ]}  # fmt: skip
    # 40 open items, however long ago they were counted: the 20th is half-way through 8 .. 16.
    assert value("C2", evidence_of({CELL: [1] * 60}, entries)) == pytest.approx(12.0)


def test_acceleration_is_the_change_of_growth_over_two_periods() -> None:
    weekly = [60.0, 40, 10, *[10.0] * 20]
    now = (60 - 10) / np.sqrt(10)  # of the eight weeks before, 40 and 10 x 7: median 10, MAD 0
    assert value("C3", evidence_of({CELL: weekly})) == pytest.approx(now - 0.0)


def test_spread_counts_counties_that_have_the_problem_anew() -> None:
    rows = {
        Cell("9A0101", "01"): [2.0, 1] + [0.0] * 20,
        Cell("9A0102", "01"): [3.0] + [0.0] * 11 + [5.0] * 10,
        Cell("9A0103", "01"): [2.0] + [0.0] * 7 + [1.0] + [0.0] * 13,
        Cell("9A0104", "01"): [1.0] + [0.0] * 21,
        Cell("9A0105", "01"): [9.0] * 22,
        Cell(CITY_CODE, "01"): [17.0, 10] + [9.0] * 20,
    }
    found = read("C1", evidence_of(rows))
    city = evidence_of(rows).cells.index(Cell(CITY_CODE, "01"))
    # 0101 and 0102 are new; 0103 had one two windows ago; 0104 has one item only; 0105 always had.
    assert (found.numerator[city], found.denominator[city]) == (2, 4)
    assert found.outcome[city] == IndicatorOutcome.VALUE
    assert set(np.delete(found.outcome, city)) == {NEVER}, "a county has no counties below it"


def test_what_was_overdue_then_is_not_forgotten_when_it_ends() -> None:
    # Ten items fell due 40 days ago, six of them overdue a day later and ended 12 days ago.
    due: list[Entry] = [(CELL, 0, 40, 40, 20.0)]
    overdue: list[Entry] = [(CELL, 0, 40, 39, 6.0), (CELL, 0, 40, 12, -6.0)]
    evidence = evidence_of({CELL: [5] * 60}, {Measure.DUE: due, Measure.OVERDUE: overdue})
    seen = evidence.window(Measure.OVERDUE, 28, evidence.every_row(), 8)[0]
    # Windows that end 14 to 35 days ago hold day 40 and knew of six; later ones do not hold it.
    assert seen.tolist() == [0, 0, 6, 6, 6, 6, 0, 0]
    longer = evidence.window(Measure.OVERDUE, 56, evidence.every_row(), 4)[0]
    assert longer.tolist() == [0, 0, 6, 6], "those that end 7 and 0 days ago know that it ended"


def test_a_denominator_below_its_minimum_has_no_figure() -> None:
    evidence = evidence_of({CELL: [5, 5, 5, 4]}, {Measure.REPEAT: weekly_entries(CELL, [9])})
    assert read("B1", evidence).outcome[0] == FEW
    reading = read("B1", evidence).reading(0)
    assert (reading.value, reading.numerator, reading.denominator) == (0, 0, 0)


@pytest.mark.parametrize("repeats", [1, 4, 16, 19])
def test_small_counts_on_either_side_are_hidden_with_their_share(repeats: int) -> None:
    entries = {Measure.REPEAT: weekly_entries(CELL, [repeats])}
    reading = read("B1", evidence_of({CELL: [20, 0, 0, 0]}, entries)).reading(0)
    assert reading.outcome is HIDDEN
    assert (reading.value, reading.numerator, reading.denominator) == (0, 0, 0)
    assert reading.percentile == -1


@pytest.mark.parametrize("repeats", [0, 5, 15, 20])
def test_other_counts_are_shown(repeats: int) -> None:
    entries = {Measure.REPEAT: [*weekly_entries(CELL, [repeats]), (CELL, 0, 300, 300, 1.0)]}
    reading = read("B1", evidence_of({CELL: [20, 0, 0, 0]}, entries)).reading(0)
    assert reading.outcome is IndicatorOutcome.VALUE
    assert reading.value == repeats / 20


def test_what_was_never_counted_is_no_zero() -> None:
    evidence = evidence_of({CELL: [30] * 10}, {Measure.DUE: weekly_entries(CELL, [30])})
    for code in ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "C2", "C4"):
        assert read(code, evidence).outcome[0] == NEVER, code


def test_growth_without_a_past_is_insufficient_history() -> None:
    for code in ("A1", "A2", "C3"):
        fields = {"minimum_denominator": 0}
        found = read(code, evidence_of({CELL: [30, 10]}), **fields)
        assert found.outcome[0] == SHORT
        assert found.reading(0).value == 0


def test_suggestions_feed_no_indicator() -> None:
    used = {measure for one in COMPUTATIONS.values() for measure in one.measures}
    assert Measure.SUGGESTION not in used | set(INDICATOR_MEASURES)
    entries = {Measure.SUGGESTION: weekly_entries(CELL, [500] * 4)}
    plain, more = evidence_of({CELL: [30] * 60}), evidence_of({CELL: [30] * 60}, entries)
    for code in COMPUTATIONS:
        one, two = read(code, plain), read(code, more)
        assert one.outcome.tolist() == two.outcome.tolist()
        assert np.array_equal(one.value, two.value, equal_nan=True)


def test_satisfaction_is_shown_with_how_many_took_part() -> None:
    entries = {
        Measure.RATED: weekly_entries(CELL, [30]),
        Measure.DISSATISFIED: weekly_entries(CELL, [6]),
        Measure.INVITED: weekly_entries(CELL, [120]),
    }
    assert read("B5", evidence_of({CELL: [30] * 4}, entries)).reading(0).title == (
        "不满意率(参评率25%)"
    )


def test_the_percentile_is_the_share_of_own_past_values_below() -> None:
    # 60 windows of a week before this one: 45 of 10, 15 of 30. A week of 20 lies above 45.
    weekly = [20.0] + ([10.0] * 3 + [30.0]) * 15
    found = read("A2", evidence_of({CELL: weekly}), window_days=7, minimum_denominator=1)
    assert -1 < found.percentile[0] <= 1
    people = {Measure.PEOPLE: [
        entry for ago, bucket in enumerate([2] + ([1, 1, 1, 3] * 15))
        for entry in [(CELL, bucket, 7 * ago + 1, 7 * ago + 1, 20.0)]
    ]}  # fmt: skip
    found = read("B3", evidence_of({CELL: [20] * 61}, people), window_days=7)
    assert found.percentile[0] == pytest.approx(0.75)


def test_too_few_past_values_give_no_percentile_and_nothing_is_over() -> None:
    entries = {Measure.REPEAT: weekly_entries(CELL, [28] + [1] * 29)}
    short = evidence_of({CELL: [30] * 30}, entries)
    found = read("B1", short, window_days=7)
    assert (found.percentile[0] >= 0, bool(found.over[0])) == (True, True)
    found = read("B1", evidence_of({CELL: [30] * 20}, entries), window_days=7)
    assert (found.percentile[0], bool(found.over[0])) == (-1, False)


def test_a_share_within_chance_is_not_over_although_it_is_the_highest() -> None:
    def over(latest: int) -> bool:
        counts = [latest] + [5, 6, 7] * 20
        evidence = evidence_of({CELL: [30] * 61}, {Measure.REPEAT: weekly_entries(CELL, counts)})
        return bool(read("B1", evidence, window_days=7).over[0])

    assert not over(9), "of 30 at a fifth, nine or more come by chance one week in nine"
    assert not over(13)
    assert over(14), "fewer than one week in a thousand"


def test_lower_is_worse_turns_the_percentile_around() -> None:
    weekly = [10.0] + [20.0, 30.0] * 30
    found = read("A2", evidence_of({CELL: weekly}), window_days=7,
                 direction=Direction.LOWER_IS_WORSE)  # fmt: skip
    assert found.percentile[0] == 0
    assert not found.over[0]


def test_every_plan_family_has_its_indicators_of_the_domain_guide() -> None:
    shipped = valid_definitions([definition(code) for code in COMPUTATIONS], FIRST_DAY)
    families = {family: {one.code for one in shipped if one.family is family} for family in Family}
    assert families == {
        Family.POLICY_IMPACT: {"C1", "C4"},
        Family.SERVICE_PRESSURE: {"A1", "B1", "B2", "B3", "B4", "B5", "B6", "B7"},
        Family.DEVELOPMENT: {"A2", "C2", "C3"},
    }
    minimum = {one.code: one.minimum_denominator for one in shipped}
    assert minimum == {"A1": 10, "A2": 20, "B1": 20, "B2": 20, "B3": 20, "B4": 20, "B5": 20,
                       "B6": 10, "B7": 10, "C1": 3, "C2": 10, "C3": 10, "C4": 5}  # fmt: skip


def test_weeks_before_a_measure_came_in_are_unknown_and_no_reason_to_call_it_high() -> None:
    weekly = {CELL: [40.0] * 80}
    joint = {Measure.JOINT: weekly_entries(CELL, [20.0] * 4)}
    found = read("B2", evidence_of(weekly, joint), window_days=28)
    assert found.outcome[0] == IndicatorOutcome.VALUE
    assert (found.percentile[0], found.over[0]) == (-1, False)
    since_long = {Measure.JOINT: weekly_entries(CELL, [20.0] * 4 + [1.0] * 60)}
    found = read("B2", evidence_of(weekly, since_long), window_days=28)
    assert (found.percentile[0], found.over[0]) == (1, True)
