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

    def is_empty(self) -> bool:
        """Say whether nothing at all was given."""
        return not (self.display_name or self.address or self.contact or self.safe_contact_note)


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


@dataclass(frozen=True)
class Registration:
    """A petition as registered, with the query code (查询码) that is shown once."""

    petition: Petition
    query_code: str
