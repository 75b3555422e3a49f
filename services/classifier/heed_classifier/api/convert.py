"""Domain records as messages of the contract."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from heed.classifier.v1 import resources_pb2 as pb
from heed.common.v1.actor_pb2 import Actor

from heed_classifier.application.ports import Position
from heed_classifier.application.repeats import matter_name
from heed_classifier.application.sorting import Answer
from heed_classifier.domain.decision import Evidence, Sorted
from heed_classifier.domain.incidents import IncidentKey
from heed_classifier.domain.records import (
    ClassificationRecord,
    CorrectedAxes,
    IncidentMember,
    IncidentRecord,
    KeptCorrection,
    MatterRecord,
)
from heed_shared.ids import etag_of, petition_name, resource_name
from heed_shared.reference.taxonomy import Category, Taxonomy


class Converter:
    """Makes messages; knows the taxonomy for the names of categories."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._taxonomy = taxonomy

    def classification(self, record: ClassificationRecord) -> pb.Classification:
        """A stored classification."""
        petition = petition_name(record.key.region, record.key.uid)
        decision = pb.Decision(method=int(record.method), model=_source(record.source))  # type: ignore[arg-type]
        if record.corrected_by is not None:
            by = record.corrected_by
            decision.reason = by.reason
            decision.corrected_by.CopyFrom(
                Actor(identity=by.identity, display_name=by.display_name, unit=by.unit)
            )
        return pb.Classification(
            name=f"{petition}/classification",
            petition=petition,
            region_code=record.region_code,
            matters=[self._matter(petition, matter) for matter in record.matters],
            decision=decision,
            classified_at=_timestamp(record.classified_at),
            updated_at=_timestamp(record.updated_at),
            etag=etag_of(record.version),
            received_at=_timestamp(record.received_at),
        )

    def answer(self, answer: Answer, region_code: str) -> pb.Classification:
        """An answer about a text that is not stored; it has no name."""
        return pb.Classification(
            region_code=region_code,
            matters=[self._sorted(matter) for matter in answer.matters],
            decision=pb.Decision(
                method=int(answer.method),  # type: ignore[arg-type]
                model=_source(answer.source),
            ),
        )

    def _matter(self, petition: str, record: MatterRecord) -> pb.Matter:
        matter = self._sorted(record.answer)
        matter.name = f"{petition}/matters/{record.key.k}"
        if record.incident is not None:
            matter.incident = incident_name(record.incident)
        if record.repeat_of is not None:
            matter.repeat_of = matter_name(record.repeat_of)
        return matter

    def _sorted(self, answer: Sorted) -> pb.Matter:
        return pb.Matter(
            category_code=answer.category_code,
            subcategory_code=answer.subcategory_code,
            candidates=self._candidates(answer.candidates),
            band=int(answer.band),  # type: ignore[arg-type]
            nature=int(answer.nature),  # type: ignore[arg-type]
            nature_probability=answer.nature_probability,
            proposed_route=int(answer.route),  # type: ignore[arg-type]
            target=pb.HandlingTarget(
                level=int(answer.target.level),  # type: ignore[arg-type]
                line=answer.target.line,
                unit=answer.target.unit,
                region_code=answer.target.region_code,
            ),
            urgency=int(answer.urgency),  # type: ignore[arg-type]
            importance=int(answer.importance),  # type: ignore[arg-type]
            hazard=answer.hazard,
            evidence=_evidence(answer.evidence),
            title=answer.title,
            people_bucket=answer.people_bucket,  # type: ignore[arg-type]
            spans=[pb.TextSpan(start=start, end=end) for start, end in answer.spans],
            nature_evidence=_evidence(answer.nature_evidence),
            urgency_evidence=_evidence(answer.urgency_evidence),
            route_reason=answer.route_reason,
            sealed_lane=answer.sealed_lane,
            subcategory_candidates=self._candidates(answer.subcategory_candidates),
            importance_reason=answer.importance_reason,
        )

    def _candidates(self, ranked: Sequence[tuple[str, float]]) -> list[pb.CategoryProbability]:
        return [
            pb.CategoryProbability(
                category_code=code, category_title=self._title(code), probability=probability
            )
            for code, probability in ranked
        ]

    def _title(self, code: str) -> str:
        return self._taxonomy.title(code) if code in self._taxonomy else ""


def correction(kept: KeptCorrection) -> pb.Correction:
    """One correction that was kept."""
    petition = petition_name(kept.key.region, kept.key.uid)
    return pb.Correction(
        matter=f"{petition}/matters/{kept.key.k}",
        before=_axes(kept.before),
        after=_axes(kept.after),
        corrected_by=Actor(
            identity=kept.by.identity, display_name=kept.by.display_name, unit=kept.by.unit
        ),
        reason=kept.by.reason,
        corrected_at=_timestamp(kept.corrected_at),
    )


def category(item: Category) -> pb.Category:
    """A category of the taxonomy."""
    return pb.Category(
        code=item.code,
        title=item.title,
        parent_code=item.parent_code,
        aliases=item.aliases,
        valid_from=_day(item.valid_from),
        valid_to=_day(item.valid_to),
        sealed=item.sealed,
    )


def incident(record: IncidentRecord, members: Sequence[IncidentMember] = ()) -> pb.Incident:
    """An incident, with the names of the members given."""
    return pb.Incident(
        name=incident_name(record.key),
        title=record.title,
        keywords=record.keywords,
        region_code=record.key.region,
        category_code=record.category_code,
        matter_count=record.matter_count,
        first_seen_at=_timestamp(record.first_seen_at),
        last_seen_at=_timestamp(record.last_seen_at),
        recent_count=record.recent_count,
        previous_count=record.previous_count,
        matters=[
            f"{petition_name(member.key.region, member.key.uid)}/matters/{member.k}"
            for member in members
        ],
        places=record.places,
    )


def position_of_classification(record: ClassificationRecord) -> Position:
    """Where a page of classifications ended."""
    return [record.received_at.isoformat(), record.key.region, str(record.key.uid)]


def position_of_incident(record: IncidentRecord) -> Position:
    """Where a page of incidents ended."""
    return [record.matter_count, record.key.region, str(record.key.uid)]


def incident_name(key: IncidentKey) -> str:
    """Resource name of an incident."""
    return resource_name("incidents", key.region, key.uid)


def _axes(axes: CorrectedAxes) -> pb.CorrectedAxes:
    return pb.CorrectedAxes(
        category_code=axes.category_code,
        subcategory_code=axes.subcategory_code,
        nature=int(axes.nature),  # type: ignore[arg-type]
        urgency=int(axes.urgency),  # type: ignore[arg-type]
    )


def _evidence(found: Sequence[Evidence]) -> list[pb.Evidence]:
    return [pb.Evidence(phrase=e.phrase, start=e.start, end=e.end, weight=e.weight) for e in found]


def _source(source: str) -> str:
    """Models have resource names; the rules only a version."""
    return source if source.startswith("rules") else f"models/{source}"


def _timestamp(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def _day(day: date | None) -> str:
    return day.isoformat() if day is not None else ""
