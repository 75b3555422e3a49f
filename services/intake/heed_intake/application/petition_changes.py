"""Finds the petition that somebody wants to change, checks that it is theirs, and changes it once.

A portal shows the petitioner's query code, throttled like a progress query; an unknown petition and
a wrong code get the same answer after the same work. A clerk changes petitions of the own region.
Whoever changes a petition learns nothing of the lane that it lies in.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from heed_intake.application.check_progress import WrongCodes
from heed_intake.application.ports import Claim
from heed_intake.domain.petition import Evidence, Lane, Person, State, Supplement
from heed_intake.domain.screening import ScreeningRules
from heed_shared import telemetry
from heed_shared.clock import Clock
from heed_shared.errors import (
    Conflict,
    InvalidField,
    NotFound,
    RateLimited,
    ReceiptNotFound,
    WrongState,
)
from heed_shared.identity import Caller
from heed_shared.ids import petition_name

REGISTER_ANEW = "信访件已撤回；如需继续反映，请另行登记"
ERASED_ANEW = "信访件内容已删除；如有新的情况，请另行登记"
_ATTEMPTS = 10
"""Looks at a petition that others change at the same time."""


@dataclass(frozen=True)
class HeldPetition:
    """A petition as it was found, in whichever lane; of the stored parts only the store knows."""

    lane: Lane
    region_code: str
    uid: UUID
    handling_region_code: str
    receipt_number: str
    code_hash: bytes
    received_at: datetime
    registered_at: datetime
    state: State
    version: int
    key_id: str
    wrapped_key: bytes
    contacts: bytes | None

    @property
    def name(self) -> str:
        """The resource name."""
        return petition_name(self.region_code, self.uid)


@dataclass(frozen=True)
class ChangedPetition:
    """What is told of a petition after a change: the same in either lane, and no text of before."""

    region_code: str
    uid: UUID
    receipt_number: str
    received_at: datetime
    registered_at: datetime
    state: State
    version: int
    supplement: Supplement | None = None
    """What this change added, if anything."""


@dataclass(frozen=True)
class Addition:
    """What is added to a petition: as it came, and masked."""

    text: str
    evidence: tuple[Evidence, ...]
    masked: Supplement


class PetitionChanges(Protocol):
    """Changes petitions, each change together with its request_id and its event."""

    async def held(self, region_code: str, uid: UUID) -> HeldPetition | None:
        """Look a petition up, in both lanes whatever is found, so that every answer takes as long.

        One that is just being sealed lies in both; the ordinary one still counts.
        """
        ...

    def code_matches(self, held: HeldPetition | None, query_code: str) -> bool:
        """Say whether the code is the petition's, in a time that does not depend on either."""
        ...

    def persons(self, held: HeldPetition) -> tuple[Person, ...]:
        """Return everybody whose contact came with it."""
        ...

    async def answered(self, held: HeldPetition, claim: Claim) -> ChangedPetition | None:
        """Return what an earlier call with this request_id was told.

        Raises:
            RequestIdReused: the request_id came with another payload before.
        """
        ...

    async def seal(
        self, held: HeldPetition, because: tuple[str, ...], now: datetime, traceparent: str
    ) -> None:
        """Move a petition of the ordinary lane to the sealed one, unless it changed meanwhile."""
        ...

    async def add_supplement(
        self, held: HeldPetition, addition: Addition, claim: Claim, traceparent: str
    ) -> ChangedPetition | None:
        """Add to a petition; None when it changed meanwhile, also by this very request."""
        ...

    async def withdraw(
        self, held: HeldPetition, reason: str, now: datetime, claim: Claim, traceparent: str
    ) -> ChangedPetition | None:
        """Take a petition back; None when it changed meanwhile, also by this very request."""
        ...


@dataclass(frozen=True)
class Changing:
    """What changes of petitions work with."""

    store: PetitionChanges
    rules: ScreeningRules
    clock: Clock
    wrong_codes: WrongCodes


@dataclass(frozen=True)
class Asking:
    """Who wants to change which petition."""

    caller: Caller
    region_code: str
    uid: UUID
    query_code: str
    claim: Claim
    code_required: bool
    """Whether the caller acts for petitioners who show their codes, as a portal does."""
    traceparent: str = ""

    @property
    def name(self) -> str:
        """The resource name of the petition."""
        return petition_name(self.region_code, self.uid)


Change = Callable[[HeldPetition], Awaitable[ChangedPetition | None]]


async def change_petition(
    asking: Asking, changing: Changing, change: Change, *, sealed_by_code_only: bool = False
) -> ChangedPetition:
    """Carry a change out once, however often it is asked for.

    Raises:
        ReceiptNotFound: there is no such petition, or the query code is wrong.
        RateLimited: the same, after too many wrong codes for this petition.
        NotFound: a clerk without a query code names a petition that is none of the region, or one
            of the sealed lane where ``sealed_by_code_only``.
        WrongState: it was withdrawn, or erased.
        RequestIdReused: the request_id came with another payload before.
    """
    if asking.code_required and not asking.query_code:
        raise InvalidField("query_code", "is required from a portal")
    for _ in range(_ATTEMPTS):
        held = await _held(asking, changing)
        if held.lane is Lane.SEALED and sealed_by_code_only and not asking.query_code:
            raise NotFound(asking.name)
        if held.state is State.ERASED:
            # Its key is gone, and with it what earlier calls were told.
            raise WrongState("STATE_ERASED", ["STATE_REGISTERED"], asking.name, ERASED_ANEW)
        # Read after the petition: whatever changed it wrote its record in the same transaction.
        earlier = await changing.store.answered(held, asking.claim)
        if earlier is not None:
            return earlier
        if held.state is State.WITHDRAWN:
            raise WrongState("STATE_WITHDRAWN", ["STATE_REGISTERED"], asking.name, REGISTER_ANEW)
        changed = await change(held)
        if changed is not None:
            return changed
    raise Conflict


async def _held(asking: Asking, changing: Changing) -> HeldPetition:
    store, caller = changing.store, asking.caller
    held = await store.held(asking.region_code, asking.uid)
    if not asking.query_code:
        if held is None or not caller.covers(held.handling_region_code):
            raise NotFound(asking.name)
        return held
    if not store.code_matches(held, asking.query_code) or held is None:
        wait_s = changing.wrong_codes.note(caller.identity, asking.name)
        telemetry.record("heed.intake.queries", 1, outcome="throttled" if wait_s else "wrong")
        raise RateLimited(wait_s) if wait_s else ReceiptNotFound
    changing.wrong_codes.forget(caller.identity, asking.name)
    return held
