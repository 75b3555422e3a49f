"""The organisation table (机构表): units, what is above them, who leads them, and their names.

Petitioners write a unit's name in many ways. A unit is known by its full name, by its name with the
regions above it, and within its own line of regions also by its name with a level word (市, 区, 县)
or with none. What is beyond that (short forms such as 住建局) is not guessed.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from heed_shared.reference.regions import prefix_of

_LEVEL_WORDS = "省市区县州盟旗镇乡"
_PRONOUNS = ("", "本", "我", "该", "全")
# Words that begin like a level and are none: 市场监督管理局 is no 场监督管理局 of a city.
_NO_LEVEL = re.compile(
    r"市(?:场|容|民|政(?!府|协|法))|区(?:域|划)|县域|乡(?:村|镇)|镇(?:村|街)|州际"
)
_LEVEL_PREFIX = re.compile(rf"[本我该全]?[{_LEVEL_WORDS}]")
_SHORTEST_CORE = 2


def normal_name(text: str) -> str:
    """Return a name for comparison: NFKC, no spaces, no dots between parts, one case."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(sign for sign in folded if not sign.isspace() and sign not in "·•.・")


@dataclass(frozen=True)
class OrganisationUnit:
    """One row of the table."""

    name: str
    parent: str
    """Name of the unit above; empty for the highest."""
    region_code: str
    region_titles: tuple[str, ...]
    """Titles of the regions that it lies in, the highest first, its own last."""
    leaders: tuple[str, ...]
    valid_from: date | None = None
    valid_to: date | None = None

    def valid_on(self, day: date) -> bool:
        """Say whether the unit exists on ``day``."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day <= self.valid_to
        )

    @cached_property
    def key(self) -> str:
        """The name for comparison."""
        return normal_name(self.name)

    @cached_property
    def core(self) -> str:
        """The name without regions and level words in front."""
        name = self.key
        for title in map(normal_name, self.region_titles):
            name = name.removeprefix(title)
        if not _NO_LEVEL.match(name):
            name = _LEVEL_PREFIX.sub("", name, count=1) if _LEVEL_PREFIX.match(name) else name
        return name if len(name) >= _SHORTEST_CORE else self.key

    @cached_property
    def full_names(self) -> frozenset[str]:
        """What it is called anywhere."""
        titles = [normal_name(title) for title in self.region_titles]
        tails = {"".join(titles[start:]) + self.core for start in range(len(titles))}
        return frozenset({self.key} | tails)

    @cached_property
    def local_names(self) -> frozenset[str]:
        """What it is called within its own line of regions."""
        level = self.region_titles[-1][-1:] if self.region_titles else ""
        named = {pronoun + level + self.core for pronoun in _PRONOUNS if level in _LEVEL_WORDS}
        return frozenset(named | {self.core})

    def in_line_with(self, region_code: str) -> bool:
        """Say whether it belongs to a region, to one above or to one inside."""
        own, other = prefix_of(self.region_code), prefix_of(region_code)
        return own.startswith(other) or other.startswith(own)

    @cached_property
    def leader_names(self) -> tuple[str, ...]:
        """The names of who leads it, for comparison."""
        return tuple(map(normal_name, self.leaders))


@dataclass(frozen=True)
class Organisation:
    """The table as two persons released it."""

    units: tuple[OrganisationUnit, ...]
    released_by: tuple[str, ...]
    released_on: date
    digest: str
    """SHA-256 of the file, by which a decision names the table it was made with."""

    def present(self, day: date) -> list[OrganisationUnit]:
        """Return the units that exist on ``day``."""
        return [unit for unit in self.units if unit.valid_on(day)]

    def named(self, text: str, day: date) -> OrganisationUnit | None:
        """Return the unit that is called exactly so on ``day``, or None."""
        key = normal_name(text)
        return next((unit for unit in self.present(day) if unit.key == key), None)

    def meant(self, text: str, region_code: str) -> set[str]:
        """Return what somebody of a region means, of all units that ever were.

        Units are returned by their names for comparison: those that are called so, or else those
        whose name is the longest with which the text begins.
        """
        name = normal_name(text)
        for length in range(len(name), 0, -1):
            keys = {unit.key for unit in self._full.get(name[:length], ())}
            local = self._local.get(name[:length], ())
            if keys := keys | {unit.key for unit in local if unit.in_line_with(region_code)}:
                return keys
        return set()

    def below(self, keys: Iterable[str]) -> set[str]:
        """Return the names for comparison of units and of everything below them, ever."""
        found: set[str] = set()
        waiting = set(keys)
        while waiting:
            found |= waiting
            waiting = {key for above in waiting for key in self._directly_below.get(above, ())}
            waiting -= found
        return found

    @cached_property
    def _full(self) -> Mapping[str, Sequence[OrganisationUnit]]:
        return _by_name((name, unit) for unit in self.units for name in unit.full_names)

    @cached_property
    def _local(self) -> Mapping[str, Sequence[OrganisationUnit]]:
        return _by_name((name, unit) for unit in self.units for name in unit.local_names)

    @cached_property
    def _directly_below(self) -> Mapping[str, set[str]]:
        below: dict[str, set[str]] = {}
        for unit in self.units:
            below.setdefault(normal_name(unit.parent), set()).add(unit.key)
        return below


def _by_name(
    named: Iterable[tuple[str, OrganisationUnit]],
) -> dict[str, list[OrganisationUnit]]:
    found: dict[str, list[OrganisationUnit]] = {}
    for name, unit in named:
        found.setdefault(name, []).append(unit)
    return found
