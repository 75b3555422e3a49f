"""The state behind intake.petitions, for a consumer that builds its own anew.

Petitions in the ordinary lane are told as registered, supplemented, withdrawn or erased. Those that
were told once and sealed later are told as sealed, so that whoever missed that deletes them now;
petitions that were in the sealed lane from the beginning are told to nobody.
"""

from collections.abc import AsyncIterator

from heed.intake.v1.events_pb2 import PetitionEvent
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from heed_intake.adapters.registration_store import FEED
from heed_intake.domain.petition import State
from heed_shared.feed import NewEvent
from heed_shared.ids import etag_of, petition_name

_ALL = text("""
SELECT region_code, uid, handling_region_code, registered_at, state, version,
       state = 1 AND EXISTS (SELECT FROM supplement WHERE supplement.uid = petition.uid) AS added_to
  FROM petition ORDER BY uid
""")
_SEALED = text("""
SELECT region_code, uid, handling_region_code, sealed_at FROM sealed_mark ORDER BY uid
""")
_KINDS = {
    State.REGISTERED: PetitionEvent.KIND_REGISTERED,
    State.WITHDRAWN: PetitionEvent.KIND_WITHDRAWN,
    State.ERASED: PetitionEvent.KIND_ERASED,
}


async def petition_snapshot(connection: AsyncConnection) -> AsyncIterator[NewEvent]:
    """Yield one event for each petition, in constant memory: ordinary ones, then sealed ones."""
    async with connection.stream(_ALL) as rows:
        async for row in rows:
            name = petition_name(row.region_code, row.uid)
            yield NewEvent(
                feed=FEED,
                subject=name,
                region_code=row.handling_region_code,
                etag=etag_of(row.version),
                recorded_at=row.registered_at,
                payload=PetitionEvent(kind=_kind(row.state, added_to=row.added_to), petition=name),
            )
    async with connection.stream(_SEALED) as rows:
        async for row in rows:
            name = petition_name(row.region_code, row.uid)
            yield NewEvent(
                feed=FEED,
                subject=name,
                region_code=row.handling_region_code,
                etag="",
                recorded_at=row.sealed_at,
                payload=PetitionEvent(kind=PetitionEvent.KIND_SEALED, petition=name),
            )


def _kind(state: int, *, added_to: bool) -> "PetitionEvent.Kind.ValueType":
    """A supplemented petition is sorted anew by whoever has sorted what was there before."""
    return PetitionEvent.KIND_SUPPLEMENTED if added_to else _KINDS[State(state)]
