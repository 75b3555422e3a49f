"""Counts of due and overdue: exactly the difference, and zero in the end."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest

from heed_disposal.domain.assessment import Growth
from heed_disposal.domain.case import Case
from heed_disposal.domain.counts import CountDelta, CountKind
from heed_disposal.domain.ending import withdraw
from heed_disposal.domain.opening import follow_matter
from heed_disposal.domain.recount import retract, settle
from heed_disposal.domain.terms import Nature
from tests.disposal.builders import at, facts, handbook, opened, routed, warned

DUE_DAY = date(2026, 10, 6)
BEFORE, AFTER = DUE_DAY - timedelta(days=1), DUE_DAY + timedelta(days=5)


def told(deltas: list[CountDelta]) -> Counter[tuple[str, str, str, str]]:
    """Sums of what deadlines count; how long nothing was told is counted apart."""
    sums: Counter[tuple[str, str, str, str]] = Counter()
    for delta in deltas:
        if delta.kind is CountKind.STALE:
            continue
        cell = delta.cell
        key = (cell.region_code, cell.category_code, str(cell.day), delta.kind.name)
        sums[key] += delta.delta
    return sums


def key(kind: str, category: str = "01") -> tuple[str, str, str, str]:
    return ("110101", category, str(DUE_DAY), kind)


def overdue() -> tuple[Case, list[CountDelta]]:
    return settle(opened(), DUE_DAY)


def test_nothing_is_told_before_the_due_day_has_ended() -> None:
    assert told(settle(opened(), BEFORE)[1]) == {}


def test_the_end_of_the_due_day_tells_due_and_overdue_on_that_day() -> None:
    assert told(overdue()[1]) == {key("DUE"): 1, key("OVERDUE"): 1}


def test_the_same_again_tells_nothing() -> None:
    case, _ = overdue()
    assert settle(case, DUE_DAY)[1] == []
    assert told(settle(case, AFTER)[1]) == {}


def test_meeting_it_late_takes_back_overdue_on_the_same_day_and_keeps_due() -> None:
    case, _ = overdue()
    met = routed(case, now=at("2026-10-11"))
    assert told(settle(met, AFTER)[1]) == {key("OVERDUE"): -1}


def test_what_was_met_in_time_counts_as_due_and_never_as_overdue() -> None:
    met = routed(opened(), now=at("2026-09-25"))
    deltas = [d for d in settle(met, DUE_DAY)[1] if d.cell.day == DUE_DAY]
    assert told(deltas) == {key("DUE"): 1}


def test_a_corrected_category_moves_the_counts_in_one_go_on_the_old_day() -> None:
    case, _ = overdue()
    moved = follow_matter(case, facts(category_code="05"), Growth(), at("2026-10-11"), handbook())
    assert told(settle(moved, AFTER)[1]) == {
        key("DUE"): -1,
        key("OVERDUE"): -1,
        key("DUE", "05"): 1,
        key("OVERDUE", "05"): 1,
    }


def test_a_case_that_turns_out_to_be_an_enquiry_counts_no_more() -> None:
    case, _ = overdue()
    told_now = facts(nature=Nature.ENQUIRY)
    moved = follow_matter(case, told_now, Growth(), at("2026-10-11"), handbook())
    assert told(settle(moved, AFTER)[1]) == {key("DUE"): -1, key("OVERDUE"): -1}


def test_a_withdrawal_ends_overdue_and_leaves_that_it_was_due() -> None:
    case, _ = overdue()
    assert told(settle(withdraw(case, at("2026-10-11")), AFTER)[1]) == {key("OVERDUE"): -1}


def test_a_withdrawal_before_the_due_day_counts_nothing() -> None:
    ended = withdraw(opened(), at("2026-09-25"))
    assert settle(ended, AFTER)[1] == []


def test_a_sealed_case_takes_back_all_it_counted() -> None:
    case, _ = overdue()
    assert told(retract(case)) == {key("DUE"): -1, key("OVERDUE"): -1}


def test_a_date_that_moves_on_takes_back_what_was_counted() -> None:
    case, _ = overdue()
    deadline = case.deadlines[0]
    extended = replace(deadline, extended_days=30)
    moved = case.with_deadline(replace(extended, due=handbook().dates(extended)))
    assert told(settle(moved, AFTER)[1]) == {key("DUE"): -1, key("OVERDUE"): -1}


@pytest.mark.parametrize("nature", [Nature.SUGGESTION, Nature.ENQUIRY])
def test_neither_suggestions_nor_enquiries_nor_warnings_feed_the_cells(nature: Nature) -> None:
    assert settle(opened(nature=nature), date(2027, 1, 1))[1] == []
    assert settle(warned(), date(2027, 1, 1))[1] == []


def test_overdue_sums_to_zero_over_a_whole_life() -> None:
    case, first = overdue()
    moved = follow_matter(case, facts(category_code="05"), Growth(), at("2026-10-08"), handbook())
    case, second = settle(replace(moved, steps=()), AFTER)
    case, third = settle(routed(case, now=at("2026-10-11")), AFTER)
    case, fourth = settle(withdraw(case, at("2026-10-12")), AFTER)
    total = told([*first, *second, *third, *fourth])
    overdue_total = {cell: count for cell, count in total.items() if cell[3] == "OVERDUE" and count}
    assert overdue_total == {}
    assert CountKind.OVERDUE in {delta.kind for delta in first}
