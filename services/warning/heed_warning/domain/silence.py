"""Silences (静默): for a stated time and reason, warnings of a place are kept but not announced."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from heed_warning.domain.life import Staff
from heed_warning.domain.panel import Cell
from heed_warning.domain.policy import Level

LONGEST = timedelta(days=90)
LOUDEST_QUIET = Level.YELLOW
"""The highest level that can be kept quiet: orange and red are always announced."""


@dataclass(frozen=True)
class Silence:
    """One silence. Times are of the business clock; `ends_at` is exclusive."""

    uid: UUID
    region_prefix: str
    """Prefix without trailing zeros; empty means everywhere."""
    category: str
    """First-level category; empty means all."""
    starts_at: datetime
    ends_at: datetime
    reason: str
    created_by: Staff
    ended_by: Staff | None = None
    version: int = 1

    def active(self, now: datetime) -> bool:
        """Say whether it holds at a moment."""
        return self.starts_at <= now < self.ends_at

    def covers(self, cell: Cell) -> bool:
        """Say whether a cell lies in its place."""
        return cell.region.startswith(self.region_prefix) and self.category in {"", cell.category}


def can_be_quiet(proposed: Level, effective: Level) -> bool:
    """Say whether a warning may be kept quiet: never when orange or red, not even if proposed."""
    return max(proposed, effective) <= LOUDEST_QUIET


def silencing(silences: Iterable[Silence], cell: Cell, now: datetime) -> UUID | None:
    """Return the silence that covers a cell now, the longest of several; None when none does."""
    covering = [item for item in silences if item.active(now) and item.covers(cell)]
    return max(covering, key=lambda item: (item.ends_at, item.uid)).uid if covering else None
