"""Turns threshold policies, their previews, trades and backtests into contract messages."""

from __future__ import annotations

from collections.abc import Sequence

from heed.common.v1.matter_pb2 import WarningLevel
from heed.warning.v1 import resources_pb2 as pb
from heed.warning.v1 import warning_service_pb2 as service_pb

from heed_warning.api.convert import from_cell, from_policy
from heed_warning.application.places import Places
from heed_warning.application.tuning import Ground
from heed_warning.domain.backtest import BacktestRow
from heed_warning.domain.preview import Preview
from heed_warning.domain.trades import METHOD, Aim, Recommendation

_MOST_ROWS = 1000


def from_preview(found: Preview) -> pb.PolicyPreview:
    """Return a preview for the contract."""
    return pb.PolicyPreview(
        as_of=found.as_of.isoformat(),
        cell_count=found.cell_count,
        raised_count=found.raised_count,
        cleared_count=found.cleared_count,
        changes=[
            pb.PreviewedChange(
                cell=from_cell(change.cell),
                present_level=WarningLevel.ValueType(change.present_level),
                new_level=WarningLevel.ValueType(change.new_level),
                present_threshold=change.present_threshold,
                new_threshold=change.new_threshold,
            )
            for change in found.changes
        ],
    )


def to_aim(request: service_pb.RecommendThresholdsRequest) -> Aim:
    """Return what a recommendation is to reach; the contract asks for exactly one of the two."""
    if request.WhichOneof("aim") == "missed_to_false_cost":
        return Aim(missed_to_false_cost=request.missed_to_false_cost)
    return Aim(warnings_per_county_month=request.warnings_per_county_month)


def from_recommendation(found: Recommendation) -> service_pb.RecommendThresholdsResponse:
    """Return a recommendation for the contract; its policy is not stored, so it has no name."""
    policy = from_policy(found.policy)
    policy.ClearField("name")
    policy.ClearField("etag")
    return service_pb.RecommendThresholdsResponse(
        policy=policy,
        trades=[
            pb.ThresholdTrade(
                limit=trade.limit,
                warnings_per_county_month=trade.warnings_per_county_month,
                false_warnings_per_county_month=trade.false_warnings_per_county_month,
                missed_share=trade.missed_share,
                mean_delay_days=trade.mean_delay_days,
                cost=trade.cost,
                chosen=trade.chosen,
            )
            for trade in found.trades
        ],
        cell_count=found.cell_count,
        insufficient_history_count=found.insufficient_history_count,
        method=METHOD,
    )


def from_backtest(rows: Sequence[BacktestRow], ground: Ground, places: Places) -> pb.BacktestReport:
    """Return a backtest for the contract, most warnings first."""
    total, cells = rows[0], sorted(rows[1:], key=lambda row: -row.warning_count)
    return pb.BacktestReport(
        data_from=ground.first_day.isoformat(),
        data_to=ground.panel.last_day.isoformat(),
        total=_row(total, places),
        rows=[_row(row, places) for row in cells[:_MOST_ROWS]],
    )


def _row(row: BacktestRow, places: Places) -> pb.BacktestRow:
    message = pb.BacktestRow(
        day_count=row.day_count,
        warning_count=row.warning_count,
        false_count=row.false_count,
        surge_count=row.surge_count,
        found_count=row.found_count,
        found_share=row.found_share,
        mean_lead_days=row.mean_lead_days,
    )
    if row.cell:
        message.cell.CopyFrom(from_cell(row.cell))
        message.region_title = places.region_title(row.cell.region)
        message.category_title = places.category_title(row.cell.category)
    return message
