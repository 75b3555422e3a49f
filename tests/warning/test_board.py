"""A whole evaluation: who warns, who is explained, and how often it is wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import numpy as np

from heed_warning.domain.board import Board, evaluate
from heed_warning.domain.evaluator import Outcome
from heed_warning.domain.life import Change
from heed_warning.domain.panel import COUNTY, Cell, Panel
from heed_warning.domain.policy import DEFAULT_POLICY, Level, LevelRule, Strategy
from tests.warning.simulation import (
    CITY_CODE,
    FIRST_DAY,
    PROVINCE_CODE,
    ancestors,
    every_weekday_as_it_is,
    planted,
    replay,
    stationary,
)

CELL = Cell("9A0101", "01")


def board_of(panel: Panel, day: int, **options: object) -> Board:
    settings = {"policies": (), "model": None} | options
    return evaluate(
        panel,
        FIRST_DAY + timedelta(days=day),
        working=every_weekday_as_it_is,
        ancestors=ancestors,
        **settings,  # type: ignore[arg-type]
    )


def test_a_rise_in_one_county_warns_there_and_not_in_city_and_province() -> None:
    panel = planted(stationary(2, days=220), CELL, 200, [8] * 12)
    raised = {warning.cell for _, change, warning in replay(panel, 195, 212)
              if change is Change.RAISED and warning.cell.category == "01"}  # fmt: skip
    assert raised == {CELL}
    board = board_of(panel, 208)
    city = board.panel.cells.index(Cell(CITY_CODE, "01"))
    evaluation = board.evaluation(city, str)
    assert evaluation.explained
    assert evaluation.level > Level.NONE
    assert evaluation.reason.endswith("增量主要来自9A0101,由其单独预警,本级不重复发出")


def test_a_rise_spread_thinly_over_counties_warns_once_in_the_city() -> None:
    panel = stationary(2, days=260, counties=12, categories=4, dispersion=0.01)
    for county in range(12):
        panel = planted(panel, Cell(f"9A01{county + 1:02d}", "01"), 230, [1, 0, 1, 0, 1, 0] * 2)
    raised = [
        warning.cell
        for _, change, warning in replay(panel, 225, 244)
        if change is Change.RAISED and warning.cell.category == "01"
    ]
    assert raised
    assert raised[0].region == CITY_CODE
    assert PROVINCE_CODE not in {cell.region for cell in raised}


def test_a_planted_surge_fires_within_days() -> None:
    panel, start = stationary(7, days=236), 220
    cells = [Cell(f"9A01{number % 6 + 1:02d}", f"{number + 1:02d}") for number in range(8)]
    for cell in cells:
        panel = planted(panel, cell, start, [3] * 14)
    delays: dict[Cell, int] = {}
    for day, change, warning in replay(panel, start - 2, start + 14):
        if change is Change.RAISED:
            delays.setdefault(warning.cell, day - start)
    assert set(cells) <= set(delays)
    assert np.mean([delays[cell] for cell in cells]) <= 4.0


def test_quiet_cells_give_few_alarms_and_hardly_any_above_blue() -> None:
    # Measured over six such seeds (473 cell-years): a cell and year has .27 warnings that peak at
    # blue, .06 at yellow, .01 at orange, none at red. The bounds leave room for another seed.
    peaks: dict[UUID, Level] = {}
    panel = stationary(21, days=240, counties=16, dispersion=0.3)
    for _, _, warning in replay(panel, 90, 240):
        peaks[warning.uid] = max(peaks.get(warning.uid, Level.NONE), warning.proposed)
    cell_years = len(panel.cells) * 150 / 365
    per_cell_year = {level: list(peaks.values()).count(level) / cell_years for level in Level}
    assert per_cell_year[Level.BLUE] < 0.40
    assert per_cell_year[Level.YELLOW] < 0.10
    assert per_cell_year[Level.ORANGE] + per_cell_year[Level.RED] < 0.03


def test_the_tail_is_honest_on_quiet_cells() -> None:
    panel = stationary(9, days=480, dispersion=0.3)
    tails = np.concatenate([board_of(panel, day).tail for day in range(150, 480, 7)])
    assert (tails <= 0.01).mean() < 0.013
    assert (tails <= 0.1).mean() < 0.11


def test_windows_and_policies_are_per_cell() -> None:
    panel = planted(stationary(2, days=220), CELL, 219, [9])
    fixed = replace(
        DEFAULT_POLICY,
        policy_id="one-day",
        region_prefix="9A0101",
        category="01",
        strategy=Strategy.FIXED,
        window_days=1,
        rules=(LevelRule(Level.YELLOW, 8),),
    )
    board = board_of(panel, 219, policies=(fixed,))
    row = board.panel.cells.index(CELL)
    assert board.policy(row) is fixed
    evaluation = board.evaluation(row, str)
    assert (evaluation.level, evaluation.window_days) == (Level.YELLOW, 1)
    assert evaluation.reason.startswith("近1天收到")
    other = board.panel.cells.index(Cell("9A0102", "01"))
    assert board.policy(other) is DEFAULT_POLICY


def test_days_after_the_evaluated_one_are_never_looked_at() -> None:
    panel = stationary(4, days=200)
    later = panel.counts.copy()
    later[:, 181:] = 10_000
    first, second = board_of(panel, 180), board_of(replace(panel, counts=later), 180)
    assert np.array_equal(first.tail, second.tail)
    assert np.array_equal(first.level, second.level)


def test_a_young_region_is_too_short_while_its_neighbours_are_judged() -> None:
    panel = stationary(4, days=200)
    young = np.array([cell.region == "9A0101" for cell in panel.cells])
    counts = panel.counts.copy()
    counts[young, :180] = 0
    panel = replace(panel, counts=counts, started=np.where(young, 180, 0))
    outcome = board_of(panel, 199).outcome
    assert set(outcome[young]) == {Outcome.INSUFFICIENT_HISTORY}
    assert Outcome.INSUFFICIENT_HISTORY not in outcome[~young]


def test_nothing_at_all_is_evaluated_without_complaint() -> None:
    empty = Panel((), np.zeros(0, dtype=np.int64), FIRST_DAY, np.zeros((0, 90)),
                  np.zeros(0, dtype=np.int64))  # fmt: skip
    assert board_of(empty, 80).level.size == 0


def test_counties_are_the_finest_level() -> None:
    panel = stationary(4, days=40)
    assert panel.levels.max() == COUNTY
