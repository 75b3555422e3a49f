"""Threshold policies: when the count of a cell is too much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

from heed_warning.domain.panel import Cell


class Level(IntEnum):
    """Warning level (预警级别); the numbers are the contract's."""

    NONE = 0
    BLUE = 1
    YELLOW = 2
    ORANGE = 3
    RED = 4


class Strategy(IntEnum):
    """How the threshold is found; the numbers are the contract's."""

    FIXED = 1
    HISTORICAL_QUANTILE = 2
    FORECAST_EXCEEDANCE = 3
    CUMULATIVE = 4


COUNT_FACTORS = {Level.BLUE: 1, Level.YELLOW: 1, Level.ORANGE: 2, Level.RED: 4}
"""How often the policy's smallest count each level needs: a rare handful is never orange."""

DEFAULT_POLICY_ID = "default"
LARGEST_SUM = 40.0
"""Sum of standardised excesses that thirteen windows can reach at all, rounded down."""


@dataclass(frozen=True)
class LevelRule:
    """When one level is reached: by a count, a probability, or a sum of standardised excesses."""

    level: Level
    limit: float


@dataclass(frozen=True)
class Policy:
    """A threshold policy."""

    policy_id: str
    region_prefix: str
    category: str
    strategy: Strategy
    window_days: int
    rules: tuple[LevelRule, ...]
    min_count: int
    pending_evaluations: int
    clear_evaluations: int
    version: int = 1

    @property
    def name(self) -> str:
        """Resource name."""
        return f"thresholdPolicies/{self.policy_id}"

    def covers(self, cell: Cell) -> bool:
        """Say whether the policy applies to a cell, were there no more specific one."""
        return cell.region.startswith(self.region_prefix) and self.category in {"", cell.category}

    def count_needed(self, level: Level) -> int:
        """Return the fewest items in the window with which a level can be reached."""
        if self.strategy is Strategy.FIXED:
            return self.min_count
        return self.min_count * COUNT_FACTORS[level]


DEFAULT_POLICY = Policy(
    policy_id=DEFAULT_POLICY_ID,
    region_prefix="",
    category="",
    strategy=Strategy.FORECAST_EXCEEDANCE,
    window_days=7,
    rules=(
        LevelRule(Level.BLUE, 0.99),
        LevelRule(Level.YELLOW, 0.999),
        LevelRule(Level.ORANGE, 0.9999),
        LevelRule(Level.RED, 0.999999),
    ),
    min_count=5,
    pending_evaluations=2,
    clear_evaluations=5,
)
"""The built-in policy. Measured on stationary simulated counts; see the calibration test."""


def problem_with(policy: Policy) -> str:
    """Return what is wrong with the levels of a policy, empty when nothing is."""
    levels = [rule.level for rule in policy.rules]
    if levels != sorted(set(levels)):
        return "levels must be different and ascend from blue to red"
    limits = [rule.limit for rule in policy.rules]
    if any(later <= earlier for earlier, later in pairwise(limits)):
        return "a higher level needs a higher limit"
    if policy.strategy is Strategy.FIXED:
        return (
            "" if all(limit >= 1 for limit in limits) else "a fixed limit is a count of at least 1"
        )
    if policy.strategy is Strategy.CUMULATIVE:
        fits = all(limit <= LARGEST_SUM for limit in limits)
        return "" if fits else f"a sum of standardised excesses is at most {LARGEST_SUM:.0f}"
    return "" if all(limit < 1 for limit in limits) else "a limit of this strategy is a probability"


def policy_for(cell: Cell, policies: Sequence[Policy]) -> Policy:
    """Return the most specific policy: the longest region prefix, then the exact category.

    Of two equally specific ones the later in `policies` wins; without any, the built-in default.
    """
    best = DEFAULT_POLICY
    for policy in policies:
        if policy.covers(cell) and _specificity(policy) >= _specificity(best):
            best = policy
    return best


def _specificity(policy: Policy) -> tuple[int, bool]:
    return len(policy.region_prefix.rstrip("0") or policy.region_prefix), policy.category != ""
