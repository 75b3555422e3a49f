"""Which warnings are announced, which are kept quiet, and whose escalation runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heed_warning.domain.life import CellWarning, Change, Verdict
from heed_warning.domain.panel import Cell
from heed_warning.domain.policy import Level
from heed_warning.domain.settling import LASTING, News, acted, escalate, is_quiet, settle
from heed_warning.domain.transitions import State
from tests.warning.life_setup import (
    CITY,
    COUNTY,
    NOW,
    PROVINCE,
    ROLES,
    SECOND_COUNTY,
    setting,
    silence,
    warning,
)

LATER = NOW + timedelta(days=8)


def raised(*warnings: CellWarning, silences: Sequence[object] = ()) -> dict[str, News]:
    """Settle warnings that have just fired, by region."""
    changes = {item.name: Change.RAISED for item in warnings}
    found = settle(warnings, changes, setting(silences=silences))  # type: ignore[arg-type]
    return {news.warning.cell.region: news for news in found}


def test_a_warning_that_fires_is_announced_with_its_chain_and_group() -> None:
    news = raised(warning())[COUNTY]
    assert news.changes == (Change.RAISED,)
    assert news.warning.announced is Level.BLUE
    assert [step.role for step in news.warning.steps] == ROLES
    assert news.warning.acknowledge_due_at == news.warning.steps[0].due_at
    assert news.warning.group == f"{CITY}-01-20250602"


def test_a_silence_keeps_blue_and_yellow_quiet_and_never_orange_or_red() -> None:
    for level in (Level.BLUE, Level.YELLOW):
        news = raised(warning(level=level), silences=[silence()])[COUNTY]
        assert (news.changes, news.warning.steps) == ((), ())
        assert news.warning.silenced_by == silence().uid
    for level in (Level.ORANGE, Level.RED):
        news = raised(warning(level=level), silences=[silence()])[COUNTY]
        assert news.changes == (Change.RAISED,)
        assert news.warning.silenced_by is None
        assert news.warning.steps


def test_a_silence_covers_its_region_and_category_only() -> None:
    for other in (
        silence(prefix="9A02"),
        replace(silence(), category="02"),
        replace(silence(), starts_at=NOW + timedelta(hours=1)),
        replace(silence(), ends_at=NOW),
    ):
        assert raised(warning(), silences=[other])[COUNTY].changes == (Change.RAISED,)


def test_what_still_fires_when_its_silence_ends_is_announced_with_a_fresh_clock() -> None:
    quiet = raised(warning(), silences=[silence()])[COUNTY].warning
    [news] = settle([quiet], {}, setting(LATER, [silence()]))
    assert news.changes == (Change.RAISED,)
    assert news.warning.silenced_by is None
    assert news.warning.steps[0].due_at > LATER


def test_a_rise_to_orange_breaks_the_silence_at_once() -> None:
    quiet = raised(warning(), silences=[silence()])[COUNTY].warning
    risen = replace(quiet, proposed=Level.ORANGE, effective=Level.ORANGE)
    [news] = settle([risen], {risen.name: Change.LEVEL_CHANGED}, setting(silences=[silence()]))
    assert news.changes == (Change.RAISED,), "nobody has heard of it yet"


def test_a_level_that_changed_in_silence_is_told_afterwards_once() -> None:
    told = raised(warning())[COUNTY].warning
    risen = replace(told, proposed=Level.YELLOW, effective=Level.YELLOW)
    change = {risen.name: Change.LEVEL_CHANGED}
    [hushed] = settle([risen], change, setting(silences=[silence()]))
    assert hushed.changes == ()
    [after] = settle([hushed.warning], {}, setting(LATER))
    assert after.changes == (Change.LEVEL_CHANGED,)
    assert settle([after.warning], {}, setting(LATER))[0].changes == ()


def test_what_was_never_announced_ends_without_a_word() -> None:
    quiet = raised(warning(), silences=[silence()])[COUNTY].warning
    ended = replace(quiet, state=State.RESOLVED)
    assert settle([ended], {ended.name: Change.RESOLVED}, setting())[0].changes == ()
    known = replace(ended, announced=Level.BLUE)
    assert settle([known], {known.name: Change.RESOLVED}, setting())[0].changes == (
        Change.RESOLVED,
    )  # fmt: skip


def test_a_warning_above_of_at_least_its_level_speaks_for_a_child() -> None:
    news = raised(warning(), warning(CITY, Level.YELLOW, 2), warning(SECOND_COUNTY, number=3))
    assert news[CITY].changes == (Change.RAISED,)
    for county in (COUNTY, SECOND_COUNTY):
        assert news[county].changes == ()
        assert news[county].warning.inhibited_by == news[CITY].warning.name
        assert not news[county].warning.steps


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"level": Level.BLUE}, "the child is higher"),
        ({"level": Level.YELLOW, "state": State.PENDING}, "the parent does not fire"),
        ({"level": Level.YELLOW, "state": State.RESOLVED}, "the parent has ended"),
        (
            {"level": Level.YELLOW, "state": State.JUDGED, "verdict": Verdict.FALSE},
            "the parent was judged false",
        ),
        ({"level": Level.YELLOW, "cell": Cell(CITY, "02")}, "another category"),
    ],
)
def test_a_child_speaks_for_itself_when(fields: dict[str, object], why: str) -> None:
    parent = warning(CITY, number=2, **fields)  # type: ignore[arg-type]
    found = settle([warning(level=Level.YELLOW), parent], {}, setting())
    [child] = [news for news in found if news.warning.cell.region == COUNTY]
    assert not is_quiet(child.warning), why
    assert child.changes == (Change.RAISED,)


def test_orange_is_announced_below_a_red_parent() -> None:
    news = raised(warning(level=Level.ORANGE), warning(CITY, Level.RED, 2))
    assert news[COUNTY].changes == (Change.RAISED,)


def test_a_quiet_parent_covers_nobody_and_the_next_one_above_does() -> None:
    city = warning(CITY, Level.BLUE, 2)
    found = raised(warning(), city, warning(PROVINCE, Level.YELLOW, 3))
    assert found[CITY].warning.inhibited_by == found[PROVINCE].warning.name
    assert found[COUNTY].warning.inhibited_by == found[PROVINCE].warning.name
    only_city = replace(silence(), region_prefix=CITY)
    hushed = raised(warning(), city, silences=[only_city])
    assert hushed[CITY].changes == ()
    assert hushed[COUNTY].changes == (Change.RAISED,)


def test_a_child_is_announced_when_the_warning_above_ends() -> None:
    news = raised(warning(), warning(CITY, Level.YELLOW, 2))
    ended = replace(news[CITY].warning, state=State.RESOLVED)
    found = settle([news[COUNTY].warning, ended], {ended.name: Change.RESOLVED}, setting(LATER))
    told = {item.warning.cell.region: item.changes for item in found}
    assert told == {CITY: (Change.RESOLVED,), COUNTY: (Change.RAISED,)}


def test_warnings_of_one_category_under_one_parent_at_one_time_share_a_group() -> None:
    first = raised(warning(), warning(SECOND_COUNTY, number=2))
    assert first[COUNTY].warning.group == first[SECOND_COUNTY].warning.group
    standing = first[COUNTY].warning
    later = warning(SECOND_COUNTY, number=3, fired_on=NOW.date() + timedelta(days=3))
    found = settle([standing, later], {later.name: Change.RAISED}, setting())
    assert {news.warning.group for news in found} == {standing.group}
    alone = settle([later], {later.name: Change.RAISED}, setting())
    assert alone[0].warning.group != standing.group, "the others are over"
    other = warning(number=4, cell=Cell(COUNTY, "02"))
    assert raised(other)[COUNTY].warning.group != standing.group


def test_an_acknowledgement_stops_the_chain_and_keeps_what_was_done() -> None:
    fires = raised(warning())[COUNTY]
    escalated = escalate(fires, fires.warning.steps[0].due_at).warning
    taken_on = replace(escalated, state=State.ACKNOWLEDGED)
    news = acted(taken_on, Change.ACKNOWLEDGED, setting(LATER))
    assert news.changes == (Change.ACKNOWLEDGED,)
    assert news.warning.steps == escalated.steps[:1]
    assert escalate(news, LATER + timedelta(days=90)).changes == (Change.ACKNOWLEDGED,)


def test_steps_that_are_due_are_told_once_each() -> None:
    fires = replace(raised(warning())[COUNTY], changes=())
    assert escalate(fires, NOW).changes == ()
    last = fires.warning.steps[-1].due_at
    both = escalate(fires, last)
    assert both.changes == (Change.ESCALATED,) * len(ROLES)
    assert escalate(News(both.warning, ()), last + timedelta(days=1)).changes == ()


def test_a_rise_brings_the_clock_forward() -> None:
    blue = raised(warning())[COUNTY].warning
    risen = replace(blue, proposed=Level.ORANGE, effective=Level.ORANGE)
    [news] = settle([risen], {risen.name: Change.LEVEL_CHANGED}, setting())
    assert news.warning.acknowledge_due_at == NOW + timedelta(hours=24)
    lower = replace(news.warning, proposed=Level.BLUE, effective=Level.BLUE)
    [fallen] = settle([lower], {lower.name: Change.LEVEL_CHANGED}, setting())
    assert fallen.warning.steps == news.warning.steps


def test_what_was_judged_harmless_in_silence_is_not_announced_when_that_ends() -> None:
    quiet = raised(warning(), silences=[silence()])[COUNTY].warning
    judged = replace(quiet, state=State.JUDGED, verdict=Verdict.FALSE, rest_level=quiet.proposed)
    assert settle([judged], {}, setting(LATER))[0].changes == ()


@given(
    st.lists(
        st.tuples(
            st.sampled_from([COUNTY, SECOND_COUNTY, CITY, PROVINCE]),
            st.sampled_from([Level.BLUE, Level.YELLOW, Level.ORANGE, Level.RED]),
            st.sampled_from(list(State)),
        ),
        unique_by=lambda item: item[0],
    ),
    st.booleans(),
)
def test_whatever_stands_settling_again_changes_nothing_and_loses_nothing(
    items: list[tuple[str, Level, State]], silenced: bool
) -> None:
    warnings = [
        warning(region, level, number, state=state)
        for number, (region, level, state) in enumerate(items, start=1)
    ]
    around = setting(silences=[silence()] if silenced else [])
    once = settle(warnings, {}, around)
    again = settle([news.warning for news in once], {}, around)
    assert [news.warning for news in again] == [news.warning for news in once]
    assert all(news.changes == () for news in again)
    for news in once:
        open_steps = [step for step in news.warning.steps if step.done_at is None]
        heard = news.warning.announced is not Level.NONE
        lasts = news.warning.state in LASTING
        assert heard == (lasts and not is_quiet(news.warning))
        assert bool(open_steps) == (heard and news.warning.state is State.FIRING)
        if max(news.warning.proposed, news.warning.effective) >= Level.ORANGE:
            assert not is_quiet(news.warning)
