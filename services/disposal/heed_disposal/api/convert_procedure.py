"""Turns the records of a procedure into the contract and back. Enum numbers are the same."""

from heed.common.v1 import actor_pb2, matter_pb2
from heed.disposal.v1 import resources_pb2 as resources

from heed_disposal.api.parts import actor, timestamp
from heed_disposal.domain.procedure_terms import LegalRoute, NoticeKind
from heed_disposal.domain.records import (
    MajorReport,
    Notice,
    Objection,
    Review,
    Service,
    Supervision,
)
from heed_disposal.domain.terms import Actor


def actor_from(message: actor_pb2.Actor) -> Actor:
    """Return an actor that a request names."""
    return Actor(message.identity, message.display_name, message.unit)


def notice_from(message: resources.Notice) -> Notice:
    """Return the notice of a request; who notified and when is set by the verb."""
    return Notice(
        kind=NoticeKind(message.kind),
        text=message.text,
        legal_basis=message.legal_basis,
        body=message.body,
        route=LegalRoute(message.route),
        limitation=message.limitation,
        legal_aid_contact=message.legal_aid_contact,
        remedy=message.remedy,
    )


def objection(source: Objection) -> resources.Objection:
    """Return an objection."""
    return resources.Objection(
        state=resources.Objection.State.ValueType(int(source.state)),
        unit=source.unit,
        reason=source.reason,
        competent_unit=source.competent_unit,
        objected_by=actor(source.objected_by),
        objected_at=timestamp(source.objected_at),
        decided_by=actor(source.decided_by),
        decision_reason=source.decision_reason,
    )


def notice(source: Notice) -> resources.Notice:
    """Return a notice."""
    return resources.Notice(
        kind=resources.Notice.Kind.ValueType(int(source.kind)),
        text=source.text,
        legal_basis=source.legal_basis,
        body=source.body,
        route=matter_pb2.LegalRoute.ValueType(int(source.route)),
        limitation=source.limitation,
        legal_aid_contact=source.legal_aid_contact,
        remedy=source.remedy,
        notified_by=actor(source.notified_by),
        notified_at=timestamp(source.notified_at),
    )


def service(source: Service) -> resources.Service:
    """Return a service."""
    return resources.Service(
        method=resources.Service.Method.ValueType(int(source.method)),
        served_on=source.served_on.isoformat(),
        note=source.note,
        served_by=actor(source.served_by),
    )


def review(source: Review) -> resources.Review:
    """Return a review or re-check."""
    return resources.Review(
        unit=source.unit,
        reason=source.reason,
        requested_on=source.requested_on.isoformat(),
        late_reason=source.late_reason,
        result=resources.Review.Result.ValueType(int(source.result)),
        text=source.text,
        legal_basis=source.legal_basis,
        issued_by=actor(source.issued_by),
        issued_at=timestamp(source.issued_at),
    )


def supervision(source: Supervision) -> resources.Supervision:
    """Return a supervision."""
    return resources.Supervision(
        number=source.number,
        kind=resources.Supervision.Kind.ValueType(int(source.kind)),
        text=source.text,
        supervised_by=actor(source.supervised_by),
        supervised_at=timestamp(source.supervised_at),
        answer_due_on=source.answer_due_on.isoformat(),
        answer=source.answer,
        adopted=source.adopted,
        answered_by=actor(source.answered_by),
        answered_at=timestamp(source.answered_at),
    )


def major_report(source: MajorReport) -> resources.MajorReport:
    """Return a report of a major matter."""
    return resources.MajorReport(
        stage=resources.MajorReport.Stage.ValueType(int(source.stage)),
        addressees=source.addressees,
        text=source.text,
        reported_by=actor(source.reported_by),
        reported_at=timestamp(source.reported_at),
    )
