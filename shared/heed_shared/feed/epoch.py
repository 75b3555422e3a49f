"""The epoch of a schema's feeds: cursors of an earlier one are worthless.

A restore from a logical dump, or to an earlier point in time, takes back events that consumers
have applied already. Whoever restores calls ``bump_epoch`` before the service starts; every
consumer then rebuilds itself from the snapshot.
"""

from sqlalchemy import text

from heed_shared.database import Database

_BUMP = text(
    "UPDATE feed_epoch SET epoch = epoch % 2147483646 + 1, started_at = now() RETURNING epoch"
)
_FORGET = text("DELETE FROM feed_acknowledgement")


async def bump_epoch(database: Database) -> int:
    """Start a new epoch for all feeds of the schema and return it.

    What consumers acknowledged in the old one is forgotten: it says nothing about the new one.
    """
    async with database.transaction() as tx:
        epoch = int(await tx.connection.scalar(_BUMP) or 0)
        await tx.connection.execute(_FORGET)
        await tx.commit()
    return epoch
