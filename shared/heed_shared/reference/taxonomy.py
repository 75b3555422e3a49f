"""The content taxonomy (内容分类): two levels of categories, by code, with validity and aliases.

A first-level code has two digits and a second-level one four, of which the first two are its
parent's. A category is never renamed in place: a change gets a new row and dates of validity, so
that old matters keep their labels.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
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
# In a crosswalk, the name of the shipped taxonomy: its codes are the labels.
SHIPPED_SCHEME = "heed"
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


@dataclass(frozen=True, slots=True)
class CrosswalkRow:
    """That a label of another scheme stands for a category, and from when to when."""

    scheme: str
    label: str
    code: str
    valid_from: date | None = None
    valid_to: date | None = None

    def valid_on(self, day: date | None) -> bool:
        """Tell whether it holds on this day; on no day in particular it does."""
        if day is None:
            return True
        return (self.valid_from or date.min) <= day <= (self.valid_to or date.max)


class Taxonomy:
    """All categories, looked up by code. It never changes once loaded."""

    def __init__(
        self, categories: Mapping[str, Category], crosswalk: Sequence[CrosswalkRow]
    ) -> None:
        self._categories = {code: categories[code] for code in sorted(categories)}
        self._crosswalk = tuple(crosswalk)

    @classmethod
    def load(cls, extra: Path | None = None, crosswalk: Path | None = None) -> Self:
        """Load the shipped taxonomy, and over it the user's own rows if there are any.

        A crosswalk of the user's own comes before the shipped one.

        Raises:
            TaxonomyTableError: A table of the user's has wrong lines; all of them are listed.
        """
        categories = _over_shipped(_read_own(extra)) if extra else _shipped()
        own = _read_crosswalk(crosswalk, categories) if crosswalk else ()
        return cls(categories, (*own, *_read_crosswalk(CROSSWALK, categories)))

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

    def from_label(self, scheme: str, label: str, day: date | None = None) -> str | None:
        """Return the code that a label of another scheme stands for; None if it is not known.

        A label may cover several codes; the first row of the crosswalk names the one to give.
        """
        rows = (row for row in self._crosswalk if row.valid_on(day))
        return next((r.code for r in rows if (r.scheme, r.label) == (scheme, label)), None)

    def label_of(self, scheme: str, code: str, day: date | None = None) -> str | None:
        """Return the label that another scheme gives a category; its parent's if it has none."""
        for wanted in (code, code[:2]):
            for row in self._crosswalk:
                if (row.scheme, row.code) == (scheme, wanted) and row.valid_on(day):
                    return row.label
        return None

    def moved(self) -> dict[str, str]:
        """Return which categories of the shipped taxonomy are which of the user's own."""
        return {r.label: r.code for r in reversed(self._crosswalk) if r.scheme == SHIPPED_SCHEME}

    def keeps_meaning(self, code: str) -> bool:
        """Tell whether a code means what it means in the shipped taxonomy.

        A row of the user's with a shipped code means something else unless the shipped name is its
        title or one of its aliases.
        """
        return code in self and _is_shipped(self._categories[code])


@cache
def _shipped() -> dict[str, Category]:
    rows = read_table(SHIPPED, (*_REQUIRED, *_OPTIONAL))
    return {row["code"]: _category(row) for _, row in rows}


def _is_shipped(item: Category) -> bool:
    shipped = _shipped().get(item.code)
    return shipped is not None and shipped.title in (item.title, *item.aliases)


def _over_shipped(own: Mapping[str, Category]) -> dict[str, Category]:
    """Return the shipped categories with the user's own over them.

    What stood below a code that means something else now is gone, unless it is the user's, too.
    """
    other = {code for code, item in own.items() if not _is_shipped(item)}
    kept = {code: item for code, item in _shipped().items() if item.parent_code not in other}
    return kept | dict(own)


def _read_crosswalk(path: Path, categories: Mapping[str, Category]) -> list[CrosswalkRow]:
    columns = ("scheme", "label", "code")
    try:
        rows = list(read_table(path, columns, ("valid_from", "valid_to")))
    except BadTableError as error:
        raise TaxonomyTableError(path, error.bad_lines) from error
    bad_lines = [BadLine(line, bad) for line, row in rows if (bad := _misled(row, categories))]
    if bad_lines:
        raise TaxonomyTableError(path, bad_lines)
    return [
        CrosswalkRow(
            row["scheme"],
            row["label"],
            row["code"],
            read_day(row["valid_from"]),
            read_day(row["valid_to"]),
        )
        for _, row in rows
    ]


def _misled(row: Mapping[str, str], categories: Mapping[str, Category]) -> str:
    """Return what is wrong with one line of a crosswalk; empty if nothing is."""
    empty = [column for column in ("scheme", "label", "code") if not row[column]]
    if empty:
        return f"{empty[0]} is empty"
    if row["code"] not in categories:
        return f"code {row['code']} is not in the taxonomy"
    return validity_problem(row)


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
