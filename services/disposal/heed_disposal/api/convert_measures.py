"""Turns measures and their details into the contract and back. Enum numbers are the same."""

from heed.disposal.v1 import resources_pb2 as resources

from heed_disposal.api.parts import actor, day_of, moment_of, timestamp
from heed_disposal.domain.case import Measure
from heed_disposal.domain.measure_details import (
    FIELDS,
    CommunityLiaison,
    Details,
    OfficialsTalk,
    PetitionerMeeting,
    Promise,
    PublicStatement,
    RecordDocument,
    SiteVisit,
    SourcedSentence,
)


def details_from(message: resources.MeasureDetails) -> Details | None:
    """Return the details of a request; None where it has none."""
    field = message.WhichOneof("kind")
    if field == "site_visit":
        return _visit_from(message.site_visit)
    if field == "community_liaison":
        return _liaison_from(message.community_liaison)
    if field == "officials_talk":
        return _talk_from(message.officials_talk)
    if field == "petitioner_meeting":
        return _meeting_from(message.petitioner_meeting)
    if field == "public_statement":
        return _statement_from(message.public_statement)
    return None


def _visit_from(message: resources.SiteVisit) -> SiteVisit:
    return SiteVisit(
        staff=tuple(message.staff),
        place=message.place,
        starts_at=(
            moment_of(message.starts_at, "details.site_visit.starts_at")
            if message.HasField("starts_at")
            else None
        ),
        enters_private_place=message.enters_private_place,
        owner_consented=message.owner_consented,
    )


def _liaison_from(message: resources.CommunityLiaison) -> CommunityLiaison:
    expires_on = message.expires_on
    return CommunityLiaison(
        contact_unit=message.contact_unit,
        task=message.task,
        shared_items=tuple(message.shared_items),
        sharing_basis=message.sharing_basis,
        expires_on=(
            day_of(expires_on, "details.community_liaison.expires_on") if expires_on else None
        ),
    )


def _talk_from(message: resources.OfficialsTalk) -> OfficialsTalk:
    due_on = message.correction_due_on
    return OfficialsTalk(
        invited_unit=message.invited_unit,
        topics=tuple(message.topics),
        correction_due_on=(
            day_of(due_on, "details.officials_talk.correction_due_on") if due_on else None
        ),
    )


def _meeting_from(message: resources.PetitionerMeeting) -> PetitionerMeeting:
    noticed = message.HasField("notice_given_at")
    begins = message.HasField("starts_at")
    field = f"details.{FIELDS[PetitionerMeeting]}"
    return PetitionerMeeting(
        consent_given=message.consent_given,
        consent_record=message.consent_record,
        notice_given_at=(
            moment_of(message.notice_given_at, f"{field}.notice_given_at") if noticed else None
        ),
        starts_at=moment_of(message.starts_at, f"{field}.starts_at") if begins else None,
        place=message.place,
        place_accessible=message.place_accessible,
        recorded=message.recorded,
        all_consented_to_recording=message.all_consented_to_recording,
        topics=tuple(message.topics),
        other_side_consented=message.other_side_consented,
    )


def _statement_from(message: resources.PublicStatement) -> PublicStatement:
    return PublicStatement(
        sentences=tuple(SourcedSentence(item.text, item.source) for item in message.sentences),
        channels=tuple(message.channels),
        legal_checked=message.legal_checked,
        privacy_checked=message.privacy_checked,
        secrecy_checked=message.secrecy_checked,
    )


def promise_from(message: resources.MeasurePromise, field: str) -> Promise:
    """Return a promise of a request."""
    return Promise(message.text, day_of(message.due_on, f"{field}.due_on"))


def document_from(message: resources.RecordDocument) -> RecordDocument:
    """Return a file of record of a request."""
    return RecordDocument(message.title, message.sha256.hex())


def measure(case: str, source: Measure) -> resources.Measure:
    """Return a measure of the case of that name."""
    return resources.Measure(
        name=f"{case}/measures/{source.number}",
        kind=resources.Measure.Kind.ValueType(int(source.kind)),
        status=resources.Measure.Status.ValueType(int(source.status)),
        title=source.title,
        purpose=source.purpose,
        legal_basis=source.legal_basis,
        owner_unit=source.owner_unit,
        due_on=source.due_on.isoformat(),
        playbook=source.playbook,
        planned_by=actor(source.planned_by),
        approved_by=actor(source.approved_by),
        result=source.result,
        approver_role=source.approver_role,
        details=_details(source.details) if source.details else None,
        proportionality_note=source.proportionality_note,
        personal_data_used=source.personal_data_used,
        side_effects=source.side_effects,
        cost=source.cost,
        effect=resources.Measure.Effect.ValueType(int(source.effect)),
        promises=[
            resources.MeasurePromise(text=item.text, due_on=item.due_on.isoformat())
            for item in source.promises
        ],
        documents=[
            resources.RecordDocument(title=item.title, sha256=bytes.fromhex(item.sha256))
            for item in source.documents
        ],
        revision_of=f"{case}/measures/{source.revision_of}" if source.revision_of else "",
        stop_reason=source.stop_reason,
        started_at=timestamp(source.started_at),
        ended_at=timestamp(source.ended_at),
    )


def _details(source: Details) -> resources.MeasureDetails:
    if isinstance(source, SiteVisit):
        return resources.MeasureDetails(site_visit=_visit(source))
    if isinstance(source, CommunityLiaison):
        return resources.MeasureDetails(community_liaison=_liaison(source))
    if isinstance(source, OfficialsTalk):
        return resources.MeasureDetails(officials_talk=_talk(source))
    if isinstance(source, PetitionerMeeting):
        return resources.MeasureDetails(petitioner_meeting=_meeting(source))
    return resources.MeasureDetails(public_statement=_statement(source))


def _visit(source: SiteVisit) -> resources.SiteVisit:
    return resources.SiteVisit(
        staff=source.staff,
        place=source.place,
        starts_at=timestamp(source.starts_at),
        enters_private_place=source.enters_private_place,
        owner_consented=source.owner_consented,
    )


def _liaison(source: CommunityLiaison) -> resources.CommunityLiaison:
    return resources.CommunityLiaison(
        contact_unit=source.contact_unit,
        task=source.task,
        shared_items=source.shared_items,
        sharing_basis=source.sharing_basis,
        expires_on=source.expires_on.isoformat() if source.expires_on else "",
    )


def _talk(source: OfficialsTalk) -> resources.OfficialsTalk:
    due_on = source.correction_due_on
    return resources.OfficialsTalk(
        invited_unit=source.invited_unit,
        topics=source.topics,
        correction_due_on=due_on.isoformat() if due_on else "",
    )


def _meeting(source: PetitionerMeeting) -> resources.PetitionerMeeting:
    return resources.PetitionerMeeting(
        consent_given=source.consent_given,
        consent_record=source.consent_record,
        notice_given_at=timestamp(source.notice_given_at),
        starts_at=timestamp(source.starts_at),
        place=source.place,
        place_accessible=source.place_accessible,
        recorded=source.recorded,
        all_consented_to_recording=source.all_consented_to_recording,
        topics=source.topics,
        other_side_consented=source.other_side_consented,
    )


def _statement(source: PublicStatement) -> resources.PublicStatement:
    return resources.PublicStatement(
        sentences=[
            resources.SourcedSentence(text=item.text, source=item.source)
            for item in source.sentences
        ],
        channels=source.channels,
        legal_checked=source.legal_checked,
        privacy_checked=source.privacy_checked,
        secrecy_checked=source.secrecy_checked,
    )
