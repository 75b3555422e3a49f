"""Settles what is said of warnings, and keeps and announces it, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from heed_shared import logs
from heed_shared.clock import local_day
from heed_shared.database import Transaction
from heed_warning.application.announcing import announce
from heed_warning.application.log_names import WarningLog
from heed_warning.application.places import Places, working_day
from heed_warning.application.ports import Warnings
from heed_warning.application.warning_ports import Silences
from heed_warning.domain.escalation import EscalationStep, RuleVersions, chain_of
from heed_warning.domain.life import CellWarning, Change
from heed_warning.domain.policy import Level
from heed_warning.domain.settling import Setting, acted, escalate, settle


@dataclass(frozen=True)
class Settlement:
    """What evaluations, people and clocks share when they change warnings. Never commits."""

    warnings: Warnings
    silences: Silences
    places: Places
    rules: RuleVersions

    async def keep_all(
        self,
        tx: Transaction,
        before: Iterable[CellWarning],
        moved: Sequence[CellWarning] = (),
        changes: Mapping[str, Change] | None = None,
        *,
        now: datetime,
    ) -> None:
        """Settle every open warning, take the steps that are due, write and tell what changed.

        Args:
            tx: Transaction in which the warnings of `before` are locked.
            before: The standing warnings as they are stored.
            moved: Those that have just been changed, in place of theirs in `before`, and new ones.
            changes: What happened to them, by resource name.
            now: Moment by the business clock.
        """
        stored = {warning.name: warning for warning in before}
        changes = changes or {}
        present = stored | {warning.name: _fired(warning, changes, now) for warning in moved}
        setting = await self._setting(tx.connection, now)
        news = [escalate(item, now) for item in settle(present.values(), changes, setting)]
        changed = [item for item in news if item.warning != stored.get(item.warning.name)]
        await self.warnings.save(tx, [item.warning for item in changed], now)
        await announce(tx, news, now)

    async def keep_one(
        self, tx: Transaction, warning: CellWarning, change: Change, now: datetime
    ) -> CellWarning:
        """Write and tell what a person decided; what that makes loud elsewhere, the clock tells."""
        news = acted(warning, change, await self._setting(tx.connection, now))
        await self.warnings.save(tx, [news.warning], now)
        await announce(tx, [news], now)
        return news.warning

    async def _setting(self, connection: AsyncConnection, now: datetime) -> Setting:
        silences = await self.silences.active(connection, now)
        return Setting(now, silences, self.places.still_above, self._chain)

    def _chain(self, level: Level, start: datetime) -> tuple[EscalationStep, ...]:
        rules = self.rules.on(local_day(start))
        chain = chain_of(rules, level, start, working_day)
        if chain.provisional:
            logs.warning(
                WarningLog.ESCALATION_PROVISIONAL,
                level=level.name.lower(),
                due_at=chain.steps[-1].due_at,
                rules=rules.version,
            )
        return chain.steps


def _fired(warning: CellWarning, changes: Mapping[str, Change], now: datetime) -> CellWarning:
    fires = changes.get(warning.name) is Change.RAISED
    return replace(warning, fired_at=now) if fires else warning
