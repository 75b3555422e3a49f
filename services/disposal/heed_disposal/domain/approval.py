"""Who may approve what (审批权限): the role, and the level of the unit, as playbooks say."""

from dataclasses import dataclass
from datetime import date, datetime

from heed_disposal.domain.terms import Actor, Role
from heed_shared.clock import local_day
from heed_shared.errors import LawRequires
from heed_shared.identity import region_prefix

DIGITS_A_LEVEL = 2
"""Digits of a region code for each level: province, prefecture, county."""


@dataclass(frozen=True)
class Act:
    """Who acts, when, with which roles and for which region."""

    actor: Actor
    now: datetime
    roles: frozenset[int] = frozenset()
    region_prefix: str = ""
    """Prefix of the regions that the actor's unit answers for; empty means the whole country."""

    @property
    def today(self) -> date:
        """The local day."""
        return local_day(self.now)


@dataclass(frozen=True)
class Approver:
    """Who approves at one response level, or a measure of one kind."""

    title: str
    levels_above: int = 0
    """How many levels above the place of the case the approver's unit has to stand."""
    citation: str = "内部规定:处置措施分级批准"

    def require(self, act: Act, handling_region: str, field: str) -> None:
        """Check that who acts is a leader of a unit that stands high enough.

        Raises:
            LawRequires: the role or the level of the unit does not suffice.
        """
        digits = len(region_prefix(handling_region)) - self.levels_above * DIGITS_A_LEVEL
        high_enough = len(act.region_prefix) <= max(digits, 0)
        if Role.LEADER not in act.roles or not high_enough:
            raise LawRequires(field, f"须由{self.title}批准", self.citation)


def stricter(one: Approver, other: Approver | None) -> Approver:
    """Return by whom is approved what two rules bear on: the title of the second, both demands."""
    if other is None:
        return one
    citation = one.citation if one.levels_above > other.levels_above else other.citation
    return Approver(other.title, max(one.levels_above, other.levels_above), citation)
