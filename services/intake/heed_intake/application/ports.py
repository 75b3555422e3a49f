"""What the use cases need from outside, as protocols; adapters implement them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from heed_intake.domain.petition import Lane, Petition, Registration, State, Submission
from heed_intake.domain.progress import Step
from heed_shared import audit


@dataclass(frozen=True, order=True)
class RequestKey:
    """A request_id of one caller; the same id of another caller is another request."""

    caller: str
    request_id: str


@dataclass(frozen=True)
class Claim:
    """A request_id of one caller and method, with the digest of what it asks for."""

    key: RequestKey
    method: str
    digest: bytes


@dataclass(frozen=True)
class Draft:
    """A petition that is ready to be stored and lacks only its receipt number."""

    key: RequestKey
    digest: bytes
    lane: Lane
    screening_rules: tuple[str, ...]
    submission: Submission
    petition: Petition
    query_code: str
    traceparent: str
    entry: audit.Pending | None = None
    """What becomes its entry of the audit."""
    about_receipt: str = ""
    """Receipt number of the petition that a report of retaliation is about."""


class StorageRefusedError(Exception):
    """The database cannot store a row for what is in it; repeating does not help."""


class RegistrationStore(Protocol):
    """Stores registrations, each with its request_id, number and event, all or nothing."""

    async def insert(self, lane: Lane, drafts: Sequence[Draft]) -> Mapping[RequestKey, str]:
        """Store the drafts whose request_id is new, in one transaction.

        Returns:
            The receipt number of each draft that was stored; the others were registered before.

        Raises:
            StorageRefusedError: a row cannot be stored, and so none was.
        """
        ...

    async def recall(self, drafts: Sequence[Draft]) -> Mapping[RequestKey, Registration | None]:
        """Return what earlier calls with the request_ids of these drafts gave, in either lane.

        None stands where the earlier call had another payload.
        """
        ...


@dataclass(frozen=True)
class PetitionFilter:
    """Which petitions to list: a prefix of the handling region and a span of receipt."""

    region_prefix: str
    received_from: datetime | None = None
    received_before: datetime | None = None


class PetitionReader(Protocol):
    """Reads petitions of the ordinary lane."""

    async def get(self, region_code: str, uid: UUID) -> Petition | None:
        """Return a petition, or None."""
        ...

    async def list(
        self, which: PetitionFilter, after: UUID | None, limit: int
    ) -> tuple[Sequence[Petition], bool]:
        """Return petitions by descending registration, those after ``after`` in that order.

        At most ``limit``, fewer where their texts would not fit into one message; and whether more
        follow.
        """
        ...


@dataclass(frozen=True)
class ReadText:
    """The masked texts of one petition, or why they cannot be read."""

    petition: Petition | None
    state: State | None
    handling_region_code: str = ""


class TextReader(Protocol):
    """Reads masked texts for the other services."""

    async def texts(self, names: Iterable[tuple[str, UUID]]) -> Mapping[UUID, ReadText]:
        """Return what is known of each uid, in either lane; an unknown one is left out."""
        ...


@dataclass(frozen=True)
class ReceiptRecord:
    """What stands behind a receipt number."""

    lane: Lane
    region_code: str
    uid: UUID
    code_hash: bytes
    received_at: datetime
    registered_at: datetime


class ProgressReader(Protocol):
    """Finds petitions by receipt number, and their steps."""

    async def receipt(self, number: str) -> ReceiptRecord | None:
        """Look a number up, in both lanes whatever is found, so that every answer takes as long."""
        ...

    async def steps(self, lane: Lane, uid: UUID) -> Sequence[Step]:
        """Return the steps that disposal reported and those of the petitioner, oldest first.

        In the sealed lane those of the petitioner alone.
        """
        ...

    def code_matches(self, record: ReceiptRecord | None, query_code: str) -> bool:
        """Say whether the code is the record's, in a time that does not depend on either."""
        ...
