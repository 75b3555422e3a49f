"""The content taxonomy (内容分类): two levels of categories, by code, with validity and aliases.

A first-level code has two digits and a second-level one four, of which the first two are its
parent's. A category is never renamed in place: a change gets a new row and dates of validity, so
that old matters keep their labels.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Self

from heed_shared.errors import UnknownCategory
from heed_shared.reference.mounted_table import (
    BadLine,
    BadTableError,
    read_day,
    read_table,
    validity_problem,
)

SHIPPED = Path(__file__).with_name("taxonomy.csv")
CROSSWALK = Path(__file__).with_name("crosswalk.csv")
CODE = re.compile(r"[0-9]{2}(?:[0-9]{2})?")
# Discipline matters (纪检监察): no mounted table can take them out of the sealed lane.
_ALWAYS_SEALED = frozenset({"14"})
_ALIAS_SEPARATOR = ";"
_REQUIRED = ("code", "title")
_OPTIONAL = ("parent_code", "aliases", "sealed", "valid_from", "valid_to")


class TaxonomyTableError(BadTableError):
    """A mounted taxonomy cannot be used; `bad_lines` lists every wrong line."""


@dataclass(frozen=True, slots=True)
class Category:
    """One category of content.

    Attributes:
        code: Two digits on the first level, four on the second.
        title: The Chinese name.
        parent_code: The first-level code of a second-level category, else empty.
        aliases: Other names, among them those of the offices that are in charge today.
        sealed: Matters of it belong in the sealed lane and never into analytics.
        valid_from: First day on which it is given; None if always.
        valid_to: Last day on which it is given; None if still.
    """

    code: str
    title: str
    parent_code: str = ""
    aliases: tuple[str, ...] = ()
    sealed: bool = False
    valid_from: date | None = None
    valid_to: date | None = None

    def valid_on(self, day: date) -> bool:
        """Tell whether the category may be given on this day."""
        starts, ends = self.valid_from or date.min, self.valid_to or date.max
        return starts <= day <= ends


class Taxonomy:
    """All categories, looked up by code. It never changes once loaded."""

    def __init__(
        self, categories: Mapping[str, Category], crosswalk: Mapping[str, Mapping[str, str]]
    ) -> None:
        self._categories = {code: categories[code] for code in sorted(categories)}
        self._crosswalk = crosswalk

    @classmethod
    def load(cls, extra: Path | None = None) -> Self:
        """Load the shipped taxonomy, and over it the user's own rows if there are any.

        Raises:
            TaxonomyTableError: The user's table has wrong lines; all of them are listed.
        """
        own = _read_own(extra) if extra else {}
        return cls(_shipped() | own, _shipped_crosswalk())

    def __contains__(self, code: object) -> bool:
        return code in self._categories

    def __len__(self) -> int:
        return len(self._categories)

    def __iter__(self) -> Iterator[str]:
        return iter(self._categories)

    def get(self, code: str) -> Category:
        """Return the category; UnknownCategory if there is none with this code."""
        try:
            return self._categories[code]
        except KeyError:
            raise UnknownCategory(code) from None

    def title(self, code: str) -> str:
        """Return the Chinese name of the category."""
        return self.get(code).title

    def first_level(self, day: date) -> tuple[Category, ...]:
        """Return the first-level categories that may be given on this day, by code."""
        return tuple(
            category
            for category in self._categories.values()
            if not category.parent_code and category.valid_on(day)
        )

    def children(self, code: str) -> tuple[Category, ...]:
        """Return the second-level categories of a first-level one, by code."""
        parent = self.get(code).code
        return tuple(item for item in self._categories.values() if item.parent_code == parent)

    def from_label(self, scheme: str, label: str) -> str | None:
        """Return the code that a label of another scheme stands for; None if it is not known."""
        return self._crosswalk.get(scheme, {}).get(label)


@cache
def _shipped() -> dict[str, Category]:
    rows = read_table(SHIPPED, (*_REQUIRED, *_OPTIONAL))
    return {row["code"]: _category(row) for _, row in rows}


@cache
def _shipped_crosswalk() -> dict[str, dict[str, str]]:
    schemes: dict[str, dict[str, str]] = {}
    for _, row in read_table(CROSSWALK, ("scheme", "label", "code")):
        schemes.setdefault(row["scheme"], {})[row["label"]] = row["code"]
    return schemes


def _read_own(path: Path) -> dict[str, Category]:
    try:
        rows = list(read_table(path, _REQUIRED, _OPTIONAL))
    except BadTableError as error:
        raise TaxonomyTableError(path, error.bad_lines) from error
    known = {row["code"] for _, row in rows} | set(_shipped())
    categories: dict[str, Category] = {}
    bad_lines: list[BadLine] = []
    for line, row in rows:
        code = row["code"]
        problem = _problem(row, known)
        if not problem and code in categories:
            problem = f"code {code} stands there already"
        if problem:
            bad_lines.append(BadLine(line, problem))
        else:
            categories[code] = _category(row)
    if bad_lines:
        raise TaxonomyTableError(path, bad_lines)
    return categories


def _category(row: Mapping[str, str]) -> Category:
    code = row["code"]
    aliases = (alias.strip() for alias in row["aliases"].split(_ALIAS_SEPARATOR))
    return Category(
        code=code,
        title=row["title"],
        parent_code=_parent_code_of(code),
        aliases=tuple(alias for alias in aliases if alias),
        sealed=row["sealed"] == "true" or code[:2] in _ALWAYS_SEALED,
        valid_from=read_day(row["valid_from"]),
        valid_to=read_day(row["valid_to"]),
    )


def _parent_code_of(code: str) -> str:
    return code[:2] if len(code) == 4 else ""


def _problem(row: Mapping[str, str], known: set[str]) -> str:
    """Return what is wrong with one line of a user's own table; empty if nothing is."""
    code = row["code"]
    if not CODE.fullmatch(code):
        return f"code {code!r} has not two or four digits"
    parent = _parent_code_of(code)
    if not row["title"]:
        return f"code {code} has no title"
    if parent and parent not in known:
        return f"parent {parent} of {code} is not in the taxonomy"
    if row["parent_code"] not in {"", parent}:
        return f"parent_code of {code} must be {parent or 'empty'}, not {row['parent_code']!r}"
    if row["sealed"] not in {"", "true", "false"}:
        return f"sealed of {code} must be true or false, not {row['sealed']!r}"
    return validity_problem(row)
