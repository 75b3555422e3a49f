"""What people do with a warning: take it on, confirm its level, judge it, end it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from heed_shared.clock import Clock, local_day
from heed_shared.database import Transaction
from heed_shared.errors import NotFound, WrongState
from heed_shared.identity import Caller
from heed_shared.ids import require_etag, resource_name
from heed_warning.application.ports import Kept, Warnings
from heed_warning.application.settlement import Settlement
from heed_warning.domain.life import CellWarning, Change, Staff, Verdict, in_effect
from heed_warning.domain.policy import Level
from heed_warning.domain.transitions import Action, State, states_allowing, target

_HARMLESS = (Verdict.EXPLAINED, Verdict.FALSE)


@dataclass(frozen=True)
class Decision:
    """One thing that people decide; the transition table says from which states."""

    action: Action
    decide: Callable[[CellWarning, Staff, datetime], CellWarning]
    """Returns the warning with all but its state changed."""
    change: Change


def acknowledge() -> Decision:
    """Take a warning on; its escalation stops."""
    return Decision(
        Action.ACKNOWLEDGE,
        lambda warning, staff, now: replace(warning, acknowledged_by=staff, acknowledged_at=now),
        Change.ACKNOWLEDGED,
    )


def confirm_level() -> Decision:
    """Put the proposed level into effect, red included."""

    def decide(warning: CellWarning, staff: Staff, _: datetime) -> CellWarning:
        red = warning.proposed is Level.RED
        return replace(
            warning,
            red_confirmed=red,
            effective=in_effect(warning.proposed, red_confirmed=red),
            level_confirmed_by=staff,
        )

    return Decision(Action.CONFIRM_LEVEL, decide, Change.LEVEL_CHANGED)


def judge(verdict: Verdict, note: str) -> Decision:
    """Record whether it was a real problem."""

    def decide(warning: CellWarning, staff: Staff, _: datetime) -> CellWarning:
        return replace(_with_verdict(warning, verdict), judged_by=staff, note=note)

    return Decision(Action.JUDGE, decide, Change.JUDGED)


def resolve(note: str) -> Decision:
    """End it; until the cell has been clear, only a higher level warns anew."""

    def decide(warning: CellWarning, _: Staff, now: datetime) -> CellWarning:
        return replace(warning, resolved_on=local_day(now), rest_level=warning.proposed, note=note)

    return Decision(Action.RESOLVE, decide, Change.RESOLVED)


def _with_verdict(warning: CellWarning, verdict: Verdict) -> CellWarning:
    """Return a warning with a verdict; while it lasts, a harmless one lets it rest."""
    if not warning.is_open:
        return replace(warning, verdict=verdict)
    rest = warning.proposed if verdict in _HARMLESS else Level.NONE
    return replace(warning, verdict=verdict, rest_level=rest, lower_streak=0)


@dataclass(frozen=True)
class Desk:
    """Carries out what people decide about warnings. Never commits."""

    warnings: Warnings
    settlement: Settlement
    clock: Clock

    async def act(
        self, tx: Transaction, caller: Caller, region: str, uid: UUID, etag: str, decision: Decision
    ) -> Kept:
        """Do something with a warning.

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
        state = _next_state(kept.warning, decision.action)
        staff = Staff(caller.identity, caller.display_name, caller.unit)
        decided = decision.decide(kept.warning, staff, self.clock.now())
        return await self._keep(tx, replace(decided, state=state), decision.change)

    async def take_finding(self, tx: Transaction, region: str, uid: UUID, verdict: Verdict) -> None:
        """Take over what handling found, unless a person has judged already.

        Raises:
            NotFound: There is no such warning.
            WrongState: It is pending, so that nobody can have handled it.
        """
        kept = await self.warnings.get(tx.connection, region, uid, lock=True)
        if kept is None:
            raise NotFound(resource_name("warnings", region, uid))
        if kept.warning.judged_by is None and kept.warning.verdict is not verdict:
            state = _next_state(kept.warning, Action.JUDGE)
            judged = replace(_with_verdict(kept.warning, verdict), state=state)
            await self._keep(tx, judged, Change.JUDGED)

    async def _keep(self, tx: Transaction, warning: CellWarning, change: Change) -> Kept:
        now = self.clock.now()
        after = replace(warning, version=warning.version + 1)
        return Kept(await self.settlement.keep_one(tx, after, change, now), now)


def _next_state(warning: CellWarning, action: Action) -> State:
    state = target(warning.state, action)
    if state is None:
        allowed = [f"STATE_{possible.name}" for possible in states_allowing(action)]
        raise WrongState(f"STATE_{warning.state.name}", allowed, warning.name)
    return state
