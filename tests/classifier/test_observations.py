"""Counts: what a matter adds to a cell, and that a correction nets to zero in the old one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date

import pytest

from heed_classifier.domain.nature import Nature
from heed_classifier.domain.observations import Counted, Measure, cell_key, deltas

WAGES = Counted(date(2026, 3, 2), "110105", "03", Nature.APPEAL_REQUEST, False, 0)

COUNTS = [
    (WAGES, {(Measure.ITEMS, 0): 1, (Measure.PEOPLE, 1): 1}, "unset is read as one person"),
    (
        replace(WAGES, people_bucket=4, hazard=True),
        {
            (Measure.ITEMS, 0): 1,
            (Measure.PEOPLE, 4): 1,
            (Measure.JOINT, 0): 1,
            (Measure.HAZARD, 0): 1,
        },
        "a joint petition with a hazard",
    ),
    (replace(WAGES, nature=Nature.SUGGESTION), {(Measure.SUGGESTION, 0): 1}, "opinions apart"),
    (replace(WAGES, nature=Nature.ENQUIRY), {}, "an enquiry is no petition"),
    (replace(WAGES, nature=Nature.ACCUSATION), {}, "an accusation is never counted"),
]


@pytest.mark.parametrize(("counted", "expected", "reason"), COUNTS)
def test_only_appeals_and_suggestions_are_counted(
    counted: Counted, expected: dict[tuple[Measure, int], int], reason: str
) -> None:
    found = {(delta.measure, delta.bucket): delta.delta for delta in deltas((), (counted,))}

    assert found == expected, reason


@pytest.mark.parametrize(
    "after",
    [
        (replace(WAGES, category_code="01"),),
        (replace(WAGES, nature=Nature.SUGGESTION),),
        (replace(WAGES, nature=Nature.ENQUIRY, hazard=True),),
        (replace(WAGES, category_code="05", hazard=True, people_bucket=7),),
        (WAGES, replace(WAGES, category_code="05")),
        (),
    ],
)
def test_a_change_nets_to_zero_in_the_old_cell(after: tuple[Counted, ...]) -> None:
    total: Counter[tuple[str, str, Measure, int]] = Counter()
    for delta in deltas((), (WAGES,)) + deltas((WAGES,), after):
        total[delta.region_code, delta.category_code, delta.measure, delta.bucket] += delta.delta

    expected = {(d.region_code, d.category_code, d.measure, d.bucket) for d in deltas((), after)}
    assert {cell for cell, count in total.items() if count} == expected


def test_nothing_is_sent_when_nothing_moves() -> None:
    assert deltas((WAGES,), (replace(WAGES),)) == []


def test_cells_are_keyed_by_region_and_category() -> None:
    assert cell_key(WAGES) == "110105|03"
