"""Turns warnings, silences and figures about them into contract messages, and back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from heed.common.v1.access_pb2 import Role
from heed.common.v1.actor_pb2 import Actor
from heed.common.v1.matter_pb2 import WarningLevel
from heed.warning.v1 import resources_pb2 as pb

from heed_shared.errors import InvalidField
from heed_shared.identity import region_prefix
from heed_shared.ids import etag_of
from heed_warning.api.convert import FIRST_YEAR, LAST_YEAR, from_cell
from heed_warning.api.indicator_messages import from_reading
from heed_warning.application.places import Places
from heed_warning.application.ports import Kept
from heed_warning.application.silencing import SilenceWish, silence_name
from heed_warning.application.warning_ports import Precision
from heed_warning.domain.escalation import EscalationStep
from heed_warning.domain.life import Evaluation, Staff
from heed_warning.domain.silence import Silence
from heed_warning.domain.transitions import State


def to_states(numbers: Iterable[int]) -> tuple[State, ...]:
    """Return states to filter by; the unspecified one asks for nothing."""
    try:
        return tuple(State(number) for number in numbers if number)
    except ValueError:
        raise InvalidField("states", "must be states of a warning") from None


def from_warning(kept: Kept, places: Places) -> pb.Warning:
    """Return a warning for the contract."""
    warning = kept.warning
    message = pb.Warning(
        name=warning.name,
        cell=from_cell(warning.cell),
        region_title=places.region_title(warning.cell.region),
        category_title=places.category_title(warning.cell.category),
        state=pb.Warning.State.ValueType(warning.state),
        proposed_level=WarningLevel.ValueType(warning.proposed),
        effective_level=WarningLevel.ValueType(warning.effective),
        first_exceeded_on=warning.first_exceeded_on.isoformat(),
        fired_on=_day_text(warning.fired_on),
        resolved_on=_day_text(warning.resolved_on),
        latest_evaluation=from_evaluation(warning.evaluation),
        peak_count=warning.peak_count,
        verdict=pb.Warning.Verdict.ValueType(warning.verdict),
        acknowledged_by=_actor(warning.acknowledged_by),
        level_confirmed_by=_actor(warning.level_confirmed_by),
        judged_by=_actor(warning.judged_by),
        note=warning.note,
        etag=etag_of(warning.version),
        escalations=[_escalation(step) for step in warning.steps if step.done_at],
        group=warning.group,
        inhibited_by=warning.inhibited_by,
        silenced_by=silence_name(warning.silenced_by) if warning.silenced_by else "",
    )
    message.updated_at.FromDatetime(kept.updated_at)
    if warning.acknowledge_due_at:
        message.acknowledge_due_at.FromDatetime(warning.acknowledge_due_at)
    return message


def from_evaluation(evaluation: Evaluation) -> pb.Evaluation:
    """Return an evaluation for the contract."""
    return pb.Evaluation(
        cell=from_cell(evaluation.cell),
        as_of=evaluation.as_of.isoformat(),
        outcome=pb.Evaluation.Outcome.ValueType(evaluation.outcome),
        observed_count=evaluation.observed_count,
        expected_count=evaluation.expected_count,
        threshold_count=evaluation.threshold_count,
        tail_probability=evaluation.tail_probability,
        level=WarningLevel.ValueType(evaluation.level),
        window_days=evaluation.window_days,
        reason=evaluation.reason,
        policy=evaluation.policy,
        indicators=[from_reading(reading) for reading in evaluation.indicators],
    )


def _day_text(day: date | None) -> str:
    return day.isoformat() if day else ""


def _actor(staff: Staff | None) -> Actor | None:
    if staff is None:
        return None
    return Actor(identity=staff.identity, display_name=staff.display_name, unit=staff.unit)


def to_silence(silence: pb.Silence) -> SilenceWish:
    """Return what a caller wants silenced.

    Raises:
        InvalidField: A moment is none.
    """
    return SilenceWish(
        region_prefix=region_prefix(silence.region_prefix),
        category=silence.category_code,
        starts_at=_moment(silence, "starts_at"),
        ends_at=_moment(silence, "ends_at"),
        reason=silence.reason,
    )


def from_silence(silence: Silence) -> pb.Silence:
    """Return a silence for the contract."""
    message = pb.Silence(
        name=silence_name(silence.uid),
        region_prefix=silence.region_prefix,
        category_code=silence.category,
        reason=silence.reason,
        created_by=_actor(silence.created_by),
        ended_by=_actor(silence.ended_by),
        etag=etag_of(silence.version),
    )
    message.starts_at.FromDatetime(silence.starts_at)
    message.ends_at.FromDatetime(silence.ends_at)
    return message


def from_precision(found: Precision, places: Places) -> pb.WarningPrecision:
    """Return figures about judged warnings for the contract."""
    hours = found.median_hours_to_acknowledge
    region = found.cell.region if found.cell else ""
    return pb.WarningPrecision(
        region_code=region,
        region_title=places.region_title(region) if region else "",
        category_code=found.cell.category if found.cell else "",
        fired_count=found.fired,
        judged_count=found.judged,
        confirmed_count=found.confirmed,
        explained_count=found.explained,
        false_count=found.false,
        precision=found.confirmed / found.judged if found.judged else -1.0,
        median_hours_to_acknowledge=-1.0 if hours is None else hours,
    )


def _escalation(step: EscalationStep) -> pb.Escalation:
    message = pb.Escalation(step=step.step, role=Role.ValueType(step.role))
    message.due_at.FromDatetime(step.due_at)
    if step.done_at:
        message.done_at.FromDatetime(step.done_at)
    return message


def _moment(silence: pb.Silence, field: str) -> datetime | None:
    """Return a time of a silence; None where it is not given."""
    if not silence.HasField(field):  # type: ignore[arg-type]
        return None
    stamp: Timestamp = getattr(silence, field)
    try:
        moment = stamp.ToDatetime(UTC)
    except (ValueError, OverflowError):
        raise InvalidField(f"silence.{field}", "is no time") from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise InvalidField(f"silence.{field}", f"must lie in the years {FIRST_YEAR} to {LAST_YEAR}")
    return moment
