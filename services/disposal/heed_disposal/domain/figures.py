"""Performance figures (绩效指标): definitions as data, and figures from their parts.

A figure is never given without its numerator, denominator, what was left out, and its formula with
a version. It speaks of units and offices. Small numbers of ratings are not told: a unit that could
guess who rated would know what it may not know.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class FigureFileError(Exception):
    """The file of figures cannot be used; the text names the entry."""


@dataclass(frozen=True)
class FigureDefinition:
    """What one figure means."""

    code: str
    version: str
    title: str
    unit: str
    """"%" for a share, otherwise the unit of a mean."""
    minimum: int
    """Smallest denominator for which it is defined; of ratings the k-rule's five."""
    formula: str
    exclusion: str


@dataclass(frozen=True)
class Parts:
    """What the database counts for one figure."""

    numerator: float = 0
    denominator: float = 0
    excluded: int = 0

    def __add__(self, other: "Parts") -> "Parts":
        """Return both together."""
        return Parts(
            self.numerator + other.numerator,
            self.denominator + other.denominator,
            self.excluded + other.excluded,
        )


@dataclass(frozen=True)
class Figure:
    """One figure with what it was made of."""

    definition: FigureDefinition
    numerator: float
    denominator: float
    value: float
    defined: bool
    exclusion: str


def figure(definition: FigureDefinition, parts: Parts) -> Figure:
    """Return the figure; below the minimum it has no value, and a hidden numerator."""
    defined = parts.denominator >= definition.minimum
    hidden = not defined and definition.minimum > 1
    value = parts.numerator / parts.denominator if defined else 0.0
    return Figure(
        definition=definition,
        numerator=0 if hidden else parts.numerator,
        denominator=0 if hidden else parts.denominator,
        value=value * 100 if definition.unit == "%" else value,
        defined=defined,
        exclusion=(
            f"少于{definition.minimum}件,不显示"
            if hidden
            else definition.exclusion.format(excluded=parts.excluded)
        ),
    )


def read_figures(document: Mapping[str, Any]) -> tuple[FigureDefinition, ...]:
    """Return the definitions of the data file.

    Raises:
        FigureFileError: an entry lacks a field, has an unknown one, or a code is doubled.
    """
    found: dict[str, FigureDefinition] = {}
    for entry in document.get("figure", ()):
        try:
            definition = FigureDefinition(**entry)
        except TypeError as error:
            raise FigureFileError(f"figure {entry.get('code', '?')}: {error}") from error
        if definition.code in found:
            raise FigureFileError(f"figure {definition.code}: is doubled")
        found[definition.code] = definition
    return tuple(found.values())
