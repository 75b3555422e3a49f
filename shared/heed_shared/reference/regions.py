"""Regions (行政区划): codes of GB/T 2260, and those of a user's own table mounted over them.

A code has six characters, two for each of three levels, and its prefix is its ancestor: 110105 lies
in 110100, and that in 110000. A user's own regions have codes that begin with 9, which GB/T 2260
leaves free, and follow the same rule.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal, Self

from heed_shared.errors import UnknownRegion
from heed_shared.reference.mounted_table import (
    BadLine,
    BadTableError,
    read_day,
    read_table,
    validity_problem,
)

Level = Literal["province", "city", "county"]

SHIPPED = Path(__file__).with_name("regions.csv")
OWN_CODE = re.compile(r"9[0-9A-Z]{5}")

HOLDER_TITLE = "自建区划"
"""Title for a region of a user's own table that only holds others together."""

# Rows that only hold others together; a full title leaves them out.
_HOLDERS = frozenset({"市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划", HOLDER_TITLE})
_REQUIRED = ("code", "title")
_OPTIONAL = ("parent_code", "level", "valid_from", "valid_to")


class RegionTableError(BadTableError):
    """A mounted region table cannot be used; `bad_lines` lists every wrong line."""


@dataclass(frozen=True, slots=True)
class Region:
    """One region. `parent_code` is empty for a province; an open date of validity is None."""

    code: str
    title: str
    parent_code: str
    level: Level
    valid_from: date | None = None
    valid_to: date | None = None


def prefix_of(code: str) -> str:
    """Return what the codes of a region and of everything in it begin with (110100 gives 1101)."""
    prefix = code
    while len(prefix) > 2 and len(prefix) % 2 == 0 and prefix.endswith("00"):
        prefix = prefix[:-2]
    return prefix


def level_of(code: str) -> Level:
    """Return the level that the code itself says."""
    if code.endswith("0000"):
        return "province"
    return "city" if code.endswith("00") else "county"


def parent_code_of(code: str) -> str:
    """Return the code of the region above by the prefix rule; empty for a province."""
    match level_of(code):
        case "province":
            return ""
        case "city":
            return f"{code[:2]}0000"
        case "county":
            return f"{code[:4]}00"


class Regions:
    """All known regions, looked up by code. It never changes once loaded."""

    def __init__(self, regions: Mapping[str, Region]) -> None:
        self._regions = dict(regions)
        self._children: dict[str, list[str]] = defaultdict(list)
        for code in sorted(self._regions):
            self._children[self._regions[code].parent_code].append(code)

    @classmethod
    def load(cls, extra: Path | None = None) -> Self:
        """Load the shipped table, and over it the user's own if there is one.

        Raises:
            RegionTableError: The user's table has wrong lines; all of them are listed.
        """
        own = _read_own(extra) if extra else {}
        return cls(_shipped() | own)

    def __contains__(self, code: object) -> bool:
        return code in self._regions

    def __len__(self) -> int:
        return len(self._regions)

    def __iter__(self) -> Iterator[str]:
        return iter(self._regions)

    def get(self, code: str) -> Region:
        """Return the region; UnknownRegion if there is none with this code."""
        try:
            return self._regions[code]
        except KeyError:
            raise UnknownRegion(code) from None

    def title(self, code: str) -> str:
        """Return the full Chinese name, such as 北京市朝阳区."""
        region = self.get(code)
        above = [self._regions[ancestor].title for ancestor in reversed(self.ancestors(code))]
        return "".join(title for title in above if title not in _HOLDERS) + region.title

    def level(self, code: str) -> Level:
        """Return whether the region is a province, a city or a county."""
        return self.get(code).level

    def parent(self, code: str) -> str | None:
        """Return the code of the region directly above; None for a province."""
        return self.get(code).parent_code or None

    def ancestors(self, code: str) -> tuple[str, ...]:
        """Return the codes above, the nearest first: 110105 gives 110100, 110000."""
        above = []
        parent = self.parent(code)
        while parent:
            above.append(parent)
            parent = self.parent(parent)
        return tuple(above)

    def children(self, code: str) -> tuple[str, ...]:
        """Return the codes directly below, in order; none for a county."""
        return tuple(self._children.get(self.get(code).code, ()))


@cache
def _shipped() -> dict[str, Region]:
    return {
        row["code"]: Region(
            row["code"],
            row["title"],
            row["parent_code"],
            level_of(row["code"]),
            read_day(row["valid_from"]),
            read_day(row["valid_to"]),
        )
        for _, row in read_table(SHIPPED, (*_REQUIRED, *_OPTIONAL))
    }


def _read_own(path: Path) -> dict[str, Region]:
    try:
        rows = list(read_table(path, _REQUIRED, _OPTIONAL))
    except BadTableError as error:
        raise RegionTableError(path, error.bad_lines) from error
    codes = {row["code"] for _, row in rows}
    regions: dict[str, Region] = {}
    bad_lines: list[BadLine] = []
    for line, row in rows:
        code = row["code"]
        problem = _problem(row, codes)
        if not problem and code in regions:
            problem = f"code {code} stands there already"
        if problem:
            bad_lines.append(BadLine(line, problem))
            continue
        regions[code] = Region(
            code,
            row["title"],
            parent_code_of(code),
            level_of(code),
            read_day(row["valid_from"]),
            read_day(row["valid_to"]),
        )
    if bad_lines:
        raise RegionTableError(path, bad_lines)
    return regions


def _problem(row: Mapping[str, str], codes: set[str]) -> str:
    """Return what is wrong with one line of a user's own table; empty if nothing is."""
    code = row["code"]
    if not OWN_CODE.fullmatch(code):
        return f"code {code!r} is not 9 followed by five of 0-9 and A-Z"
    parent, level = parent_code_of(code), level_of(code)
    if not row["title"]:
        return f"code {code} has no title"
    if parent and parent not in codes:
        return f"parent {parent} of {code} is not in the table"
    for column, expected in (("parent_code", parent), ("level", level)):
        if row[column] not in {"", expected}:
            return f"{column} of {code} must be {expected or 'empty'}, not {row[column]!r}"
    return validity_problem(row)
