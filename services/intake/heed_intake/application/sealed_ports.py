"""What the use cases of the sealed lane need from outside, as protocols that adapters implement."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from heed_intake.domain.petition import Evidence, Person, Petition, Wording
from heed_intake.domain.sealed_case import Accused, SealedAction, SealedCase, SealedState
from heed_shared.identity import Caller


@dataclass(frozen=True)
class SealedCall:
    """A writing call, as far as a repetition must be told from a new one."""

    caller: Caller
    method: str
    request_id: str
    digest: bytes


@dataclass(frozen=True)
class SealedFilter:
    """Which petitions to list: a prefix of the handling region, and a state or None for all."""

    region_prefix: str
    state: SealedState | None = None


@dataclass(frozen=True)
class SealedPosition:
    """Where a page ends: what is due first comes first, then what came first."""

    due_at: datetime
    uid: UUID


@dataclass(frozen=True)
class SealedContent:
    """What was written, in the original wording, and by whom."""

    wording: Wording
    evidence: tuple[Evidence, ...]
    accused: Accused
    supplements: tuple[str, ...]
    sealing_reason: str
    accuser: Person


@dataclass(frozen=True)
class SealedStep:
    """What a person did: the change of the petition and what is kept of the deed."""

    action: SealedAction
    stage: SealedState
    stepped_at: datetime
    note: str = ""
    destination_unit: str = ""
    accused: Accused = field(default_factory=Accused)


Decide = Callable[[SealedCase | None, Accused], SealedStep]
"""Decides on a petition under its lock, knowing whom it accuses; refuses by raising."""


class SealedStore(Protocol):
    """Petitions of the sealed lane."""

    async def list(
        self, which: SealedFilter, after: SealedPosition | None, limit: int
    ) -> tuple[Sequence[SealedCase], SealedPosition | None]:
        """Return petitions, what burns first, and the end of the page if more follow."""
        ...

    async def get(self, uid: UUID) -> SealedCase | None:
        """Return a petition without its content, or None."""
        ...

    async def content(self, uid: UUID) -> SealedContent | None:
        """Return what was written, or None."""
        ...

    async def change(
        self,
        call: SealedCall,
        uid: UUID,
        decide: Decide,
        answer: Callable[[SealedCase], bytes],
    ) -> bytes:
        """Take a step under the petition's lock, or return the answer of the first such call.

        Raises:
            RequestIdReused: the request_id came with another payload.
        """
        ...


class Unsealer(Protocol):
    """Moves a petition back into the ordinary lane."""

    async def unseal(
        self, call: SealedCall, region_code: str, uid: UUID, decide: Decide, traceparent: str
    ) -> Petition:
        """Register it there, tell the consumers and remove it here, or repeat the first answer."""
        ...


@dataclass(frozen=True)
class HandOver:
    """A letter that did not enter (密件移交): when it came, and to whom it was handed."""

    region_code: str
    office: str
    received_at: datetime
    recorded_at: datetime
    destination_unit: str
    recorder: Caller


class HandOvers(Protocol):
    """Records hand-overs."""

    async def record(
        self, call: SealedCall, hand_over: HandOver, answer: Callable[[str], bytes]
    ) -> bytes:
        """Give it the next receipt number of its office, or return the first call's answer."""
        ...
