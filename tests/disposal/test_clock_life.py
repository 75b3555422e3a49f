"""The life of one clock through its verbs: dates only ever move on, by exactly what was decided."""

import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from importlib import resources

from hypothesis import given, settings
from hypothesis import strategies as st

from heed_disposal.domain import clocks
from heed_disposal.domain.case import Case
from heed_disposal.domain.deadlines import Deadline
from heed_disposal.domain.handbook import Handbook
from heed_disposal.domain.rules import REQUIRED
from heed_disposal.domain.terms import Actor, DeadlineState
from heed_shared.clock import local_day
from heed_shared.reference.deadline_rules import read_rules
from tests.disposal.builders import HANDLER, accepted, act, at, clock, handbook, opened, routed

HEAD = Actor("staff/head", "", "住建局")
BEGIN = at("2026-03-02")
SHIPPED = (resources.files("heed_shared.reference") / "deadline_rules.toml").read_text("utf-8")

Told = list[tuple[str, int]]
steps = st.lists(st.tuples(st.sampled_from(["pause", "extend"]), st.integers(0, 9)), max_size=5)


def local_rules(*, later_period: int = 0) -> Handbook:
    """The shipped rules with local causes of a pause for D05, and from 2027 another period."""
    document = tomllib.loads(SHIPPED)
    rule = next(rule for rule in document["rule"] if rule["code"] == "D05")
    rule["pause_causes"] = ["appraisal"]
    if later_period:
        rule["valid_to"] = date(2026, 12, 31)
        newer = {**rule, "version": "2027", "valid_from": date(2027, 1, 1)}
        del newer["valid_to"]
        document["rule"].append(newer | {"period": later_period})
    return replace(handbook(), rules=read_rules(document, REQUIRED))


def lived(
    case: Case, told: list[tuple[str, int]], book: Handbook
) -> Iterator[tuple[Deadline, int]]:
    """Do what is told, each some days after the one before; yield the clock and the days added."""
    now, added = BEGIN, 0
    for what, days in told:
        now += timedelta(days=days)
        if what == "extend":
            if clock(case, "D05").extended_days:
                continue
            case = clocks.extend(
                case, clocks.Extension("D05", days + 1, "鉴定", HEAD), act(HANDLER, now), book
            )
            added += days + 1
        else:
            case = clocks.pause(case, "D05", "appraisal", "鉴定", act(HANDLER, now), book)
            assert clock(case, "D05").due is None
            now += timedelta(days=days)
            case = clocks.resume(case, "D05", "已有结论", act(HANDLER, now), book)
            added += days
        yield clock(case, "D05"), added


@settings(max_examples=40, deadline=None)
@given(steps)
def test_a_clock_moves_on_by_exactly_what_was_decided_and_never_back(
    told: Told,
) -> None:
    book = local_rules()
    case = accepted(routed(opened(BEGIN, received_at=BEGIN), BEGIN), BEGIN)
    before = clock(case, "D05").due
    assert before.internal == local_day(BEGIN) + timedelta(days=60)
    first = before.internal
    for deadline, added in lived(case, told, book):
        assert deadline.state is DeadlineState.RUNNING
        assert deadline.due is not None
        assert deadline.due.internal == first + timedelta(days=added)
        assert before.internal <= deadline.due.internal <= deadline.due.legal
        assert deadline.due == book.dates(deadline)
        before = deadline.due


@settings(max_examples=20, deadline=None)
@given(steps, st.integers(1, 120))
def test_a_new_version_of_a_rule_leaves_old_cases_under_their_own(
    told: Told, later_period: int
) -> None:
    old, new = local_rules(), local_rules(later_period=later_period)
    case = accepted(routed(opened(BEGIN, received_at=BEGIN), BEGIN), BEGIN)
    under_old = [deadline for deadline, _ in lived(case, told, old)]
    under_new = [deadline for deadline, _ in lived(case, told, new)]
    assert under_new == under_old
    assert {deadline.rule_version for deadline in under_new} <= {"2022"}
    later = at("2027-03-01")
    fresh = opened(later, received_at=later)
    fresh = new.start_clock(fresh, "D05", later)
    due = clock(fresh, "D05").due
    assert (clock(fresh, "D05").rule_version, due.internal) == (
        "2027",
        local_day(later) + timedelta(days=later_period),
    )
