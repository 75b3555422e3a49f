"""Turns contract messages into the domain's data and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date

from heed.common.v1.actor_pb2 import Actor
from heed.common.v1.matter_pb2 import WarningLevel
from heed.warning.v1 import resources_pb2 as pb
from heed.warning.v1 import warning_service_pb2 as service_pb

from heed_shared.errors import InvalidField
from heed_shared.ids import etag_of
from heed_warning.application.observations import ShownCount
from heed_warning.application.places import Places
from heed_warning.domain.counts import ITEMS, RecordedCount
from heed_warning.domain.forecaster_record import ForecasterRecord
from heed_warning.domain.panel import Cell
from heed_warning.domain.policy import Level, LevelRule, Policy, Strategy

FIRST_YEAR, LAST_YEAR = 2000, 2199
"""Years of days in requests; the first and last day of all would be infinite in the database."""


def to_day(text: str, field: str) -> date:
    """Return a day of the contract; the pattern there lets 2026-02-30 through, this does not."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InvalidField(field, f"{text} is no day of the calendar") from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise InvalidField(field, f"must lie in the years {FIRST_YEAR} to {LAST_YEAR}")
    return day


def to_day_or_none(text: str, field: str) -> date | None:
    """Return a day, or None where the field is empty."""
    return to_day(text, field) if text else None


def to_cell(cell: pb.Cell) -> Cell:
    """Return a cell of the contract."""
    return Cell(cell.region_code, cell.category_code)


def from_cell(cell: Cell) -> pb.Cell:
    """Return a cell for the contract."""
    return pb.Cell(region_code=cell.region, category_code=cell.category)


def to_recorded(
    counts: Sequence[service_pb.RecordedCount], places: Places, today: date
) -> list[RecordedCount]:
    """Return counts of history, each checked against the tables of regions and categories.

    Raises:
        InvalidField: A day is none, or lies in the future.
    """
    found = []
    for number, item in enumerate(counts):
        places.require(to_cell(item.cell), f"counts[{number}].cell")
        day = to_day(item.day, f"counts[{number}].day")
        if day > today:
            raise InvalidField(f"counts[{number}].day", f"lies after today, {today}")
        found.append(
            RecordedCount(
                region=item.cell.region_code,
                category=item.cell.category_code,
                measure=item.measure or ITEMS,
                day=day,
                count=item.count,
            )
        )
    return found


def from_shown(shown: ShownCount) -> pb.DayCount:
    """Return a day's count for the contract."""
    return pb.DayCount(
        day=shown.day.isoformat(),
        count=shown.count,
        suppressed=shown.suppressed,
        skipped=shown.skipped,
    )


def to_policy(policy: pb.ThresholdPolicy, policy_id: str) -> Policy:
    """Return a policy of the contract under a new id."""
    return Policy(
        policy_id=policy_id,
        region_prefix=policy.region_prefix,
        category=policy.category_code,
        strategy=Strategy(policy.strategy),
        window_days=policy.window_days,
        rules=tuple(LevelRule(Level(rule.level), rule.limit) for rule in policy.levels),
        min_count=policy.min_count,
        pending_evaluations=policy.pending_evaluations,
        clear_evaluations=policy.clear_evaluations,
    )


def from_policy(policy: Policy) -> pb.ThresholdPolicy:
    """Return a policy for the contract."""
    return pb.ThresholdPolicy(
        name=policy.name,
        region_prefix=policy.region_prefix,
        category_code=policy.category,
        strategy=pb.ThresholdPolicy.Strategy.ValueType(policy.strategy),
        window_days=policy.window_days,
        levels=[
            pb.LevelRule(level=WarningLevel.ValueType(rule.level), limit=rule.limit)
            for rule in policy.rules
        ],
        min_count=policy.min_count,
        pending_evaluations=policy.pending_evaluations,
        clear_evaluations=policy.clear_evaluations,
        etag=etag_of(policy.version),
    )


def from_forecaster(record: ForecasterRecord) -> pb.Forecaster:
    """Return a trained forecaster for the contract."""
    message = pb.Forecaster(
        name=record.name,
        state=pb.Forecaster.State.ValueType(record.state),
        kind=record.kind,
        data_from=record.data_from.isoformat(),
        data_to=record.data_to.isoformat(),
        seed=record.seed,
        code_version=record.code_version,
        validation_loss=record.validation_loss,
        baseline_loss=record.baseline_loss,
        coverage_90=record.coverage_90,
        cell_count=record.cell_count,
        losses=[pb.FamilyLoss(**asdict(score)) for score in record.losses],
        etag=etag_of(record.version),
    )
    message.trained_at.FromDatetime(record.trained_at)
    if record.promoted_at is not None:
        message.promoted_at.FromDatetime(record.promoted_at)
    if record.promoted_by is not None:
        message.promoted_by.CopyFrom(Actor(**asdict(record.promoted_by)))
    return message
