"""Words of intake: the petition (信访件), what was submitted, and the steps shown to a petitioner.

The numbers of the enums are those of the contract; a test compares them.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from uuid import UUID


class Channel(IntEnum):
    """Channel (来源) by which a petition came in."""

    LETTER = 1
    VISIT = 2
    CALL = 3
    WEB = 4
    LEADER_MAILBOX = 5
    HOTLINE = 6
    HIGHER_OFFICE = 7
    CONGRESS = 8
    MEDIA = 9
    OUTREACH = 10


class Nature(IntEnum):
    """Nature (性质) that was declared with a petition."""

    UNSPECIFIED = 0
    SUGGESTION = 1
    ACCUSATION = 2
    APPEAL_REQUEST = 3
    ENQUIRY = 4


class PeopleBucket(IntEnum):
    """Size of a joint petition as a bucket (人数档次), never a roster."""

    UNSPECIFIED = 0
    ONE = 1
    FROM_2_TO_4 = 2
    FROM_5_TO_10 = 3
    FROM_11_TO_20 = 4
    FROM_21_TO_50 = 5
    FROM_51_TO_100 = 6
    OVER_100 = 7


class State(IntEnum):
    """State (状态) of the registration."""

    REGISTERED = 1
    SEALED = 2
    WITHDRAWN = 3
    ERASED = 4


class Lane(IntEnum):
    """Where a petition is kept: with the others, or sealed (封存) because it accuses someone."""

    ORDINARY = 1
    SEALED = 2


@dataclass(frozen=True)
class Person:
    """Contact of a petitioner (信访人) or a representative (代表人), only to answer."""

    display_name: str = ""
    address: str = ""
    contact: str = ""
    safe_contact_note: str = ""
    safe_to_call: bool = False
    """Whether the person said that calls are safe; silence is no permission."""

    def is_empty(self) -> bool:
        """Say whether nothing at all was given."""
        return not (self.display_name or self.address or self.contact or self.safe_contact_note)


@dataclass(frozen=True)
class Agent:
    """Who acts for the petitioner (代理人), with the digest of the document of authority."""

    contact: Person = field(default_factory=Person)
    authority_sha256: bytes = b""
    relation: str = ""

    def is_empty(self) -> bool:
        """Say whether nobody acts for the petitioner."""
        return self.contact.is_empty() and not (self.authority_sha256 or self.relation)


NO_AGENT = Agent()


@dataclass(frozen=True)
class Evidence:
    """A file (证据材料) by its digest."""

    file_name: str
    media_type: str
    size_bytes: int
    sha256: bytes


@dataclass(frozen=True)
class Wording:
    """The texts of a petition: as written, or masked."""

    request: str = ""
    facts: str = ""
    reasons: str = ""
    place: str = ""


@dataclass(frozen=True)
class Contacts:
    """Everybody who is named with a petition."""

    petitioner: Person = field(default_factory=Person)
    representatives: tuple[Person, ...] = ()
    agent: Person = field(default_factory=Person)


@dataclass(frozen=True)
class OralRecord:
    """How something said was written down (口头记录); that it is not confirmed blocks nothing."""

    recorder: str
    read_back: bool = False
    confirmed: bool = False
    written_form_offered: bool = False


@dataclass(frozen=True)
class Details:
    """What most petitions come without: as entered, or masked."""

    oral_record: OralRecord | None = None
    event_time: datetime | None = None
    target_units: tuple[str, ...] = ()
    """Units that it complains of (被反映单位); never persons."""
    language: str = ""
    accommodation_needs: str = ""


NO_DETAILS = Details()


@dataclass(frozen=True)
class Supplement:
    """What was added later (补充材料), masked."""

    masked_text: str
    evidence: tuple[Evidence, ...]
    added_at: datetime


@dataclass(frozen=True)
class Submission:
    """What the clerk or the sending system entered; the wording is kept as it is."""

    region_code: str
    channel: Channel
    wording: Wording
    office: str = ""
    received_at: datetime | None = None
    petitioner: Person = field(default_factory=Person)
    representatives: tuple[Person, ...] = ()
    people_bucket: PeopleBucket = PeopleBucket.UNSPECIFIED
    declared_nature: Nature = Nature.UNSPECIFIED
    evidence: tuple[Evidence, ...] = ()
    external_id: str = ""
    privacy_notice_version: str = ""
    confidentiality_requested: bool = False
    agent: Agent = NO_AGENT
    details: Details = NO_DETAILS
    accused_persons: tuple[str, ...] = ()
    """Persons whom it accuses (被检举人); they are kept in the sealed lane only."""

    @property
    def persons(self) -> tuple[Person, ...]:
        """Everybody whose contact came with it."""
        return (self.petitioner, *self.representatives, self.agent.contact)

    @property
    def anonymous(self) -> bool:
        """Whether it came without a name (匿名); such a petition is registered like any other."""
        return not self.petitioner.display_name.strip()


@dataclass(frozen=True)
class Petition:
    """A registered petition without any personal field."""

    region_code: str
    uid: UUID
    receipt_number: str
    handling_region_code: str
    office: str
    channel: Channel
    received_at: datetime
    registered_at: datetime
    state: State
    masked: Wording
    declared_nature: Nature
    people_bucket: PeopleBucket
    anonymous: bool
    external_id: str
    evidence: tuple[Evidence, ...]
    version: int
    accusation_cleared: bool = False
    """Whether a person found in the sealed lane that it accuses nobody (已解除封存)."""
    consultation: str = ""
    """Name of the consultation that it came from, where that can be read."""
    details: Details = NO_DETAILS
    supplements: tuple[Supplement, ...] = ()
    """Oldest first."""


@dataclass(frozen=True)
class Registration:
    """A petition as registered, with the query code (查询码) that is shown once."""

    petition: Petition
    query_code: str
