"""Models and their reports as messages of the contract."""

from __future__ import annotations

from datetime import date, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from heed.classifier.v1 import classifier_service_pb2 as service_pb
from heed.classifier.v1 import resources_pb2 as pb
from heed.common.v1.actor_pb2 import Actor

from heed_classifier.application.models import Outcome
from heed_classifier.domain.models import ModelRecord, Report
from heed_shared.ids import etag_of
from heed_shared.reference.taxonomy import Taxonomy


def model(record: ModelRecord, taxonomy: Taxonomy | None = None) -> pb.Model:
    """A stored model; with a taxonomy, each category of its report too."""
    made = pb.Model(
        name=record.resource_name,
        state=int(record.state),  # type: ignore[arg-type]
        data_from=_day(record.data_from),
        data_to=_day(record.data_to),
        seed=record.seed,
        code_version=record.code_version,
        taxonomy_version=record.taxonomy_version,
        text_count=record.text_count,
        corrected_count=record.corrected_count,
        report=report(record.report, taxonomy),
        trained_at=_timestamp(record.trained_at),
        etag=etag_of(record.version),
    )
    if record.promoted_at is not None:
        made.promoted_at.CopyFrom(_timestamp(record.promoted_at))
    by = record.promoted_by
    if by is not None:
        actor = Actor(identity=by.identity, display_name=by.display_name, unit=by.unit)
        made.promoted_by.CopyFrom(actor)
    return made


def report(found: Report, taxonomy: Taxonomy | None) -> pb.ModelReport:
    """A report; without a taxonomy, without its categories."""
    categories = found.categories if taxonomy is not None else ()
    return pb.ModelReport(
        text_count=found.text_count,
        macro_f1=found.macro_f1,
        accuracy=found.accuracy,
        calibration_error=found.calibration_error,
        auto_share=found.auto_share,
        auto_precision=found.auto_precision,
        nature_accuracy=found.nature_accuracy,
        categories=[
            pb.CategoryReport(
                category_code=item.code,
                category_title=_title(item.code, taxonomy),
                precision=item.precision,
                recall=item.recall,
                f1=item.f1,
                text_count=item.text_count,
            )
            for item in categories
        ],
    )


def outcome(found: Outcome, taxonomy: Taxonomy) -> service_pb.TrainModelResponse:
    """What became of a training."""
    response = service_pb.TrainModelResponse(
        model=model(found.record, taxonomy), promoted=found.promoted
    )
    if found.current_report is not None:
        response.current_report.CopyFrom(report(found.current_report, taxonomy))
    return response


def training(started_at: datetime, progress: float, stage: str) -> service_pb.TrainModelMetadata:
    """How far a training is."""
    return service_pb.TrainModelMetadata(
        progress=progress, stage=stage, started_at=_timestamp(started_at)
    )


def evaluating(started_at: datetime, progress: float) -> service_pb.EvaluateModelMetadata:
    """How far a test is."""
    return service_pb.EvaluateModelMetadata(progress=progress, started_at=_timestamp(started_at))


def _title(code: str, taxonomy: Taxonomy | None) -> str:
    return taxonomy.title(code) if taxonomy is not None and code in taxonomy else ""


def _day(day: date | None) -> str:
    return day.isoformat() if day is not None else ""


def _timestamp(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
