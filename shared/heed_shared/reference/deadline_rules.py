"""Deadline rules (期限规则): what is owed, within which period, by which article, on which dates.

The rules come from a data file that a deploying authority may replace. A book of rules with a hole,
an overlap or a doubled version does not load. A clock keeps the version under which it began.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any


class RuleFileError(Exception):
    """The rule file cannot be used; the text names the rule and the problem."""


class Unit(StrEnum):
    """What a period is counted in."""

    DAY = "day"
    WORKING_DAY = "working_day"
    HOUR = "hour"
    SET = "set"
    """Whoever starts the clock sets the day."""


@dataclass(frozen=True)
class DeadlineRule:
    """One rule in one version."""

    code: str
    version: str
    title: str
    trigger: str
    period: int
    unit: Unit
    citation: str
    valid_from: date
    valid_to: date | None = None
    extension_days: int = 0
    """Most days by which it may be extended, once; 0 means never."""
    extension_citation: str = ""
    pause_causes: tuple[str, ...] = ()
    """Causes for which it may stand still; none means never."""
    escalate_to: str = "SUPERVISOR"
    """Role that is told when the clock breaks: SUPERVISOR or LEADER."""

    def __post_init__(self) -> None:
        """Refuse a rule that cannot be counted."""
        if (self.unit is Unit.SET) != (self.period == 0) or self.period < 0:
            raise RuleFileError(f"{self.code}@{self.version}: period {self.period} in {self.unit}")
        if self.escalate_to not in ("SUPERVISOR", "LEADER"):
            raise RuleFileError(f"{self.code}@{self.version}: escalate_to {self.escalate_to!r}")
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise RuleFileError(f"{self.code}@{self.version}: valid_to lies before valid_from")

    def valid_on(self, day: date) -> bool:
        """Say whether the rule is in force on ``day``."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


class RuleBook:
    """All rules of a deployment."""

    def __init__(self, rules: Iterable[DeadlineRule], required: Iterable[str] = ()) -> None:
        """Check and keep the rules.

        Raises:
            RuleFileError: a required code is missing, or a rule is doubled, or its validity has a
                hole or an overlap.
        """
        self._by_code: dict[str, list[DeadlineRule]] = {}
        for rule in sorted(rules, key=lambda rule: (rule.code, rule.valid_from)):
            self._by_code.setdefault(rule.code, []).append(rule)
        missing = [code for code in required if code not in self._by_code]
        if missing:
            raise RuleFileError(f"missing rules: {', '.join(missing)}")
        for versions in self._by_code.values():
            _check_sequence(versions)

    def on(self, code: str, day: date) -> DeadlineRule:
        """Return the rule in force on ``day``; before the first version, the first.

        A petition may be older than the regulation: its clock then runs under the oldest rule.

        Raises:
            RuleFileError: the rule has ended and nothing followed it, or there is none.
        """
        versions = self._by_code.get(code)
        if versions is None:
            raise RuleFileError(f"{code}: not in the rule file")
        for rule in versions:
            if rule.valid_on(day):
                return rule
        if day < versions[0].valid_from:
            return versions[0]
        raise RuleFileError(f"{code}: no rule is in force on {day}")

    def version(self, code: str, version: str) -> DeadlineRule:
        """Return the rule under which an old clock began.

        Raises:
            RuleFileError: the file no longer has it.
        """
        for rule in self._by_code.get(code, ()):
            if rule.version == version:
                return rule
        raise RuleFileError(f"{code}@{version}: not in the rule file")


def _check_sequence(versions: list[DeadlineRule]) -> None:
    for earlier, later in pairwise(versions):
        where = f"{later.code}@{later.version}"
        if earlier.version == later.version:
            raise RuleFileError(f"{where}: the version is doubled")
        if earlier.valid_to is None or earlier.valid_to >= later.valid_from:
            raise RuleFileError(f"{where}: overlaps with @{earlier.version}")
        if earlier.valid_to + timedelta(days=1) != later.valid_from:
            raise RuleFileError(f"{where}: leaves a hole after @{earlier.version}")


def read_rules(document: Mapping[str, Any], required: Iterable[str] = ()) -> RuleBook:
    """Build the book from the parsed data file.

    Raises:
        RuleFileError: an entry lacks a field, has an unknown one, or the book is not consistent.
    """
    rules = []
    for entry in document.get("rule", ()):
        try:
            causes = tuple(entry.get("pause_causes", ()))
            typed = {"unit": Unit(entry["unit"]), "pause_causes": causes}
            rules.append(DeadlineRule(**{**entry, **typed}))
        except (TypeError, KeyError, ValueError) as error:
            raise RuleFileError(f"rule {entry.get('code', '?')}: {error}") from error
    return RuleBook(rules, required)


def load_rules(mounted: Path | None = None, required: Iterable[str] = ()) -> RuleBook:
    """Read the shipped rules, or those of a mounted TOML file in their place.

    Raises:
        RuleFileError: the file cannot be read or used; the text names the rule.
    """
    try:
        if mounted is None:
            text = (resources.files(__package__) / "deadline_rules.toml").read_text("utf-8")
        else:
            text = mounted.read_text("utf-8")
        return read_rules(tomllib.loads(text), required)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RuleFileError(f"the deadline rules cannot be read: {error}") from error
