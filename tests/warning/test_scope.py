"""How many people, and which regions may follow: from counts alone, and silent about the small."""

from __future__ import annotations

import numpy as np
import pytest
from heed.common.v1.matter_pb2 import PeopleBucket

from heed_warning.domain import negative_binomial as nb
from heed_warning.domain.counts import Measure
from heed_warning.domain.evidence import Entries, Evidence
from heed_warning.domain.panel import Cell
from heed_warning.domain.people import (
    FEWEST_ITEMS,
    PEOPLE_OF_BUCKET,
    people_histogram,
    people_of,
)
from heed_warning.domain.scope import (
    FOLLOW_DAYS,
    MOST_FOLLOWERS,
    NEVER_SEEN,
    Relation,
    Risk,
    followers,
    related,
)
from tests.warning.simulation import panel_of
from tests.warning.test_reconciliation import above

A, B, C = Cell("9A0101", "01"), Cell("9A0102", "01"), Cell("9A0201", "01")
CITY, PROVINCE = Cell("9A0100", "01"), Cell("9A0000", "01")
OTHER = Cell("9A0102", "02")


def test_every_bucket_of_the_contract_has_its_number_of_people() -> None:
    assert len(PEOPLE_OF_BUCKET) == len(PeopleBucket.values()) - 1
    for name, number in PeopleBucket.items():
        ends = [int(part) for part in name.removeprefix("PEOPLE_BUCKET_").split("_")
                if part.isdigit()]  # fmt: skip
        if len(ends) == 2:
            assert ends[0] <= PEOPLE_OF_BUCKET[number - 1] <= ends[1]


def evidence(*buckets: tuple[int, int, int]) -> Evidence:
    """Evidence of one cell: items of a bucket, so many days old."""
    made = {
        bucket: Entries(
            np.zeros(1, np.int32), np.array([age], np.int32), np.zeros(1, np.int32),
            np.array([count], float),
        )
        for bucket, age, count in buckets
    }  # fmt: skip
    nothing = np.zeros(1, dtype=np.int64)
    return Evidence((A,), nothing, nothing, nothing, np.zeros((1, 1)), {Measure.PEOPLE: made})


def test_the_histogram_holds_ninety_days_and_no_negative_counts() -> None:
    found = people_histogram(evidence((1, 0, 4), (2, 89, 3), (3, 90, 9), (4, 5, -2)))
    assert found.tolist() == [[4, 3, 0, 0, 0, 0, 0]]


def test_expected_people_are_items_times_people_an_item() -> None:
    histogram = np.array([[8.0, 0, 2, 0, 0, 0, 0]])
    rng = np.random.default_rng(1)
    expected, quantiles = people_of(rng, np.array([20.0]), np.array([0.1]), histogram)
    assert expected[0] == pytest.approx(20 * (0.8 * 1 + 0.2 * 7))
    # The same law by drawing item for item.
    slow = np.random.default_rng(2)
    drawn = [
        slow.choice([1, 7], p=[0.8, 0.2], size=items).sum()
        for items in nb.draw(slow, np.full(4000, 20.0), np.full(4000, 0.1))
    ]
    assert quantiles[0] == pytest.approx(np.quantile(drawn, [0.05, 0.5, 0.95]), rel=0.1)


def test_a_handful_of_items_says_nothing_about_people() -> None:
    few = np.array([[FEWEST_ITEMS - 1.0, 0, 0, 0, 0, 0, 0], [0.0] * 7])
    rng = np.random.default_rng(1)
    expected, quantiles = people_of(rng, np.array([3.0, 3.0]), np.array([0.1, 0.1]), few)
    assert not expected.any()
    assert not quantiles.any()


def test_neighbours_are_under_the_same_parent_and_of_the_same_category() -> None:
    found = related([A, B, C, CITY, PROVINCE, OTHER], [A, CITY, PROVINCE, C], above)
    assert found[A] == [(B, Relation.NEIGHBOUR), (CITY, Relation.PARENT)]
    assert found[CITY] == [(PROVINCE, Relation.PARENT)]
    assert found[PROVINCE] == []
    assert found[C] == [(PROVINCE, Relation.PARENT)], "its city has no counts of its own"


def surges(days: int, *starts: int, lag: int = 0) -> list[float]:
    """One item a day, and a week of ten from each start on."""
    counts = np.ones(days)
    for start in starts:
        counts[start + lag : start + lag + 7] += 9
    return counts.tolist()


def test_the_share_tells_how_often_a_cell_followed() -> None:
    starts = (60, 160, 260, 360)
    panel = panel_of(
        {
            A: surges(460, *starts),
            B: surges(460, *starts, lag=14),
            CITY: surges(460, *starts[:2], lag=21),
        }
    )
    risks = {A: Risk(0.5, 20.0), B: Risk(0.2, 20.0), CITY: Risk(0.7, 20.0)}
    relations = related(panel.cells, [A], above)
    found = followers(panel, risks, relations)[A]
    assert [item.cell for item in found] == [CITY, B], "the likeliest first"
    assert {item.cell: item.followed_share for item in found} == {B: 1.0, CITY: 0.5}
    assert {item.cell: item.exceedance for item in found} == {B: 0.2, CITY: 0.7}


def test_a_surge_after_more_than_four_weeks_did_not_follow() -> None:
    starts = (60, 160, 260, 360)
    late = surges(460, *starts, lag=FOLLOW_DAYS + 8)
    panel = panel_of({A: surges(460, *starts), B: late})
    risks = dict.fromkeys((A, B), Risk(0.5, 20.0))
    [found] = followers(panel, risks, related(panel.cells, [A], above))[A]
    assert found.followed_share == 0.0


@pytest.mark.parametrize("days", [30, 70, 260])
def test_too_few_beginnings_tell_no_share(days: int) -> None:
    panel = panel_of({A: surges(days, 20, 160)[:days], B: surges(days, 20, 160)[:days]})
    risks = dict.fromkeys((A, B), Risk(0.5, 20.0))
    [found] = followers(panel, risks, related(panel.cells, [A], above))[A]
    assert found.followed_share == NEVER_SEEN


def test_a_cell_without_a_forecast_is_no_follower_and_the_list_ends() -> None:
    many = {Cell(f"9A01{number:02}", "01"): surges(300, 60) for number in range(1, 40)}
    panel = panel_of(many)
    cells = list(many)
    risks = {cell: Risk(number / 100, 20.0) for number, cell in enumerate(cells) if number != 5}
    found = followers(panel, risks, related(panel.cells, [cells[0]], above))[cells[0]]
    assert len(found) == MOST_FOLLOWERS
    assert found[0].cell == cells[-1]
    assert cells[5] not in {item.cell for item in found}
