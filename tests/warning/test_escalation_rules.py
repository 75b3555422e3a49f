"""Who is told when: the clocks of the levels, on working days and round the clock."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from heed.common.v1.access_pb2 import ROLE_LEADER, ROLE_SUPERVISOR

from heed_shared.clock import SHANGHAI
from heed_warning.adapters.escalation_rules import SHIPPED, read_escalation_rules
from heed_warning.application.places import working_day
from heed_warning.domain.escalation import (
    EscalationRulesError,
    chain_of,
    next_due,
    only_done,
    taken,
    tightened,
)
from heed_warning.domain.policy import Level
from tests.warning.life_setup import NOW, chain


def at(year: int, month: int, day: int, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("level", "fired_at", "due"),
    [
        # Five working days after a Tuesday end with the next Tuesday.
        (Level.BLUE, at(2025, 6, 3, 9), at(2025, 6, 11)),
        (Level.YELLOW, at(2025, 6, 3, 9), at(2025, 6, 7)),
        # The National Day week of 2025 (1 to 8 October), with a make-up Sunday before it.
        (Level.YELLOW, at(2025, 9, 27, 9), at(2025, 10, 1)),
        (Level.BLUE, at(2025, 9, 29, 9), at(2025, 10, 14)),
        # Hours run through nights and holidays, for orange and red alike.
        (Level.ORANGE, at(2025, 10, 1, 9), at(2025, 10, 2, 9)),
        (Level.RED, at(2025, 10, 1, 9), at(2025, 10, 2, 9)),
        # What fires late in the evening has not used up that day.
        (Level.YELLOW, at(2025, 6, 2, 23), at(2025, 6, 6)),
        # The first moment of a day belongs to that day.
        (Level.YELLOW, at(2025, 6, 3), at(2025, 6, 7)),
    ],
)
def test_the_first_step_is_due_when_the_clock_of_the_level_has_run(
    level: Level, fired_at: datetime, due: datetime
) -> None:
    steps = chain(level, fired_at)
    assert steps[0].due_at == due
    assert [step.role for step in steps] == [ROLE_SUPERVISOR, ROLE_LEADER]
    assert steps[1].due_at > steps[0].due_at


def test_past_the_calendar_every_day_counts_and_it_is_said() -> None:
    rules = read_escalation_rules().versions[-1]
    known = chain_of(rules, Level.BLUE, at(2025, 6, 3, 9), working_day)
    unknown = chain_of(rules, Level.BLUE, at(2150, 6, 3, 9), working_day)
    assert not known.provisional
    assert unknown.provisional
    assert unknown.steps[0].due_at == at(2150, 6, 9)
    hours = chain_of(rules, Level.RED, at(2150, 6, 3, 9), working_day)
    assert not hours.provisional, "hours need no calendar"


def test_a_rise_shortens_a_chain_and_never_lengthens_it() -> None:
    blue = chain(Level.BLUE, NOW)
    orange = chain(Level.ORANGE, NOW + timedelta(days=1))
    assert [step.due_at for step in tightened(blue, orange)] == [step.due_at for step in orange]
    late = chain(Level.ORANGE, NOW + timedelta(days=30))
    assert tightened(blue, late) == blue
    done = taken(blue, blue[0].due_at)
    assert tightened(done, orange)[0] == done[0], "what was done stays as it was"


def test_a_step_is_taken_once() -> None:
    steps = chain(Level.BLUE, NOW)
    assert taken(steps, NOW) == steps
    once = taken(steps, steps[0].due_at)
    assert [step.done_at for step in once] == [steps[0].due_at, None]
    assert taken(once, steps[0].due_at + timedelta(minutes=1)) == once
    assert next_due(once) == steps[1].due_at
    assert only_done(once) == once[:1]
    assert next_due(only_done(once)) is None


def test_a_version_holds_for_what_fires_from_its_first_day_on(tmp_path: Path) -> None:
    later = SHIPPED.read_text("utf-8").replace("2022-05-01", "2025-07-01").replace("2026-1", "B")
    both = tmp_path / "escalation.toml"
    both.write_text(SHIPPED.read_text("utf-8") + later.replace("working_days = 3", "hours = 6"))
    rules = read_escalation_rules(both)
    assert rules.on(date(2025, 6, 30)).version == "2026-1"
    assert rules.on(date(2025, 7, 1)).version == "B"
    assert rules.on(date(2000, 1, 1)).version == "2026-1"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("hours = 24", "hours = 0"),
        ("hours = 24", "hours = 24\nworking_days = 1"),
        ("hours = 24", "minutes = 3"),
        ("hours = 24", "hours = 1.5"),
        ("hours = 24", ""),
        ("ROLE_SUPERVISOR", "ROLE_NOBODY"),
        ("valid_from = 2022-05-01", ""),
        ("[[version.red]]", "[[version.pink]]"),
        ("[[version]]", "[[versions]]"),
        ("[[version]]", "[[version"),
    ],
)
def test_rules_that_say_too_little_or_too_much_are_refused(
    tmp_path: Path, old: str, new: str
) -> None:
    broken = tmp_path / "escalation.toml"
    broken.write_text(SHIPPED.read_text("utf-8").replace(old, new))
    with pytest.raises(EscalationRulesError):
        read_escalation_rules(broken)
