"""Levels by families, and how they join what the count says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from heed_warning.domain.board import Board, evaluate
from heed_warning.domain.counts import Measure
from heed_warning.domain.evaluator import Outcome
from heed_warning.domain.evidence import Evidence
from heed_warning.domain.indicator_formulas import COMPUTATIONS
from heed_warning.domain.indicator_levels import IndicatorBoard, grade
from heed_warning.domain.indicator_readings import Readings, read_indicators
from heed_warning.domain.indicators import Family, IndicatorOutcome
from heed_warning.domain.panel import Cell
from heed_warning.domain.policy import Level
from tests.warning.evidence_setup import CELL, definition, evidence_of, weekly_entries
from tests.warning.simulation import (
    CITY_CODE,
    PROVINCE_CODE,
    ancestors,
    every_weekday_as_it_is,
    panel_of,
    stationary,
)

CITY, PROVINCE = Cell(CITY_CODE, "01"), Cell(PROVINCE_CODE, "01")
OTHER = Cell("9A0102", "01")
PLENTY = {cell: [20.0] * 60 for cell in (CELL, OTHER, CITY, PROVINCE)}


def reading(
    code: str,
    evidence: Evidence,
    over: Sequence[Cell] = (),
    before: Sequence[Cell] = (),
    share: float = 0.0,
    denominator: float = 100.0,
) -> Readings:
    """An indicator that is over in some cells."""
    count = len(evidence.cells)
    flags, earlier = (
        np.array([cell in named for cell in evidence.cells]) for named in (over, before)
    )
    return Readings(
        definition(code), np.full(count, IndicatorOutcome.VALUE), np.full(count, share),
        np.full(count, share * denominator), np.full(count, denominator),
        np.full(count, 0.995), flags, earlier, np.full(count, -1.0),
    )  # fmt: skip


def levels(
    *readings: Readings, evidence: Evidence | None = None
) -> tuple[IndicatorBoard, dict[Cell, Level]]:
    evidence = evidence or evidence_of(PLENTY)
    board = grade(readings, evidence)
    named = zip(evidence.cells, board.level.tolist(), strict=True)
    return board, {cell: Level(level) for cell, level in named}


EVIDENCE = evidence_of(PLENTY)


@pytest.mark.parametrize(
    ("over", "before", "wanted", "why"),
    [
        ([], [], Level.NONE, "nothing is over"),
        (["B1"], [], Level.BLUE, "one indicator"),
        (["B1", "B2"], [], Level.BLUE, "two indicators of one family are one family"),
        (["B1", "A2"], [], Level.YELLOW, "two families"),
        (["B1"], ["B1"], Level.YELLOW, "one family for two periods"),
        (["B1"], ["B2"], Level.YELLOW, "one family for two periods, by two indicators"),
        (["B1"], ["A2"], Level.BLUE, "another family was over before"),
        ([], ["B1"], Level.NONE, "what was over before and is no more"),
        (["B1", "A2", "C1"], [], Level.ORANGE, "three families"),
    ],
)
def test_levels_follow_families_and_periods(
    over: list[str], before: list[str], wanted: Level, why: str
) -> None:
    codes = dict.fromkeys([*over, *before])
    found = [
        reading(code, EVIDENCE, [CELL] * (code in over), [CELL] * (code in before))
        for code in codes
    ]
    assert levels(*found)[1][CELL] is wanted, why


def test_fewer_than_ten_items_raise_nothing() -> None:
    few = evidence_of(PLENTY | {CELL: [3.0, 2, 2, 2] + [20.0] * 56})
    assert levels(reading("B1", few, [CELL, OTHER]), evidence=few)[1] == {
        CELL: Level.NONE, OTHER: Level.BLUE, CITY: Level.NONE, PROVINCE: Level.NONE,
    }  # fmt: skip
    ten = evidence_of(PLENTY | {CELL: [3.0, 2, 2, 3] + [20.0] * 56})
    assert levels(reading("B1", ten, [CELL]), evidence=ten)[1][CELL] is Level.BLUE


@pytest.mark.parametrize(
    ("share", "due", "wanted"),
    [(0.2, 30, Level.ORANGE), (0.19, 30, Level.NONE), (0.9, 29, Level.NONE)],
)
def test_a_fifth_of_thirty_due_items_overdue_is_orange(
    share: float, due: float, wanted: Level
) -> None:
    found = reading("B4", EVIDENCE, share=share, denominator=due)
    assert levels(found)[1][CELL] is wanted


@pytest.mark.parametrize(("items", "wanted"), [(5.0, Level.ORANGE), (4.9, Level.BLUE)])
def test_hazards_over_with_at_least_five_are_orange(items: float, wanted: Level) -> None:
    found = reading("C4", EVIDENCE, [CELL], share=items / 50, denominator=50)
    assert levels(found)[1][CELL] is wanted
    not_over = reading("C4", EVIDENCE, share=0.9, denominator=50)
    assert levels(not_over)[1][CELL] is Level.NONE, "many hazards are usual there"


def test_indicators_never_propose_red() -> None:
    everything = [
        reading(code, EVIDENCE, list(PLENTY), list(PLENTY), share=1.0) for code in COMPUTATIONS
    ]
    assert max(levels(*everything)[1].values()) is Level.ORANGE


def test_a_cell_above_is_silent_about_what_a_cell_below_says() -> None:
    board, found = levels(
        reading("B1", EVIDENCE, [CELL, CITY, PROVINCE]), reading("A2", EVIDENCE, [CITY])
    )
    assert found == {CELL: Level.BLUE, CITY: Level.BLUE, OTHER: Level.NONE, PROVINCE: Level.NONE}
    assert [one.code for one in board.speaking(EVIDENCE.cells.index(CITY))] == ["A2"]
    _, only_above = levels(reading("B1", EVIDENCE, [PROVINCE]))
    assert only_above[PROVINCE] is Level.BLUE


def judged(counts: Mapping[Cell, Sequence[float]], *codes: str) -> Board:
    """An evaluation in which some indicators are over in CELL."""
    panel = panel_of({cell: list(row) for cell, row in counts.items()})
    evidence = evidence_of({cell: [20.0] * 60 for cell in counts})
    found = [reading(code, evidence, [CELL], share=0.4) for code in codes]
    board = evaluate(
        panel, panel.last_day, policies=(), model=None, working=every_weekday_as_it_is,
        ancestors=ancestors,
    )  # fmt: skip
    return replace(board, indicators=grade(found, evidence))


STEADY = [3.0, 2, 3, 2, 3, 2, 3] * 20
SURGE = [*STEADY[:-7], 9.0, 9, 9, 9, 9, 9, 9]


def evaluation(board: Board, cell: Cell = CELL):  # type: ignore[no-untyped-def]
    return board.evaluation(board.panel.cells.index(cell), str)


def test_indicators_raise_a_cell_whose_count_is_usual_and_say_so() -> None:
    found = evaluation(judged({CELL: STEADY}, "B1", "A2"))
    assert (found.level, found.outcome) == (Level.YELLOW, Outcome.EXCEEDED)
    assert [item.code for item in found.indicators] == ["B1", "A2"]
    assert found.reason.startswith("近7天收到18件,按此前走势预计")
    assert "未超过99%分位" in found.reason
    assert found.reason.endswith(
        ";指标建议黄色:重复率40%(40/100件),高于本地历史100%的时期、"
        "同比(环比)40%(40/100件),高于本地历史100%的时期"
    )


def test_the_higher_of_count_and_indicators_is_the_level() -> None:
    by_count = evaluation(judged({CELL: SURGE}, "B1"))
    assert by_count.level is Level.RED
    assert "超过99.9999%分位" in by_count.reason
    assert "指标建议蓝色" in by_count.reason
    without = evaluation(judged({CELL: STEADY}))
    assert (without.level, without.indicators) == (Level.NONE, ())
    assert "指标" not in without.reason


def test_a_cell_whose_rise_a_child_explains_still_says_what_its_own_indicators_say() -> None:
    counts = {CELL: SURGE, CITY: SURGE}
    evidence = evidence_of({cell: [20.0] * 60 for cell in counts})
    panel = panel_of({cell: list(row) for cell, row in counts.items()})

    def city(*codes: str) -> tuple[Level, bool]:
        found = [reading(code, evidence, [CITY]) for code in codes]
        board = evaluate(
            panel, panel.last_day, policies=(), model=None, working=every_weekday_as_it_is,
            ancestors=ancestors,
        )  # fmt: skip
        one = evaluation(replace(board, indicators=grade(found, evidence)), CITY)
        return one.level, one.explained

    assert city() == (Level.RED, True)
    assert city("B1") == (Level.BLUE, False)


def test_stationary_indicators_are_hardly_ever_over() -> None:
    """False alarms of all indicators together, on counts in which nothing happens."""
    panel = stationary(11, days=760, counties=6, categories=6, dispersion=0.1)
    rng = np.random.default_rng(2)
    weekly = panel.counts[:, -756:].reshape(len(panel.cells), 108, 7).sum(axis=2)[:, ::-1] * 3.0
    shares = {Measure.REPEAT: 0.2, Measure.JOINT: 0.1, Measure.HAZARD: 0.05}
    drawn = {measure: rng.binomial(weekly.astype(int), share) for measure, share in shares.items()}
    raised = looked = 0
    codes = [definition(code) for code in COMPUTATIONS]
    for ago in range(0, 52, 2):
        entries = {
            measure: [
                entry
                for row, cell in enumerate(panel.cells)
                for entry in weekly_entries(cell, counts[row, ago:].tolist())
            ]
            for measure, counts in drawn.items()
        }
        rows = dict(zip(panel.cells, weekly[:, ago:], strict=True))
        evidence = evidence_of(rows, entries)
        board = grade(read_indicators(codes, evidence, evidence.every_row()), evidence)
        raised += int((board.level > Level.NONE).sum())
        looked += len(panel.cells)
    # Measured over a year of 800 cells with ten to twenty items a week and all thirteen indicators:
    # .26 to .43 new warnings a cell and year, by how much more than chance their counts scatter.
    assert raised / looked < 0.02


def test_the_families_are_three() -> None:
    assert len(Family) == 3
