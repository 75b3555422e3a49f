"""Rows of the schema as domain records, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from heed_classifier.domain.decision import Evidence, Sorted, Target
from heed_classifier.domain.incident_terms import Profile
from heed_classifier.domain.incidents import IncidentKey, Known, MatterKey
from heed_classifier.domain.nature import (
    Band,
    Importance,
    Level,
    Method,
    Nature,
    Route,
    Urgency,
)
from heed_classifier.domain.records import (
    ClassificationRecord,
    CorrectedBy,
    IncidentRecord,
    MatterRecord,
    PetitionKey,
)

Row = Mapping[str, Any]

CLASSIFICATION_COLUMNS = (
    "region", "uid", "version", "region_code", "received_at", "received_day", "method", "source",
    "corrected_identity", "corrected_name", "corrected_unit", "corrected_reason", "classified_at",
    "updated_at",
)  # fmt: skip
MATTER_COLUMNS = (
    "region", "uid", "k", "region_code", "received_at", "received_day", "category_code",
    "subcategory_code", "candidates", "band", "nature", "nature_probability", "route",
    "target_level", "target_line", "target_unit", "target_region", "urgency", "importance",
    "hazard", "evidence", "title", "place", "people_bucket", "city_code", "name_terms",
    "name_weights", "head_terms", "problem_terms", "problem_weights", "counted_terms",
    "incident_region", "incident_uid", "spans", "nature_evidence", "urgency_evidence",
    "route_reason", "importance_reason", "subcategory_candidates",
)  # fmt: skip


def classification_values(record: ClassificationRecord) -> tuple[Any, ...]:
    """The values of CLASSIFICATION_COLUMNS."""
    by = record.corrected_by or CorrectedBy("", "", "", "")
    return (
        record.key.region, record.key.uid, record.version, record.region_code, record.received_at,
        record.matters[0].received_day, int(record.method), record.source, by.identity,
        by.display_name, by.unit, by.reason, record.classified_at, record.updated_at,
    )  # fmt: skip


def matter_values(record: MatterRecord) -> tuple[Any, ...]:
    """The values of MATTER_COLUMNS."""
    answer, profile, incident = record.answer, record.profile, record.incident
    return (
        record.key.region, record.key.uid, record.key.k, record.region_code, record.received_at,
        record.received_day, answer.category_code, answer.subcategory_code,
        json.dumps(answer.candidates), int(answer.band), int(answer.nature),
        answer.nature_probability, int(answer.route), int(answer.target.level), answer.target.line,
        answer.target.unit, answer.target.region_code, int(answer.urgency), int(answer.importance),
        answer.hazard, _evidence_json(answer.evidence),
        answer.title, record.place, answer.people_bucket, record.city_code, list(profile.names),
        list(profile.names.values()), sorted(profile.heads), list(profile.problem),
        list(profile.problem.values()), list(record.counted_terms),
        incident.region if incident else None, incident.uid if incident else None,
        json.dumps(answer.spans), _evidence_json(answer.nature_evidence),
        _evidence_json(answer.urgency_evidence), answer.route_reason, answer.importance_reason,
        json.dumps(answer.subcategory_candidates),
    )  # fmt: skip


def matter_of(row: Row) -> MatterRecord:
    """A row of ``matter`` as a record."""
    return MatterRecord(
        key=MatterKey(row["region"], row["uid"], row["k"]),
        region_code=row["region_code"],
        received_at=row["received_at"],
        received_day=row["received_day"],
        answer=_answer_of(row),
        place=row["place"],
        city_code=row["city_code"],
        profile=profile_of(row),
        counted_terms=tuple(row["counted_terms"]),
        incident=incident_key_of(row),
        repeat_of=_repeat_of(row),
    )


def _repeat_of(row: Row) -> MatterKey | None:
    if row["repeat_uid"] is None:
        return None
    return MatterKey(row["repeat_region"], row["repeat_uid"], row["repeat_k"])


def _answer_of(row: Row) -> Sorted:
    return Sorted(
        category_code=row["category_code"],
        subcategory_code=row["subcategory_code"],
        candidates=tuple((code, p) for code, p in row["candidates"]),
        band=Band(row["band"]),
        nature=Nature(row["nature"]),
        nature_probability=row["nature_probability"],
        accusation_suspected=False,
        route=Route(row["route"]),
        target=Target(
            Level(row["target_level"]), row["target_line"], row["target_unit"], row["target_region"]
        ),
        urgency=Urgency(row["urgency"]),
        importance=Importance(row["importance"]),
        hazard=row["hazard"],
        evidence=_evidence_of(row["evidence"]),
        title=row["title"],
        people_bucket=row["people_bucket"],
        spans=tuple((start, end) for start, end in row["spans"]),
        nature_evidence=_evidence_of(row["nature_evidence"]),
        urgency_evidence=_evidence_of(row["urgency_evidence"]),
        route_reason=row["route_reason"],
        importance_reason=row["importance_reason"],
        subcategory_candidates=tuple((code, p) for code, p in row["subcategory_candidates"]),
    )


def _evidence_json(evidence: Sequence[Evidence]) -> str:
    return json.dumps([[e.phrase, e.start, e.end, e.weight] for e in evidence])


def _evidence_of(items: Sequence[Sequence[Any]]) -> tuple[Evidence, ...]:
    return tuple(Evidence(*item) for item in items)


def profile_of(row: Row) -> Profile:
    """The profile columns of a matter."""
    return Profile(
        dict(zip(row["name_terms"], row["name_weights"], strict=True)),
        dict(zip(row["problem_terms"], row["problem_weights"], strict=True)),
        frozenset(row["head_terms"]),
    )


def incident_key_of(row: Row) -> IncidentKey | None:
    """The incident of a matter's row."""
    if row["incident_uid"] is None:
        return None
    return IncidentKey(row["incident_region"], row["incident_uid"])


def known_of(row: Row) -> Known:
    """A row of ``matter`` as the grouping knows it."""
    return Known(
        MatterKey(row["region"], row["uid"], row["k"]),
        profile_of(row),
        row["received_at"],
        row["category_code"],
        row["title"],
        row["place"],
        incident_key_of(row),
    )


def classification_of(row: Row, matters: Sequence[MatterRecord]) -> ClassificationRecord:
    """A row of ``classification`` with its matters as a record."""
    by = None
    if row["corrected_identity"]:
        by = CorrectedBy(
            row["corrected_identity"],
            row["corrected_name"],
            row["corrected_unit"],
            row["corrected_reason"],
        )
    return ClassificationRecord(
        key=PetitionKey(row["region"], row["uid"]),
        version=row["version"],
        region_code=row["region_code"],
        received_at=row["received_at"],
        method=Method(row["method"]),
        source=row["source"],
        corrected_by=by,
        classified_at=row["classified_at"],
        updated_at=row["updated_at"],
        matters=tuple(matters),
    )


def incident_of(row: Row) -> IncidentRecord:
    """A row of ``incident`` as a record."""
    return IncidentRecord(
        IncidentKey(row["region"], row["uid"]),
        row["title"],
        tuple(row["keywords"]),
        row["category_code"],
        row["matter_count"],
        row["first_seen_at"],
        row["last_seen_at"],
        row["recent_count"],
        row["previous_count"],
        tuple(row["places"]),
    )
