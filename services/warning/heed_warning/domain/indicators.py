"""What indicators (指标) are: definitions as versioned data, in the three families of the plan.

An indicator says something about the problems of a place and category, never about those who wrote.
How each is computed stands in `indicator_formulas`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum


class Family(IntEnum):
    """Family of indicators (指标类别); the numbers are the contract's."""

    POLICY_IMPACT = 1
    SERVICE_PRESSURE = 2
    DEVELOPMENT = 3


class Direction(IntEnum):
    """Which way is worse (方向); the numbers are the contract's."""

    HIGHER_IS_WORSE = 1
    LOWER_IS_WORSE = 2


class IndicatorOutcome(IntEnum):
    """What became of an indicator; the numbers are the contract's."""

    VALUE = 1
    BELOW_MINIMUM = 2
    NOT_COUNTED = 3
    SUPPRESSED = 4
    INSUFFICIENT_HISTORY = 5


FAMILY_TITLES = {
    Family.POLICY_IMPACT: "公共影响与政策关联度",
    Family.SERVICE_PRESSURE: "服务压力与未解决度",
    Family.DEVELOPMENT: "事态与办理动态",
}


@dataclass(frozen=True)
class IndicatorDefinition:
    """One version of an indicator."""

    code: str
    version: str
    title: str
    family: Family
    definition: str
    formula: str
    unit: str
    minimum_denominator: int
    direction: Direction
    window_days: int
    """Whole weeks."""
    limit_percentile: float
    """Share of the cell's own past values below the present one from which it counts as over."""
    valid_from: date
    valid_to: date | None
    citation: str

    def valid_on(self, day: date) -> bool:
        """Say whether this version holds on a day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


def valid_definitions(
    definitions: Sequence[IndicatorDefinition], day: date
) -> tuple[IndicatorDefinition, ...]:
    """Return the definitions that hold on a day, by code."""
    found = (definition for definition in definitions if definition.valid_on(day))
    return tuple(sorted(found, key=lambda definition: definition.code))


@dataclass(frozen=True)
class Reading:
    """One indicator of one cell as of a day, as it may be shown."""

    code: str
    title: str
    family: Family
    version: str
    outcome: IndicatorOutcome
    value: float = 0.0
    numerator: float = 0.0
    denominator: float = 0.0
    percentile: float = -1.0
    """Share of the cell's own past values below the value; negative where there are too few."""
    over: bool = False
