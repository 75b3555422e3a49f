"""Seals a petition because a person says that it accuses somebody (人工封存), within the call."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from heed_intake.application.ports import PetitionReader
from heed_intake.application.read import get_petition
from heed_intake.application.sealed_ports import SealedCall
from heed_intake.domain.petition import State
from heed_shared.errors import InvalidField, WrongState
from heed_shared.ids import petition_name

SHORTEST_REASON = 2


class Sealer(Protocol):
    """Moves a petition into the sealed lane within one call."""

    async def sealed_before(self, call: SealedCall) -> bool:
        """Say whether this very call was carried out before."""
        ...

    async def seal(
        self,
        call: SealedCall,
        region_code: str,
        uid: UUID,
        reason: str,
        now: datetime,
        traceparent: str,
    ) -> None:
        """Move it, and tell every consumer to delete what it derived."""
        ...


async def seal_petition(
    region_code: str,
    uid: UUID,
    reason: str,
    call: SealedCall,
    petitions: PetitionReader,
    sealer: Sealer,
    now: datetime,
    traceparent: str,
) -> None:
    """Seal a petition of the ordinary lane; who does it can no longer see it afterwards.

    Raises:
        NotFound: there is none for this caller, or it is sealed already.
        WrongState: nothing of it is left to seal.
        InvalidField: the reason says nothing.
        RequestIdReused: the request_id came with another payload.
    """
    if len(reason.strip()) < SHORTEST_REASON:
        raise InvalidField("reason", "must say why it accuses somebody")
    if await sealer.sealed_before(call):
        return
    petition = await get_petition(region_code, uid, call.caller, petitions)
    if petition.state is State.ERASED:
        allowed = ("STATE_REGISTERED", "STATE_WITHDRAWN")
        raise WrongState("STATE_ERASED", allowed, petition_name(region_code, uid))
    await sealer.seal(call, region_code, uid, reason, now, traceparent)
