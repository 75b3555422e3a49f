"""The desk at which people work on cases: who may see which, and one way to change one."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from heed_disposal.application.changes import record
from heed_disposal.application.joining import with_responses
from heed_disposal.application.ports import CaseReader, CaseStore, Change
from heed_disposal.domain.approval import Act
from heed_disposal.domain.assessment import Growth
from heed_disposal.domain.case import Case
from heed_disposal.domain.handbook import Handbook
from heed_disposal.domain.opening import MatterFacts, Opening, open_from_matter
from heed_disposal.domain.terms import Actor
from heed_disposal.domain.transitions import Action, advance, require_role
from heed_shared.clock import Clock
from heed_shared.errors import InvalidField, NotFound, RegionNotAllowed
from heed_shared.identity import Caller
from heed_shared.ids import parse_resource_name, require_etag

Verb = Callable[[Case, Act], Case]


def actor_of(caller: Caller) -> Actor:
    """Return the caller as it is written beside a decision."""
    return Actor(caller.identity, caller.display_name, caller.unit)


@dataclass(frozen=True)
class Desk:
    """Use cases on one case."""

    reader: CaseReader
    handbook: Handbook
    clock: Clock
    new_uid: Callable[[datetime], UUID]

    async def get(self, caller: Caller, name: str) -> Case:
        """Return a case.

        Raises:
            NotFound: it does not exist or lies outside the caller's region.
        """
        return _visible(await self.reader.get(parse_resource_name(name, "cases")), caller, name)

    async def change(
        self, store: CaseStore, caller: Caller, name: str, etag: str, action: Action, verb: Verb
    ) -> Case:
        """Do one verb to a case and return it as it then is.

        Raises:
            RoleRequired, NotFound, StaleEtag: in this order; then whatever the verb raises.
        """
        require_role(action, caller.roles)
        case = _visible(await store.of_key(parse_resource_name(name, "cases")), caller, name)
        require_etag(etag, case.version, name)
        act = Act(actor_of(caller), self.clock.now(), caller.roles, caller.region_prefix)
        changed = verb(case, act)
        return (await record(store, [Change(case, changed)], act.now))[0]

    async def link(
        self, store: CaseStore, caller: Caller, name: str, etag: str, parent: str, reason: str
    ) -> Case:
        """Make a case the child of another, or with no parent take that back.

        A parent has no parent of its own, so there is no circle. Each keeps its clocks and duties.

        Raises:
            NotFound: the case or the parent does not exist or lies outside the caller's region.
            InvalidField: the parent is the case itself, or has a parent or the case has children.
        """
        if parent:
            above = _visible(
                await store.of_key(parse_resource_name(parent, "cases", "parent")), caller, parent
            )
            if parent == name:
                raise InvalidField("parent", "must be another case")
            if above.parent or await self.reader.children(name):
                raise InvalidField("parent", "links go one level deep: it has a parent or children")
        return await self.change(
            store,
            caller,
            name,
            etag,
            Action.LINK,
            lambda case, act: replace(
                advance(case, Action.LINK, act.actor, act.now, note=reason), parent=parent
            ),
        )

    async def open(self, store: CaseStore, caller: Caller, facts: MatterFacts) -> Case:
        """Open a case by hand; a matter that has one already keeps it.

        Raises:
            RegionNotAllowed: the matter's region is not the caller's.
            InvalidField: the petition would have been received in the future.
        """
        if not caller.covers(facts.region_code):
            raise RegionNotAllowed(facts.region_code)
        now = self.clock.now()
        if facts.received_at > now:
            raise InvalidField("received_at", "must not lie in the future")
        present = (await store.of_matters([facts.matter])).get(facts.matter)
        if present is not None:
            return _visible(present, caller, facts.matter)
        opening = Opening(facts.region_code, self.new_uid(now), now, actor_of(caller))
        opened = open_from_matter(facts, Growth(), opening, self.handbook)
        changes = await with_responses(store, [Change(None, opened)], now)
        return (await record(store, changes, now))[0]


def _visible(case: Case | None, caller: Caller, name: str) -> Case:
    """Return the case if the caller may see it; out of region is the same as missing."""
    if case is None or not caller.covers(case.handling_region):
        raise NotFound(name)
    return case
