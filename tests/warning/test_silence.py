"""When the whole system was silent, there was no history; when a single cell was, there was."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from heed_warning.domain.board import Board, evaluate
from heed_warning.domain.evaluator import Outcome
from heed_warning.domain.foresight import foresee
from heed_warning.domain.outlook import Chances, outlooks
from heed_warning.domain.panel import LONGEST_SILENCE_DAYS, Cell, Panel
from heed_warning.domain.policy import DEFAULT_POLICY, Level, LevelRule, Policy, Strategy
from tests.warning.conftest import START, Post, counts
from tests.warning.simulation import ancestors, every_weekday_as_it_is, panel_of

CELL, OTHER = Cell("9A0101", "01"), Cell("9A0102", "02")
STRAY = [1.0] + [0.0] * 150 + [2.0] + [0.0] * 180 + [1.0] + [0.0] * 40
"""Three stray items in more than a year, before the channel was opened."""


def board_of(panel: Panel, day: int, *policies: Policy) -> Board:
    return evaluate(
        panel,
        panel.first_day + timedelta(days=day),
        policies=policies,
        model=None,
        working=every_weekday_as_it_is,
        ancestors=ancestors,
    )


def opened(dense_days: int) -> Panel:
    """A system that is opened after the stray items: one cell begins at once, one 30 days on."""
    later = [0.0] * min(dense_days, 30) + [1.0, 0.0, 1.0] * 60
    return panel_of(
        {
            CELL: STRAY + [4.0] * dense_days,
            OTHER: [0.0] * len(STRAY) + later[:dense_days],
        }
    )


def outcome(panel: Panel, day: int, cell: Cell) -> Outcome:
    board = board_of(panel, day)
    return Outcome(int(board.outcome[board.panel.cells.index(cell)]))


def test_days_before_the_system_was_opened_are_no_history() -> None:
    panel = opened(120)
    for number in range(28 + 7 - 1):
        board = board_of(panel, len(STRAY) + number)
        assert set(board.outcome) == {Outcome.INSUFFICIENT_HISTORY}
        assert (board.level == Level.NONE).all()
    assert outcome(panel, len(STRAY) + 28 + 7 - 1, CELL) is Outcome.NORMAL


def test_what_is_expected_rests_on_the_days_after_the_silence_alone() -> None:
    panel = opened(60)
    same = panel_of({cell: row[len(STRAY):] for cell, row in zip(panel.cells, panel.counts,
                                                                 strict=True)})  # fmt: skip
    first = board_of(panel, len(STRAY) + 59)
    alone = board_of(same, 59)
    assert np.allclose(first.groups[0].windows.observed, alone.groups[0].windows.observed)
    # The calendar differs between the two, the level does not.
    found = first.groups[0].windows.mean[0]
    assert found == pytest.approx(alone.groups[0].windows.mean[0], rel=0.05)
    assert found == pytest.approx(28, rel=0.1)


@pytest.mark.parametrize("silent_days", [LONGEST_SILENCE_DAYS, LONGEST_SILENCE_DAYS + 1])
def test_up_to_four_silent_weeks_are_ordinary_history(silent_days: int) -> None:
    row = [1.0] * 40 + [0.0] * silent_days + [1.0] * 10
    after = panel_of({CELL: row}).after_silence()
    assert after.day_count == (10 if silent_days > LONGEST_SILENCE_DAYS else len(row))


def test_the_silence_of_one_cell_is_ordinary_history_while_others_have_items() -> None:
    panel = panel_of(
        {
            CELL: [1.0] * 5 + [0.0] * 200 + [6.0, 6.0, 6.0],
            OTHER: [1.0, 0.0, 2.0, 0.0] * 52,
        }
    )
    board = board_of(panel, 207)
    row = board.panel.cells.index(CELL)
    assert board.outcome[row] == Outcome.EXCEEDED
    assert board.evaluation(row, str).expected_count < 1.0
    assert panel.after_silence() is panel


def test_a_silence_that_lasts_leaves_no_history_and_ends_without_an_alarm() -> None:
    quiet = [3.0] * 60 + [0.0] * 60
    panel = panel_of({CELL: quiet + [3.0] * 40})
    assert outcome(panel, 60 + 27, CELL) is not Outcome.INSUFFICIENT_HISTORY
    assert outcome(panel, 60 + 28, CELL) is Outcome.INSUFFICIENT_HISTORY
    assert panel.until(panel.first_day + timedelta(days=100)).after_silence().day_count == 0
    assert outcome(panel, 120, CELL) is Outcome.INSUFFICIENT_HISTORY


def test_no_later_day_decides_whether_an_earlier_one_was_silent() -> None:
    row = [2.0] * 80 + [0.0] * 60 + [5.0] * 10
    panel, known = panel_of({CELL: row}), panel_of({CELL: row[:80]})
    for day in (60, 79):
        assert np.array_equal(board_of(panel, day).tail, board_of(known, day).tail)
        assert np.array_equal(board_of(panel, day).outcome, board_of(known, day).outcome)


def test_own_start_counts_where_it_lies_after_the_silence() -> None:
    row = [0.0] * 40 + [1.0] * 50
    late = panel_of({CELL: row, OTHER: [0.0] * 60 + [1.0] * 30})
    started = np.array([40, 60])
    panel = Panel(late.cells, late.levels, late.first_day, late.counts, started)
    assert panel.after_silence().started.tolist() == [0, 20]
    assert panel.after_silence().history_days().tolist() == [50, 30]


def test_a_fixed_count_needs_no_history_and_sees_all_its_window() -> None:
    fixed = Policy(
        **vars(DEFAULT_POLICY)
        | {
            "strategy": Strategy.FIXED,
            "window_days": 56,
            "rules": (LevelRule(Level.YELLOW, 8),),
        }
    )
    panel = panel_of({CELL: [0.0] * 30 + [5.0] + [0.0] * 40 + [4.0]})
    board = board_of(panel, 71, fixed)
    assert board.groups[0].windows.observed.tolist() == [9.0]
    assert board.level.tolist() == [Level.YELLOW]


def test_a_forecast_too_waits_for_four_weeks_after_the_silence() -> None:
    panel = opened(40)
    for day, made in ((27, True), (26, False)):
        as_of = panel.first_day + timedelta(days=len(STRAY) + day)
        seen = foresee(panel, as_of, 28, model=None, working=every_weekday_as_it_is)
        [found] = outlooks(Chances(seen, ()), [CELL], 7)
        assert found.history_days == day + 1
        assert bool(found.expected) == made


async def test_a_file_that_begins_with_strays_raises_nothing_on_its_second_dense_day(
    post: Post,
) -> None:
    for ago in (400, 250, 90):
        await post.record(counts([1], START - timedelta(days=ago)))
    for category in ("01", "02", "03"):
        await post.record(counts([4, 4, 4], START, category=category))
    for day in range(3):
        response = await post.evaluate(START + timedelta(days=day))
        assert response.insufficient_history_count == response.cell_count == 9
        assert not response.changed_warnings
    assert not await post.rows("SELECT 1 FROM warning")
