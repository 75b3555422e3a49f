"""Counts that cannot be meant, or that look odd, have a defined meaning each."""

from __future__ import annotations

import random
from datetime import timedelta

import grpc
import numpy as np
import pytest
from heed.common.v1 import matter_pb2
from heed.warning.v1 import warning_service_pb2 as pb
from heed.warning.v1.resources_pb2 import LevelRule, ThresholdPolicy

from heed_shared.clock import day_end
from heed_shared.database import Database
from heed_warning.domain.board import Board, evaluate
from heed_warning.domain.counts import Measure
from heed_warning.domain.evaluator import Outcome
from heed_warning.domain.panel import Cell
from heed_warning.domain.policy import Level
from tests.warning.conftest import START, Post, cell, counts
from tests.warning.counts_setup import COUNTY, DAY, apply, observation, panels
from tests.warning.rpc_setup import new_id, policy, refused, wrong_fields
from tests.warning.simulation import ancestors, every_weekday_as_it_is, panel_of

CELL, OTHER = Cell("9A0101", "01"), Cell("9A0102", "01")
CALM = [1.0, 0.0, 2.0, 1.0, 1.0, 0.0, 2.0] * 20


def board_of(rows: dict[Cell, list[float]]) -> Board:
    panel = panel_of(rows)
    return evaluate(
        panel, panel.last_day, policies=(), model=None, working=every_weekday_as_it_is,
        ancestors=ancestors,
    )  # fmt: skip


def outcome(board: Board, one: Cell = CELL) -> Outcome:
    return Outcome(int(board.outcome[board.panel.cells.index(one)]))


def test_a_day_without_a_row_is_a_day_without_items() -> None:
    row = [3.0, 0.0, 0.0] * 40
    board = board_of({CELL: row, OTHER: CALM[:120]})
    assert outcome(board) is Outcome.NORMAL
    found = board.evaluation(board.panel.cells.index(CELL), str)
    assert found.expected_count == pytest.approx(7, rel=0.25)


def test_all_zeros_are_below_the_smallest_count_and_expect_next_to_nothing() -> None:
    board = board_of({CELL: [0.0] * 140, OTHER: CALM})
    assert outcome(board) is Outcome.BELOW_MIN_COUNT
    assert board.evaluation(board.panel.cells.index(CELL), str).expected_count < 0.5


def test_one_point_is_too_short_a_history() -> None:
    board = board_of({CELL: [500.0]})
    assert outcome(board) is Outcome.INSUFFICIENT_HISTORY
    assert board.level.tolist() == [Level.NONE]
    found = board.evaluation(0, str)
    assert "此前只有0天数据" in found.reason
    assert np.isfinite([found.expected_count, found.threshold_count]).all()


def test_a_millionfold_spike_warns_today_and_not_for_weeks() -> None:
    spiked = [*CALM[:-1], 1e6]
    assert board_of({CELL: spiked, OTHER: CALM}).level[0] == Level.RED
    later = [*spiked, *CALM[:21]]
    board = board_of({CELL: later, OTHER: [*CALM, *CALM[:21]]})
    assert outcome(board) is Outcome.NORMAL
    before = board_of({CELL: CALM, OTHER: CALM})
    assert board.lowest_threshold(0) <= before.lowest_threshold(0) + 4
    surge = [*later[:-7], 6.0, 6, 6, 6, 6, 6, 6]
    assert board_of({CELL: surge, OTHER: [*CALM, *CALM[:21]]}).level[0] >= Level.ORANGE, (
        "a real rise three weeks after it is seen"
    )


async def test_a_correction_before_what_it_corrects_counts_as_nothing(store: Database) -> None:
    early = day_end(DAY) - timedelta(hours=2)
    await apply(store, observation((COUNTY, "01", 4), day=DAY - timedelta(days=1)))
    await apply(store, observation((COUNTY, "01", -3), at=early))
    await apply(store, observation((COUNTY, "01", -3), at=early, measure=2))
    panel, evidence = await panels(store).evidence(DAY)
    assert panel.counts.min() == 0
    row = panel.cells.index(Cell(COUNTY, "01"))
    assert evidence.window(Measure.REPEAT, 28, evidence.every_row(), 1)[row, 0] == 0


async def test_what_cannot_be_meant_is_refused_by_field_and_stores_nothing(post: Post) -> None:
    stub, today = post.stub(), START.isoformat()
    for day, count, field in (
        (today, -1, "counts[1].count"),
        ((START + timedelta(days=1)).isoformat(), 1, "counts[1].day"),
        ("2025-02-30", 1, "counts[1].day"),
        ("1949-10-01", 1, "counts[1].day"),
    ):
        request = pb.RecordObservationsRequest(
            request_id=new_id(), source="history",
            counts=[
                pb.RecordedCount(cell=cell(), day=today, count=1),
                pb.RecordedCount(cell=cell(), day=day, count=count),
            ],
        )  # fmt: skip
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.RecordObservations(request)
        assert wrong_fields(caught.value) == [field], (day, count)
    assert not await post.rows("SELECT FROM cell_day")
    with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
        pb.RecordedCount(cell=cell(), day=today, count=1.5)  # type: ignore[arg-type]
    # No day that has not closed is evaluated, read or replayed.
    for call in (
        stub.Evaluate(pb.EvaluateRequest(as_of=today)),
        stub.GetIndicators(pb.GetIndicatorsRequest(cells=[cell()], as_of=today)),
        stub.RecommendThresholds(
            pb.RecommendThresholdsRequest(data_to=today, warnings_per_county_month=1)
        ),
    ):
        assert (await refused(call))[1] == "INVALID_FIELD"


async def test_odd_counts_are_recorded_and_evaluated_by_their_rules(post: Post) -> None:
    """Unsorted, twice, missing, zero, a single one, a million: one request each, then evaluated."""
    at_once = policy(
        region_prefix="", strategy=ThresholdPolicy.STRATEGY_FORECAST_EXCEEDANCE, min_count=5,
        levels=[LevelRule(level=1, limit=0.99), LevelRule(level=4, limit=0.999999)],  # type: ignore[arg-type]
    )  # fmt: skip
    days = len(CALM) - 19
    first = START - timedelta(days=days - 1)
    calm = [int(count) for count in CALM[:days]]
    spiked, gaps = [*calm[:-1], 10**6], [count if n % 9 else 0 for n, count in enumerate(calm)]
    given = [
        *counts([7, 8], first, category="01"),  # said again below: the later stands
        *counts(calm, first, category="01"),
        *counts([0] * days, first, category="02"),
        *counts(spiked, first, category="03"),
        *(item for item in counts(gaps, first, category="04") if item.count),
        *counts([500], START, region="110101"),
    ]
    given[2:] = random.Random(2).sample(given[2:], len(given) - 2)
    assert await post.record(given) == len(given) - 2
    shown = await post.stub().QuerySeries(
        pb.QuerySeriesRequest(cell=cell(), from_day=first.isoformat(), to_day=first.isoformat())
    )
    assert shown.days[0].suppressed, "one item, not the seven said before"
    await post.stub().CreateThresholdPolicy(
        pb.CreateThresholdPolicyRequest(request_id=new_id(), policy=at_once)
    )
    response = await post.evaluate(START)
    found = {(item.cell.region_code, item.cell.category_code): item
             for item in response.changed_warnings}  # fmt: skip
    assert set(found) == {(COUNTY, "03")}
    assert found[COUNTY, "03"].proposed_level == matter_pb2.WARNING_LEVEL_RED
    assert found[COUNTY, "03"].effective_level < matter_pb2.WARNING_LEVEL_RED
    assert response.insufficient_history_count == 3, "the single count, its city and its province"
    # County, city and province of three categories, and the single one; all zeros are no cell.
    assert response.cell_count == 3 * 3 + 3
