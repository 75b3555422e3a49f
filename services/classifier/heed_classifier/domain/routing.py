"""Where a matter goes: the proposed legal route (法定途径) and the handling target (处理对象).

Both are proposals by tables; a person decides. The target follows 属地管理、分级负责、谁主管谁负责:
region and category decide which unit answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heed_classifier.domain.decision import Target
from heed_classifier.domain.nature import Level, Nature, Route

_LEVELS = {
    "state": Level.STATE,
    "province": Level.PROVINCE,
    "city": Level.CITY,
    "county": Level.COUNTY,
    "township": Level.TOWNSHIP,
}


@dataclass(frozen=True)
class RouteRow:
    """One row of the route table."""

    category: str
    words: tuple[str, ...]
    route: Route
    reason: str


@dataclass(frozen=True)
class ProposedRoute:
    """A route with the reason for it, article included."""

    route: Route
    reason: str


class RouteRules:
    """Proposal of a legal route; only appeals and requests have one of the six."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.rows = tuple(
            RouteRow(
                row["category"],
                tuple(row.get("words", "").split()),
                Route[row["route"]],
                row["reason"],
            )
            for row in table["route"]
        )
        self._articles: Mapping[str, str] = table["article"]

    def propose(self, code: str, nature: Nature, text: str) -> ProposedRoute:
        """The route of the first row that fits; for other natures only how they are handled."""
        if nature is not Nature.APPEAL_REQUEST:
            return ProposedRoute(Route.NONE, self._articles.get(nature.name, ""))
        for row in self.rows:
            if code.startswith(row.category) and (
                not row.words or any(word in text for word in row.words)
            ):
                return ProposedRoute(row.route, f"{self._articles[row.route.name]}：{row.reason}")
        return ProposedRoute(Route.PETITION, self._articles["PETITION"])


class TargetTableError(ValueError):
    """A table of targets cannot be used; the message names the entry."""


@dataclass(frozen=True)
class UnitRow:
    """The unit that answers for a category in a region, where the general rule does not hold."""

    region: str
    category: str
    unit: str
    line: str
    level: Level
    region_code: str


class TargetRules:
    """Which level, line and unit answers for a category in a region."""

    def __init__(self, *tables: Mapping[str, Any]) -> None:
        """Build it from tables, each over the ones before.

        Raises:
            TargetTableError: An entry of a table cannot be used.
        """
        self._lines: dict[str, tuple[str, str]] = {}
        units: dict[tuple[str, str], UnitRow] = {}
        for table in tables:
            for code, row in table.get("line", {}).items():
                self._lines[code] = _line(code, row)
            for row in table.get("unit", ()):
                unit = _unit(row)
                units[unit.region, unit.category] = unit
        # The narrowest region decides, and within it the narrowest category.
        self._units = sorted(units.values(), key=lambda u: (-len(u.region), -len(u.category)))

    def target(self, code: str, region_code: str, region_title: str, level: str) -> Target:
        """The target by region and category; no region, no unit."""
        line, ending = self._general(code)
        for row in self._units if region_code else ():
            if region_code.startswith(row.region) and code.startswith(row.category):
                return Target(
                    row.level or _LEVELS.get(level, Level.UNKNOWN),
                    row.line or line,
                    row.unit,
                    row.region_code or region_code,
                )
        unit = f"{region_title}{ending}" if region_title and ending else ""
        return Target(_LEVELS.get(level, Level.UNKNOWN), line, unit, region_code)

    def _general(self, code: str) -> tuple[str, str]:
        for length in (4, 2):
            if code[:length] in self._lines:
                return self._lines[code[:length]]
        return "", ""


def _line(code: str, row: object) -> tuple[str, str]:
    if (
        not isinstance(row, Sequence)
        or isinstance(row, str)
        or len(row) != 2
        or not all(isinstance(part, str) for part in row)
    ):
        raise TargetTableError(f'line "{code}" must be [line, ending of the unit]')
    return row[0], row[1]


def _unit(row: Mapping[str, Any]) -> UnitRow:
    wrong = [key for key in ("region", "category", "unit") if not isinstance(row.get(key), str)]
    if wrong or not row["unit"]:
        raise TargetTableError(f"unit {dict(row)!r} needs region, category and unit, each a text")
    region = row["region"].rstrip("0") if len(row["region"]) == 6 else row["region"]
    if len(region) % 2:
        region += "0"
    level = row.get("level", "")
    if level and level not in _LEVELS:
        raise TargetTableError(f"level {level!r} of {row['unit']} is none of {', '.join(_LEVELS)}")
    return UnitRow(
        region,
        row["category"],
        row["unit"],
        row.get("line", ""),
        _LEVELS.get(level, Level.UNKNOWN),
        row.get("region_code", ""),
    )
