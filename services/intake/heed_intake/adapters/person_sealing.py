"""Seals a petition at once because a person says that it accuses somebody (人工封存)."""

import hmac
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from heed_intake.adapters.request_ids import RequestIds
from heed_intake.adapters.sealing import SealedBy, Sealing
from heed_intake.application.sealed_ports import SealedCall
from heed_intake.domain.sealed_case import BY_PERSON
from heed_shared.database import Database
from heed_shared.errors import Conflict, NotFound, RequestIdReused
from heed_shared.ids import petition_name
from heed_shared.request_records import remember, store

_ATTEMPTS = 5
"""Copies of a petition that others change at the same time."""
_RECORDED = text("""
SELECT digest FROM request_record
 WHERE caller = :caller AND method = :method AND request_id = :request_id
""")


class PersonSealing:
    """Does both halves of the move within one call."""

    def __init__(self, ordinary: Database, sealing: Sealing, request_ids: RequestIds) -> None:
        self._ordinary = ordinary
        self._sealing = sealing
        self._request_ids = request_ids

    async def sealed_before(self, call: SealedCall) -> bool:
        """Say whether this very call was carried out before.

        Raises:
            RequestIdReused: another one was, with the same request_id.
        """
        key = {
            "caller": call.caller.identity,
            "method": call.method,
            "request_id": call.request_id.lower(),
        }
        async with self._ordinary.single() as connection:
            digest = (await connection.execute(_RECORDED, key)).scalar()
        if digest is None:
            return False
        if not hmac.compare_digest(digest, self._digest(call)):
            raise RequestIdReused(call.request_id)
        return True

    async def seal(
        self,
        call: SealedCall,
        region_code: str,
        uid: UUID,
        reason: str,
        now: datetime,
        traceparent: str,
    ) -> None:
        """Copy the petition into the sealed lane, then remove it and tell every consumer.

        Raises:
            NotFound: it is not in the ordinary lane any more.
            Conflict: it changed again and again meanwhile.
        """
        by = SealedBy(call.caller.identity, reason)
        identity, digest = call.caller.identity, self._digest(call)
        for _ in range(_ATTEMPTS):
            copied = await self._sealing.copy([uid], now, (BY_PERSON,), by)
            if uid not in copied:
                raise NotFound(petition_name(region_code, uid))
            async with self._ordinary.transaction() as tx:
                if await remember(tx, identity, call.method, call.request_id, digest) is not None:
                    return
                try:
                    await self._sealing.remove(tx, region_code, uid, copied[uid], now, traceparent)
                except Conflict:
                    continue
                await store(tx, identity, call.method, call.request_id, b"")
                await tx.commit()
                return
        raise Conflict

    def _digest(self, call: SealedCall) -> bytes:
        # Keyed, like every digest of the ordinary schema that is made of what somebody wrote.
        return self._request_ids.digest(call.digest)
