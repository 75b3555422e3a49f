"""Turns cases and their parts into the contract. Enum numbers are the same on both sides."""

from collections.abc import Iterable
from datetime import datetime

from heed.common.v1 import access_pb2, matter_pb2
from heed.disposal.v1 import disposal_service_pb2 as pb
from heed.disposal.v1 import resources_pb2 as resources

from heed_disposal.api import convert_measures, convert_procedure
from heed_disposal.api.parts import actor, timestamp
from heed_disposal.application.ports import BurningDeadline
from heed_disposal.domain.assessment import needs_second_reader
from heed_disposal.domain.case import Assessment, Case, FollowUp, Opinion
from heed_disposal.domain.deadlines import Deadline, band
from heed_disposal.domain.playbooks import Playbook
from heed_disposal.domain.terms import State
from heed_shared.errors import InvalidField
from heed_shared.ids import etag_of, resource_name


def states_of(numbers: Iterable[int]) -> tuple[State, ...]:
    """Return the states of a filter; the unspecified one asks for nothing.

    Raises:
        InvalidField: a number is no state.
    """
    try:
        return tuple(State(number) for number in numbers if number)
    except ValueError as error:
        raise InvalidField("states", "must be states of a case") from error


def part_number(name: str, case: str, collection: str, field: str) -> int:
    """Return the number of a measure or follow-up of ``case``.

    Raises:
        InvalidField: the name is not one of that case.
    """
    prefix = f"{case}/{collection}/"
    number = name.removeprefix(prefix)
    if not name.startswith(prefix) or not number.isascii() or not number.isdecimal():
        raise InvalidField(field, f"must look like {prefix}1")
    if len(number) > 6:
        raise InvalidField(field, "has too large a number")
    return int(number)


def case(source: Case, now: datetime) -> resources.Case:
    """Return a case; the bands of its deadlines are those of ``now``."""
    converted = resources.Case(
        name=source.name,
        track=resources.Case.Track.ValueType(int(source.track)),
        state=resources.Case.State.ValueType(int(source.state)),
        region_code=source.handling_region,
        category_code=source.category_code,
        title=source.title,
        nature=matter_pb2.Nature.ValueType(int(source.nature)),
        urgency=matter_pb2.Urgency.ValueType(int(source.urgency)),
        importance=matter_pb2.Importance.ValueType(int(source.importance)),
        unit=source.unit,
        proposed_unit=source.proposed_unit,
        received_at=timestamp(source.received_at),
        opened_at=timestamp(source.opened_at),
        deadlines=[deadline(item, now) for item in _by_number(source.deadlines)],
        assessment=assessment(source.assessment, source) if source.assessment else None,
        measures=[convert_measures.measure(source.name, item) for item in source.measures],
        follow_ups=[follow_up(source, item) for item in source.follow_ups],
        opinion=opinion(source.opinion) if source.opinion else None,
        solved=source.solved,
        incident=source.incident,
        etag=etag_of(source.version),
        updated_at=timestamp(source.updated_at),
    )
    if source.warning:
        converted.warning = source.warning
    else:
        converted.matter = source.matter
    _add_procedure(converted, source)
    return converted


def _add_procedure(converted: resources.Case, source: Case) -> None:
    """Add what the procedure has written down; absent records stay absent."""
    procedure = source.procedure
    if procedure.objection:
        converted.objection.CopyFrom(convert_procedure.objection(procedure.objection))
    if procedure.notice:
        converted.notice.CopyFrom(convert_procedure.notice(procedure.notice))
    if procedure.service:
        converted.service.CopyFrom(convert_procedure.service(procedure.service))
    if procedure.review:
        converted.review.CopyFrom(convert_procedure.review(procedure.review))
    if procedure.recheck:
        converted.recheck.CopyFrom(convert_procedure.review(procedure.recheck))
    if procedure.closing_report:
        converted.closing_report = procedure.closing_report.text
    converted.supervisions.extend(
        convert_procedure.supervision(item) for item in procedure.supervisions
    )
    converted.major_reports.extend(
        convert_procedure.major_report(item) for item in procedure.major_reports
    )
    converted.parent = source.parent
    converted.joined_warnings.extend(source.joined_warnings)
    converted.rated = source.rated
    converted.reopened = source.reopened
    converted.closing_report_required = source.report_required


def _by_number(deadlines: tuple[Deadline, ...]) -> list[Deadline]:
    return sorted(deadlines, key=lambda item: item.number)


def deadline(source: Deadline, now: datetime) -> resources.Deadline:
    """Return a deadline with its band at ``now``."""
    due = source.due
    return resources.Deadline(
        code=source.code,
        title=source.title,
        citation=source.citation,
        rule_version=source.rule_version,
        started_at=timestamp(source.started_at),
        due_internal=due.internal.isoformat() if due else "",
        due_legal=due.legal.isoformat() if due else "",
        due_at=timestamp(due.at) if due else None,
        provisional=due.provisional if due else False,
        state=resources.Deadline.State.ValueType(int(source.state)),
        met_at=timestamp(source.met_at),
        band=resources.Deadline.Band.ValueType(int(band(source, now))),
        extended_days=source.extended_days,
        pauses=[
            resources.Pause(
                paused_at=timestamp(item.paused_at),
                resumed_at=timestamp(item.resumed_at),
                cause=item.cause,
                reason=item.reason,
            )
            for item in source.pauses
        ],
        escalated_at=timestamp(source.escalated_at),
        escalated_to=access_pb2.Role.ValueType(source.escalated_to),
        extension_approved_by=actor(source.extension_approved_by),
        extension_reason=source.extension_reason,
    )


def assessment(source: Assessment, owner: Case) -> resources.Assessment:
    """Return the assessment of a case."""
    grade = resources.Assessment.Grade.ValueType
    return resources.Assessment(
        severity=grade(int(source.severity)),
        scope=grade(int(source.scope)),
        development=grade(int(source.development)),
        response_level=matter_pb2.WarningLevel.ValueType(int(source.level)),
        reasons=source.reasons,
        uncertainties=source.uncertainties,
        proposed=source.proposed,
        assessed_by=actor(source.assessed_by),
        assessed_at=timestamp(source.assessed_at),
        second_reader=actor(source.second_reader),
        second_reader_required=needs_second_reader(owner),
    )


def follow_up(owner: Case, source: FollowUp) -> resources.FollowUp:
    """Return a follow-up."""
    return resources.FollowUp(
        name=f"{owner.name}/followUps/{source.number}",
        scheduled_on=source.scheduled_on.isoformat(),
        occasion=source.occasion,
        result=resources.FollowUp.Result.ValueType(int(source.result)),
        note=source.note,
        recorded_by=actor(source.recorded_by),
        recorded_at=timestamp(source.recorded_at),
        measure=f"{owner.name}/measures/{source.measure}" if source.measure else "",
        attempt=source.attempt,
    )


def opinion(source: Opinion) -> resources.Opinion:
    """Return an opinion."""
    return resources.Opinion(
        outcome=resources.Opinion.Outcome.ValueType(int(source.outcome)),
        text=source.text,
        legal_basis=source.legal_basis,
        issued_by=actor(source.issued_by),
        issued_at=timestamp(source.issued_at),
    )


def burning(source: BurningDeadline, now: datetime) -> pb.CaseDeadline:
    """Return a running deadline with the case that owes it."""
    return pb.CaseDeadline(
        case=resource_name("cases", source.region, source.uid),
        title=source.title,
        region_code=source.handling_region,
        unit=source.unit,
        deadline=deadline(source.deadline, now),
    )


def playbook(source: Playbook) -> resources.Playbook:
    """Return a playbook."""
    return resources.Playbook(
        name=source.name,
        title=source.title,
        category_code=source.category_code,
        level=matter_pb2.WarningLevel.ValueType(int(source.level)),
        steps=[
            resources.PlaybookStep(
                kind=resources.Measure.Kind.ValueType(int(step.kind)),
                title=step.title,
                due_days=step.due_days,
                owner=step.owner,
            )
            for step in source.steps
        ],
    )
