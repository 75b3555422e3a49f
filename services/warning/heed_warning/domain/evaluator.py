"""Holds observed windows against a policy and says which level they reach, and why.

A cell exceeds a level when the probability of a count as high as observed, had nothing changed, is
at most 1 minus the level's limit: the share of the predicted distribution beyond the count, never
its mean held against a factor. A history that is too short is an outcome of its own and never a
comparison with NaN. Nothing here knows of warnings that exist already.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from heed_warning.domain import negative_binomial as nb
from heed_warning.domain.panel import Floats, Ints
from heed_warning.domain.policy import Level, LevelRule, Policy, Strategy

DAYS_REQUIRED = 28
"""Days of history before the window that any comparison with the past needs."""
PAST_WINDOWS_REQUIRED = 28


class Outcome(IntEnum):
    """What an evaluation found; the numbers are the contract's."""

    NORMAL = 1
    EXCEEDED = 2
    INSUFFICIENT_HISTORY = 3
    BELOW_MIN_COUNT = 4


@dataclass(frozen=True)
class Windows:
    """The windows of N cells that end on the day of evaluation, and what was foreseen for them."""

    observed: Floats
    """Items in the window, (N,)."""
    mean: Floats
    """Items foreseen before the window began, (N,)."""
    dispersion: Floats
    """Dispersion of the foreseen distribution, (N,)."""
    history_days: Ints
    """Days of history before the window began, (N,)."""
    past: Floats
    """Sums of all earlier windows, past outbreaks cut down, (N, P)."""

    def select(self, rows: NDArray[np.int64], observed: Floats) -> Windows:
        """Return some of the cells with other observed counts."""
        return Windows(
            observed, self.mean[rows], self.dispersion[rows], self.history_days[rows],
            self.past[rows],
        )  # fmt: skip


@dataclass(frozen=True)
class Judgement:
    """What came of N windows; arrays are (N,)."""

    outcome: Ints
    level: Ints
    tail: Floats
    """Probability of a count as high as observed if nothing were wrong; 1 where not judged."""


def judge(policy: Policy, windows: Windows) -> Judgement:
    """Hold windows against a policy."""
    count = len(windows.observed)
    known = windows.history_days >= DAYS_REQUIRED
    tail = np.where(known, nb.upper_tail(windows.observed, windows.mean, windows.dispersion), 1.0)
    level = np.zeros(count, dtype=np.int64)
    for rule in policy.rules:  # ascending, so the highest level reached stays
        reached = _reached(policy, rule, windows, tail)
        reached &= windows.observed >= policy.count_needed(rule.level)
        level[reached] = rule.level
    outcome = np.full(count, Outcome.NORMAL, dtype=np.int64)
    outcome[windows.observed < policy.min_count] = Outcome.BELOW_MIN_COUNT
    if policy.strategy is not Strategy.FIXED:
        outcome[~known] = Outcome.INSUFFICIENT_HISTORY
    outcome[level > Level.NONE] = Outcome.EXCEEDED
    return Judgement(outcome, level, tail)


def _reached(policy: Policy, rule: LevelRule, windows: Windows, tail: Floats) -> NDArray[np.bool_]:
    if policy.strategy is Strategy.FIXED:
        return np.asarray(windows.observed >= rule.limit)
    known = windows.history_days >= DAYS_REQUIRED
    if policy.strategy is Strategy.FORECAST_EXCEEDANCE:
        return np.asarray(known & (tail <= _allowed(rule)))
    return np.asarray(known & (windows.observed > _past_quantile(rule.limit, windows.past)))


def _allowed(rule: LevelRule) -> float:
    """Return 1 - limit; the small margin takes back what the subtraction rounds off."""
    return (1.0 - rule.limit) * (1.0 + 1e-9)


def _past_quantile(probability: float, past: Floats) -> Floats:
    """Return a quantile of past windows; infinite where they are too few to tell it."""
    windows = past.shape[1]
    if windows < max(PAST_WINDOWS_REQUIRED, 1.0 / (1.0 - probability) * (1.0 - 1e-9)):
        return np.full(past.shape[0], np.inf)
    return np.asarray(np.quantile(past, probability, axis=1, method="higher"))


def thresholds(policy: Policy, level: Level, windows: Windows) -> Floats:
    """Return the count that must be exceeded (FIXED: reached) for a level, per window, (N,)."""
    rule = next((rule for rule in policy.rules if rule.level == level), policy.rules[0])
    if policy.strategy is Strategy.FIXED:
        limit = np.full(len(windows.observed), rule.limit)
    elif policy.strategy is Strategy.FORECAST_EXCEEDANCE:
        limit = nb.quantile(rule.limit, windows.mean, windows.dispersion)
    else:
        limit = _past_quantile(rule.limit, windows.past)
        limit = np.where(np.isfinite(limit), limit, windows.past.max(axis=1, initial=0.0))
    return np.asarray(np.maximum(limit, policy.count_needed(rule.level) - 1.0))
