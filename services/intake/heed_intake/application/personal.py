"""Who wrote: shown to whoever must answer, erased when it must go, and who looked is told.

Nothing here is a list or a search of persons: each use case starts from one petition.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from heed_intake.application.check_progress import WrongCodes, open_receipt
from heed_intake.application.ports import Claim, ProgressReader
from heed_intake.domain.petition import Contacts, Details, Lane, State
from heed_intake.domain.progress import Stage, Step
from heed_shared import telemetry
from heed_shared.clock import Clock
from heed_shared.errors import NotFound, WrongState
from heed_shared.identity import Caller
from heed_shared.ids import petition_name
from heed_shared.rpc.limits import CallerLimits

_ENDS = frozenset({Stage.CLOSED, Stage.ANSWERED})
_GOES_ON = frozenset({Stage.REOPENED, Stage.REVIEW_REQUESTED, Stage.SUPPLEMENTED})


@dataclass(frozen=True)
class PersonalData:
    """Contacts and needs of one petition, and what is needed to decide who may see them."""

    handling_region_code: str
    state: State
    contacts: Contacts | None
    """None for an anonymous petition, or where contacts were erased."""
    details: Details


@dataclass(frozen=True)
class Erasure:
    """Why personal data is erased, and by whom."""

    caller: Caller
    reason: str
    legal_basis: str
    erased_at: datetime


@dataclass(frozen=True)
class Look:
    """One look at a petition, as the audit has it."""

    looked_at: datetime
    roles: Sequence[str]
    unit: str
    method: str
    purpose: str


class PersonalStore(Protocol):
    """Personal data of petitions in the ordinary lane."""

    async def read(self, region_code: str, uid: UUID) -> PersonalData | None:
        """Return what a petition holds; None when there is none in the ordinary lane."""
        ...

    async def erase(self, region_code: str, uid: UUID, erasure: Erasure, claim: Claim) -> datetime:
        """Destroy the key and the texts of a petition and tell the consumers, once.

        Returns the time of the erasure; of an earlier one for the same request_id.

        Raises:
            NotFound: it is not in the ordinary lane (any more).
            RequestIdReused: the request_id came with another payload before.
        """
        ...

    async def looks(self, name: str, limit: int) -> Sequence[Look]:
        """Return who looked at a petition by name, newest first; services are left out."""
        ...


@dataclass(frozen=True)
class Personal:
    """What these use cases work with."""

    store: PersonalStore
    progress: ProgressReader
    wrong_codes: WrongCodes
    clock: Clock
    limits: CallerLimits
    """Of looks at contacts: no office must read through all of them."""


async def reveal_petitioner(
    region_code: str, uid: UUID, caller: Caller, personal: Personal
) -> PersonalData:
    """Return who wrote; what the caller's role may see of it is decided where answers leave.

    Raises:
        NotFound: there is no such petition in the ordinary lane and in the caller's region.
        RateLimited: the caller looked too often within an hour.
    """
    found = await personal.store.read(region_code, uid)
    if found is None or not caller.covers(found.handling_region_code):
        raise NotFound(petition_name(region_code, uid))
    personal.limits.require(caller)
    telemetry.record("heed.intake.reveals", 1)
    return found


async def list_accesses(
    receipt_number: str, query_code: str, caller: Caller, personal: Personal, limit: int
) -> Sequence[Look]:
    """Return who looked at the petition behind a receipt number.

    Raises:
        ReceiptNotFound: number or code is wrong.
        RateLimited: the same, after too many wrong codes for this number.
    """
    _, record = await open_receipt(
        receipt_number, query_code, caller, personal.progress, personal.wrong_codes
    )
    return await personal.store.looks(petition_name(record.region_code, record.uid), limit)


async def erase_petitioner(
    region_code: str, uid: UUID, erasure: Erasure, claim: Claim, personal: Personal
) -> datetime:
    """Erase for good what tells of the petitioner.

    Raises:
        NotFound: there is no such petition in the ordinary lane and in the caller's region.
        WrongState: it is still being handled, so nobody could answer it any more.
        RequestIdReused: the request_id came with another payload before.
    """
    name = petition_name(region_code, uid)
    found = await personal.store.read(region_code, uid)
    if found is None or not erasure.caller.covers(found.handling_region_code):
        raise NotFound(name)
    if found.state is State.REGISTERED:
        steps = await personal.progress.steps(Lane.ORDINARY, uid)
        if not has_ended(steps):
            stage = steps[-1].stage if steps else Stage.REGISTERED
            raise WrongState(
                f"STAGE_{stage.name}", ["STAGE_CLOSED", "STAGE_ANSWERED", "STATE_WITHDRAWN"], name
            )
    return await personal.store.erase(region_code, uid, erasure, claim)


def has_ended(steps: Sequence[Step]) -> bool:
    """Say whether the handling has come to its end and was not taken up again since."""
    ended = False
    for step in steps:
        ended = (ended or step.stage in _ENDS) and step.stage not in _GOES_ON
    return ended
