"""Turns news of a case into events: progress for the petitioner, counts and verdicts for warning.

Events are thin. Those for warning name a cell and counts, or the warning itself, and never a case.
"""

from collections import defaultdict
from datetime import date, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from heed.common.v1.observation_pb2 import CellDelta, Measure, Observation
from heed.disposal.v1.events_pb2 import OutcomeEvent, ProgressEvent, WarningVerdict

from heed_disposal.application.ports import News
from heed_disposal.domain.case import Case, Step
from heed_disposal.domain.counts import CountDelta
from heed_disposal.domain.responses import warnings_of
from heed_disposal.domain.terms import Finding, StepKind, Track
from heed_disposal.domain.transitions import Action
from heed_shared.feed import NewEvent
from heed_shared.ids import etag_of

PROGRESS = "disposal.progress"
OUTCOMES = "disposal.outcomes"


def events_of(news: News, now: datetime) -> list[NewEvent]:
    """Return the events of one change."""
    case = news.case
    events = []
    for step in case.steps:
        if step.kind is not StepKind.NONE and case.petition:
            events.append(_progress_event(case, step, news.traceparent))
        if step.action == Action.CLOSE and case.track is Track.WARNING:
            events += [
                _verdict_event(case, warning, now, news.traceparent)
                for warning in warnings_of(case)
            ]
    by_day: dict[date, list[CountDelta]] = defaultdict(list)
    for delta in news.deltas:
        by_day[delta.cell.day].append(delta)
    events += [_count_event(deltas, now, news.traceparent) for deltas in by_day.values()]
    return events


def progress(petition: str, case: str, step: Step) -> ProgressEvent:
    """Return a public step as the petitioner's progress page takes it."""
    return ProgressEvent(
        kind=ProgressEvent.Kind.ValueType(int(step.kind)),
        petition=petition,
        case=case,
        unit=step.unit,
        stepped_at=timestamp(step.at),
        due_at=timestamp(step.due_at) if step.due_at else None,
    )


def observation(day: date, deltas: list[CountDelta], now: datetime) -> OutcomeEvent:
    """Return counts of one day as warning takes them."""
    return OutcomeEvent(
        observation=Observation(
            received_day=day.isoformat(),
            recorded_at=timestamp(now),
            deltas=[
                CellDelta(
                    region_code=delta.cell.region_code,
                    category_code=delta.cell.category_code,
                    measure=_measure(delta),
                    bucket=delta.bucket,
                    delta=delta.delta,
                )
                for delta in deltas
            ],
        )
    )


def verdict(warning: str, finding: Finding) -> OutcomeEvent:
    """Return what the handling of a warning found."""
    return OutcomeEvent(
        verdict=WarningVerdict(
            warning=warning, finding=WarningVerdict.Finding.ValueType(int(finding))
        )
    )


def timestamp(moment: datetime) -> Timestamp:
    """Return a moment as the contract has it."""
    value = Timestamp()
    value.FromDatetime(moment)
    return value


def _measure(delta: CountDelta) -> "Measure.ValueType":
    return Measure.ValueType(int(delta.kind))


def _progress_event(case: Case, step: Step, traceparent: str) -> NewEvent:
    return NewEvent(
        feed=PROGRESS,
        subject=case.petition,
        region_code=case.handling_region,
        etag=etag_of(case.version),
        recorded_at=step.at,
        payload=progress(case.petition, case.name, step),
        traceparent=traceparent,
    )


def _verdict_event(case: Case, warning: str, now: datetime, traceparent: str) -> NewEvent:
    return NewEvent(
        feed=OUTCOMES,
        subject=warning,
        region_code=case.handling_region,
        etag=etag_of(case.version),
        recorded_at=now,
        payload=verdict(warning, case.finding),
        shard_key=f"{case.handling_region}|{case.category_code}",
        traceparent=traceparent,
    )


def _count_event(deltas: list[CountDelta], now: datetime, traceparent: str) -> NewEvent:
    cell = deltas[0].cell
    return NewEvent(
        feed=OUTCOMES,
        subject="",
        region_code=cell.region_code,
        etag="",
        recorded_at=now,
        payload=observation(cell.day, deltas, now),
        shard_key=f"{cell.region_code}|{cell.category_code}",
        traceparent=traceparent,
    )
