"""What people do with a warning: take it on, confirm its level, judge it, end it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from heed_shared.clock import Clock, local_day
from heed_shared.database import Transaction
from heed_shared.errors import NotFound, WrongState
from heed_shared.identity import Caller
from heed_shared.ids import require_etag, resource_name
from heed_warning.application.announcing import announce
from heed_warning.application.ports import Kept, Warnings
from heed_warning.domain.life import CellWarning, Change, Staff, State, Verdict, in_effect
from heed_warning.domain.policy import Level

Decision = Callable[[CellWarning, Staff, date], CellWarning]

LASTING = (State.FIRING, State.ACKNOWLEDGED)


@dataclass(frozen=True)
class Action:
    """One thing that people may do, and from which states."""

    decide: Decision
    allowed: tuple[State, ...]
    change: Change


def acknowledge() -> Action:
    """Take a warning on."""
    return Action(
        lambda warning, staff, _: replace(warning, state=State.ACKNOWLEDGED, acknowledged_by=staff),
        (State.FIRING,),
        Change.ACKNOWLEDGED,
    )


def confirm_level() -> Action:
    """Put the proposed level into effect, red included."""

    def decide(warning: CellWarning, staff: Staff, _: date) -> CellWarning:
        red = warning.proposed is Level.RED
        return replace(
            warning,
            red_confirmed=red,
            effective=in_effect(warning.proposed, red_confirmed=red),
            level_confirmed_by=staff,
        )

    return Action(decide, LASTING, Change.LEVEL_CHANGED)


def judge(verdict: Verdict, note: str) -> Action:
    """Record whether it was a real problem."""
    return Action(
        lambda warning, staff, _: replace(warning, verdict=verdict, judged_by=staff, note=note),
        (*LASTING, State.RESOLVED),
        Change.JUDGED,
    )


def resolve(note: str) -> Action:
    """End it; until the cell has been clear, only a higher level warns anew."""
    return Action(
        lambda warning, _, day: replace(
            warning,
            state=State.RESOLVED,
            resolved_on=day,
            rest_level=warning.proposed,
            note=note,
        ),
        LASTING,
        Change.RESOLVED,
    )


@dataclass(frozen=True)
class Desk:
    """Carries out what people decide about warnings."""

    warnings: Warnings
    clock: Clock

    async def act(
        self, tx: Transaction, caller: Caller, region: str, uid: UUID, etag: str, action: Action
    ) -> Kept:
        """Do something with a warning. Does not commit.

        Raises:
            NotFound: There is no such warning in the caller's region.
            StaleEtag: It has changed since the caller saw it.
            WrongState: Its state does not allow this.
        """
        name = resource_name("warnings", region, uid)
        kept = await self.warnings.get(tx.connection, region, uid, lock=True)
        if kept is None or not caller.covers(region):
            raise NotFound(name)
        require_etag(etag, kept.warning.version, name)
        if kept.warning.state not in action.allowed:
            allowed = [f"STATE_{state.name}" for state in action.allowed]
            raise WrongState(f"STATE_{kept.warning.state.name}", allowed, name)
        staff = Staff(caller.identity, caller.display_name, caller.unit)
        now = self.clock.now()
        after = action.decide(kept.warning, staff, local_day(now))
        return await self._keep(tx, after, action.change)

    async def take_finding(self, tx: Transaction, region: str, uid: UUID, verdict: Verdict) -> None:
        """Take over what handling found, unless a person has judged already. Does not commit.

        Raises:
            NotFound: There is no such warning.
        """
        kept = await self.warnings.get(tx.connection, region, uid, lock=True)
        if kept is None:
            raise NotFound(resource_name("warnings", region, uid))
        if kept.warning.judged_by is None and kept.warning.verdict is not verdict:
            await self._keep(tx, replace(kept.warning, verdict=verdict), Change.JUDGED)

    async def _keep(self, tx: Transaction, warning: CellWarning, change: Change) -> Kept:
        now = self.clock.now()
        after = replace(warning, version=warning.version + 1)
        await self.warnings.save(tx, [after], now)
        await announce(tx, [(after, change)], now)
        return Kept(after, now)
