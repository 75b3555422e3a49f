"""Repeat links, each change in one transaction: request id, link, mark and events together.

For a repeated request only the name of the link is kept; the repeated call gets the link as it is
then, and nothing once one of the petitions is sealed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from heed_classifier.adapters.classification_table import ClassificationTable
from heed_classifier.adapters.events import change_events
from heed_classifier.adapters.incident_table import IncidentTable
from heed_classifier.adapters.repeat_table import RepeatTable
from heed_classifier.application.petition_changes import Change
from heed_classifier.application.ports import Position
from heed_classifier.application.repeats import Repeats, link_name, matter_name
from heed_classifier.domain.incidents import MatterKey
from heed_classifier.domain.records import PetitionKey
from heed_classifier.domain.repeats import LinkKey, RepeatLink
from heed_shared.clock import Clock
from heed_shared.database import Database, Transaction, raw
from heed_shared.errors import NotFound
from heed_shared.identity import Caller
from heed_shared.ids import parse_resource_name
from heed_shared.request_records import remember, store

_Work = Callable[[Repeats], Awaitable[tuple[RepeatLink, Change]]]


class PostgresRepeatLinks:
    """Runs the use cases on Postgres."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def link(
        self,
        matter: MatterKey,
        earlier: MatterKey,
        reason: str,
        caller: Caller,
        request_id: str,
        digest: bytes,
    ) -> RepeatLink:
        """Link once for each request id."""

        async def work(repeats: Repeats) -> tuple[RepeatLink, Change]:
            return await repeats.link(matter, earlier, reason, caller)

        return await self._once("LinkRepeat", caller, request_id, digest, work)

    async def unlink(
        self, key: LinkKey, etag: str, reason: str, caller: Caller, request_id: str, digest: bytes
    ) -> RepeatLink:
        """Take a link back once for each request id."""

        async def work(repeats: Repeats) -> tuple[RepeatLink, Change]:
            return await repeats.unlink(key, etag, reason, caller)

        return await self._once("UnlinkRepeat", caller, request_id, digest, work)

    async def history(
        self, matter: MatterKey, caller: Caller, after: Position, most: int
    ) -> list[RepeatLink]:
        """A page of the links of a matter, latest first."""
        async with self._database.read() as connection:
            inner = await raw(connection)
            key = PetitionKey(matter.region, matter.uid)
            record = (await ClassificationTable(inner).load([key])).get(key)
            known = record is not None and any(m.key == matter for m in record.matters)
            if record is None or not known or not caller.covers(record.region_code):
                raise NotFound(matter_name(matter))
            return await RepeatTable(inner).history(matter, caller.region_prefix, after, most)

    async def _once(
        self, method: str, caller: Caller, request_id: str, digest: bytes, work: _Work
    ) -> RepeatLink:
        async with self._database.transaction() as tx:
            stored = await remember(tx, caller.identity, method, request_id, digest)
            if stored is not None:
                return await self._again(tx, stored.decode(), caller)
            connection = await raw(tx.connection)
            now = self._clock.now()
            repeats = Repeats(
                ClassificationTable(connection),
                IncidentTable(connection),
                RepeatTable(connection),
                now,
            )
            link, change = await work(repeats)
            await tx.publish(change_events([change], now))
            await store(tx, caller.identity, method, request_id, link_name(link.key).encode())
            await tx.commit()
        return link

    async def _again(self, tx: Transaction, name: str, caller: Caller) -> RepeatLink:
        connection = await raw(tx.connection)
        link = await RepeatTable(connection).find(
            LinkKey(*parse_resource_name(name, "repeatLinks"))
        )
        if link is None:
            raise NotFound(name)
        petitions = {PetitionKey(m.region, m.uid) for m in (link.matter, link.earlier)}
        records = await ClassificationTable(connection).load(sorted(petitions))
        if not all(key in records and caller.covers(records[key].region_code) for key in petitions):
            raise NotFound(name)
        return link
