"""Silences: who keeps which warnings from being announced, until when and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from heed_shared.clock import Clock
from heed_shared.database import Transaction
from heed_shared.errors import InvalidField, NotFound, RegionNotAllowed, WrongState
from heed_shared.identity import Caller
from heed_shared.ids import new_uid, require_etag
from heed_warning.application.ports import Warnings
from heed_warning.application.settlement import Settlement
from heed_warning.application.warning_ports import Silences
from heed_warning.domain.life import Staff
from heed_warning.domain.silence import LONGEST, Silence

_EARLIEST_START = timedelta(minutes=5)
"""How far back a silence may begin: the clocks of caller and server differ a little."""


@dataclass(frozen=True)
class SilenceWish:
    """What a caller asks for; without a start it begins at once."""

    region_prefix: str
    category: str
    starts_at: datetime | None
    ends_at: datetime | None
    reason: str


def silence_name(uid: UUID) -> str:
    """Return the resource name of a silence."""
    return f"silences/{uid}"


@dataclass(frozen=True)
class SilenceDesk:
    """The use cases SilenceWarnings and EndSilence. Never commits."""

    silences: Silences
    warnings: Warnings
    settlement: Settlement
    clock: Clock

    async def begin(self, tx: Transaction, caller: Caller, wish: SilenceWish) -> Silence:
        """Store a silence; what it covers falls quiet in the same transaction.

        Raises:
            InvalidField: There is no reason, or the times make no sense together.
            RegionNotAllowed: It reaches beyond the caller's region.
        """
        now = self.clock.now()
        starts_at, ends_at = _period(wish, now)
        if not wish.reason.strip():
            raise InvalidField("silence.reason", "must say why")
        if not wish.region_prefix.startswith(caller.region_prefix):
            raise RegionNotAllowed(wish.region_prefix)
        silence = Silence(
            uid=new_uid(now),
            region_prefix=wish.region_prefix,
            category=wish.category,
            starts_at=starts_at,
            ends_at=ends_at,
            reason=wish.reason,
            created_by=_staff(caller),
        )
        await self.silences.add(tx, silence)
        await self._resettle(tx, now)
        return silence

    async def end(self, tx: Transaction, caller: Caller, uid: UUID, etag: str) -> Silence:
        """End a silence now; what it alone kept quiet and still fires is announced.

        Raises:
            NotFound: There is none, or not in the caller's region.
            StaleEtag: It has changed since the caller saw it.
            WrongState: It is over already.
        """
        name = silence_name(uid)
        silence = await self.silences.get(tx, uid)
        if silence is None or not silence.region_prefix.startswith(caller.region_prefix):
            raise NotFound(name)
        require_etag(etag, silence.version, name)
        now = self.clock.now()
        if silence.ends_at <= now:
            raise WrongState("ENDED", ["PLANNED", "ACTIVE"], name)
        ended = replace(
            silence,
            starts_at=min(silence.starts_at, now),
            ends_at=now,
            ended_by=_staff(caller),
            version=silence.version + 1,
        )
        await self.silences.end(tx, ended)
        await self._resettle(tx, now)
        return ended

    async def _resettle(self, tx: Transaction, now: datetime) -> None:
        standing = await self.warnings.standing(tx)
        await self.settlement.keep_all(tx, standing.values(), now=now)


def _period(wish: SilenceWish, now: datetime) -> tuple[datetime, datetime]:
    starts_at = wish.starts_at or now
    if starts_at < now - _EARLIEST_START:
        raise InvalidField("silence.starts_at", "must not lie in the past")
    if wish.ends_at is None:
        raise InvalidField("silence.ends_at", "must be given: no silence lasts for ever")
    if wish.ends_at <= max(starts_at, now):
        raise InvalidField("silence.ends_at", "must lie after now and after starts_at")
    if wish.ends_at - starts_at > LONGEST:
        raise InvalidField("silence.ends_at", f"must lie at most {LONGEST.days} days on")
    return starts_at, wish.ends_at


def _staff(caller: Caller) -> Staff:
    return Staff(caller.identity, caller.display_name, caller.unit)
