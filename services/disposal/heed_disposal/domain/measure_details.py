"""What has to be recorded of a measure, kind by kind (措施要素). The limits stand in `limits`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from heed_disposal.domain.terms import MeasureKind


@dataclass(frozen=True)
class SiteVisit:
    """Staff go and look at the place of the problem."""

    staff: tuple[str, ...]
    """Members of staff by identity."""
    place: str
    starts_at: datetime | None
    enters_private_place: bool
    owner_consented: bool


@dataclass(frozen=True)
class CommunityLiaison:
    """A community is asked for practical help."""

    contact_unit: str
    task: str
    shared_items: tuple[str, ...]
    """Exact data items that it is given."""
    sharing_basis: str
    expires_on: date | None


@dataclass(frozen=True)
class OfficialsTalk:
    """Officials of the responsible unit are asked to act."""

    invited_unit: str
    topics: tuple[str, ...]
    correction_due_on: date | None


@dataclass(frozen=True)
class PetitionerMeeting:
    """A voluntary meeting; also a hearing or a mediation."""

    consent_given: bool
    consent_record: str
    notice_given_at: datetime | None
    starts_at: datetime | None
    place: str
    place_accessible: bool
    recorded: bool
    all_consented_to_recording: bool
    topics: tuple[str, ...]
    other_side_consented: bool


@dataclass(frozen=True)
class SourcedSentence:
    """One sentence of a statement and where it comes from."""

    text: str
    source: str


@dataclass(frozen=True)
class PublicStatement:
    """Sourced facts told to the public."""

    sentences: tuple[SourcedSentence, ...]
    channels: tuple[str, ...]
    legal_checked: bool
    privacy_checked: bool
    secrecy_checked: bool


@dataclass(frozen=True)
class Promise:
    """Something that was promised, with its day."""

    text: str
    due_on: date


@dataclass(frozen=True)
class RecordDocument:
    """A file of record by its digest."""

    title: str
    sha256: str
    """In hexadecimal digits."""


Details = SiteVisit | CommunityLiaison | OfficialsTalk | PetitionerMeeting | PublicStatement

DETAILS: Mapping[MeasureKind, type[Details]] = {
    MeasureKind.SITE_VISIT: SiteVisit,
    MeasureKind.COMMUNITY_LIAISON: CommunityLiaison,
    MeasureKind.OFFICIALS_TALK: OfficialsTalk,
    MeasureKind.PETITIONER_MEETING: PetitionerMeeting,
    MeasureKind.HEARING: PetitionerMeeting,
    MeasureKind.MEDIATION: PetitionerMeeting,
    MeasureKind.STATEMENT: PublicStatement,
}
"""Details that a kind of measure must have; the other kinds have none."""

FIELDS: Mapping[type[Details], str] = {
    SiteVisit: "site_visit",
    CommunityLiaison: "community_liaison",
    OfficialsTalk: "officials_talk",
    PetitionerMeeting: "petitioner_meeting",
    PublicStatement: "public_statement",
}
"""Name of the details in the contract, under which an error names their fields."""
