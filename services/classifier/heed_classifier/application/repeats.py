"""Linking a matter to the earlier one that it repeats, and taking that back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from heed_classifier.application.petition_changes import Change, Outcome
from heed_classifier.application.ports import ClassificationStore, IncidentStore, Position
from heed_classifier.domain.incidents import MatterKey
from heed_classifier.domain.records import MatterRecord, PetitionKey, city_of
from heed_classifier.domain.repeats import LinkAct, LinkKey, RepeatLink, objection
from heed_shared.errors import InvalidField, NotFound, WrongState
from heed_shared.identity import Caller
from heed_shared.ids import new_uid, petition_name, require_etag, resource_name

_LINKED, _UNLINKED = "linked", "unlinked"


class RepeatStore(Protocol):
    """Repeat links, inside the caller's transaction."""

    async def find(self, key: LinkKey) -> RepeatLink | None:
        """The link; None when there is none."""
        ...

    async def in_force(self, matter: MatterKey) -> RepeatLink | None:
        """The link of a matter to an earlier one, when it has one."""
        ...

    async def chain(self, matter: MatterKey) -> list[MatterKey]:
        """All matters that a matter repeats, directly or not, by the links in force."""
        ...

    async def insert(self, link: RepeatLink) -> None:
        """Store a new link, and mark the matter as a repeat."""
        ...

    async def take_back(self, link: RepeatLink) -> None:
        """Store who took a link back, and mark the matter as a first one."""
        ...


class RepeatLinks(Protocol):
    """Links and takes back, once for each request id, each in a transaction of its own."""

    async def link(
        self,
        matter: MatterKey,
        earlier: MatterKey,
        reason: str,
        caller: Caller,
        request_id: str,
        digest: bytes,
    ) -> RepeatLink:
        """Return the new link."""
        ...

    async def unlink(
        self, key: LinkKey, etag: str, reason: str, caller: Caller, request_id: str, digest: bytes
    ) -> RepeatLink:
        """Return the link as taken back."""
        ...

    async def history(
        self, matter: MatterKey, caller: Caller, after: Position, most: int
    ) -> list[RepeatLink]:
        """A page of the links of a matter in both directions, latest first.

        Raises:
            NotFound: There is no such matter in the caller's region.
        """
        ...


@dataclass
class Repeats:
    """The use cases, for one transaction."""

    store: ClassificationStore
    incidents: IncidentStore
    links: RepeatStore
    now: datetime

    async def link(
        self, matter: MatterKey, earlier: MatterKey, reason: str, caller: Caller
    ) -> tuple[RepeatLink, Change]:
        """Link a matter to an earlier one; returns the link and what to publish.

        Raises:
            NotFound: One of them is not in the caller's region.
            InvalidField: The matter cannot repeat that one.
            WrongState: It is linked already.
        """
        repeat, first = await self._load(matter, earlier, caller=caller)
        chain = await self.links.chain(earlier)
        wrong = objection(matter, repeat.received_at, earlier, first.received_at, chain)
        if wrong:
            raise InvalidField("earlier_matter", wrong)
        if await self.links.in_force(matter) is not None:
            raise WrongState(_LINKED, [_UNLINKED], matter_name(matter))
        link = RepeatLink(
            LinkKey(matter.region, new_uid(self.now)), 1, matter, earlier, self._act(caller, reason)
        )
        await self.links.insert(link)
        return link, await self._changed(repeat, earlier)

    async def unlink(
        self, key: LinkKey, etag: str, reason: str, caller: Caller
    ) -> tuple[RepeatLink, Change]:
        """Take a link back; returns it and what to publish.

        Raises:
            NotFound: There is no such link between matters of the caller's region.
            StaleEtag: It has changed since the person saw it.
            WrongState: It was taken back before.
        """
        name = link_name(key)
        found = await self.links.find(key)
        if found is None:
            raise NotFound(name)
        repeat, _ = await self._load(found.matter, found.earlier, caller=caller, name=name)
        # Another call may have come first while this one waited.
        found = await self.links.find(key)
        if found is None:
            raise NotFound(name)
        require_etag(etag, found.version, name)
        if found.unlinked is not None:
            raise WrongState(_UNLINKED, [_LINKED], name)
        taken_back = replace(found, version=found.version + 1, unlinked=self._act(caller, reason))
        await self.links.take_back(taken_back)
        return taken_back, await self._changed(repeat, None)

    async def _load(
        self, matter: MatterKey, earlier: MatterKey, *, caller: Caller, name: str = ""
    ) -> tuple[MatterRecord, MatterRecord]:
        """Both matters, locked; cities before rows, as everywhere."""
        await self.incidents.lock({city_of(matter.region), city_of(earlier.region)})
        petitions = {PetitionKey(key.region, key.uid): key for key in (earlier, matter)}
        records = await self.store.load(sorted(petitions), for_change=True)
        found = {
            m.key: m
            for record in records.values()
            if caller.covers(record.region_code)
            for m in record.matters
        }
        for key in (matter, earlier):
            if key not in found:
                raise NotFound(name or matter_name(key))
        return found[matter], found[earlier]

    async def _changed(self, matter: MatterRecord, earlier: MatterKey | None) -> Change:
        """The matter is a repeat now, or a first one: its count moves and its petition is told."""
        petition = PetitionKey(matter.key.region, matter.key.uid)
        ((key, version, region_code),) = await self.store.touch([petition], self.now)
        return Change(
            Outcome.REPEAT_CHANGED,
            key,
            region_code,
            version,
            before=(matter.counted,),
            after=(replace(matter, repeat_of=earlier).counted,),
        )

    def _act(self, caller: Caller, reason: str) -> LinkAct:
        return LinkAct(caller.identity, caller.display_name, caller.unit, reason, self.now)


def matter_name(key: MatterKey) -> str:
    """Resource name of a matter."""
    return f"{petition_name(key.region, key.uid)}/matters/{key.k}"


def link_name(key: LinkKey) -> str:
    """Resource name of a link."""
    return resource_name("repeatLinks", key.region, key.uid)
