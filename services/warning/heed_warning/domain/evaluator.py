"""Holds observed windows against a policy and says which level they reach, and why.

Each strategy puts a cell at a position on a scale of its own, and a level is reached from a mark on
it. By forecast, the position is how improbable a count as high as observed is if nothing changed:
the share of the predicted distribution beyond the count, never its mean held against a factor. A
history that is too short is an outcome of its own and never a comparison with NaN. Nothing here
knows of warnings that exist already.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from scipy import special

from heed_warning.domain import negative_binomial as nb
from heed_warning.domain.panel import Floats, Ints
from heed_warning.domain.policy import Level, Policy, Strategy

DAYS_REQUIRED = 28
"""Days of history before the window that any comparison with the past needs."""
PAST_WINDOWS_REQUIRED = 28
ORDINARY_EXCESS = 0.5
"""Standardised excess of a window that adds nothing to the cumulative sum: half of the shift of one
deviation that is to be found (Page 1954; Montgomery, Introduction to Statistical Quality Control).
"""
LARGEST_EXCESS = 4.0
"""Standardised excess that a window adds at most: one wild count is not to last for weeks."""


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
    carried: Floats | None = None
    """Standardised excesses summed up over earlier windows, (N,); none where none is carried."""

    def select(self, rows: NDArray[np.int64], observed: Floats) -> Windows:
        """Return some of the cells with other observed counts."""
        return Windows(
            observed, self.mean[rows], self.dispersion[rows], self.history_days[rows],
            self.past[rows], None if self.carried is None else self.carried[rows],
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
    at = position(policy, windows, tail)
    level = np.zeros(count, dtype=np.int64)
    for rule in policy.rules:  # ascending, so the highest level reached stays
        reached = (at >= mark(policy, rule.limit)) & (
            windows.observed >= policy.count_needed(rule.level)
        )
        level[reached] = rule.level
    outcome = np.full(count, Outcome.NORMAL, dtype=np.int64)
    outcome[windows.observed < policy.min_count] = Outcome.BELOW_MIN_COUNT
    if policy.strategy is not Strategy.FIXED:
        outcome[~known] = Outcome.INSUFFICIENT_HISTORY
    outcome[level > Level.NONE] = Outcome.EXCEEDED
    return Judgement(outcome, level, tail)


def position(policy: Policy, windows: Windows, tail: Floats) -> Floats:
    """Return where each window stands on the policy's scale, (N,); -inf where nobody can say."""
    if policy.strategy is Strategy.FIXED:
        return windows.observed
    if policy.strategy is Strategy.FORECAST_EXCEEDANCE:
        at = -np.log(np.maximum(tail, 1e-300))
    elif policy.strategy is Strategy.HISTORICAL_QUANTILE:
        at = past_rank(windows.observed, windows.past)
    else:
        excess = standardised_excess(windows.observed, windows.mean, windows.dispersion)
        at = added_up(windows.carried, excess)
    return np.where(windows.history_days >= DAYS_REQUIRED, at, -np.inf)


def mark(policy: Policy, limit: float) -> float:
    """Return the position from which a limit is reached."""
    if policy.strategy is Strategy.FORECAST_EXCEEDANCE:
        return float(-np.log1p(-limit)) - 1e-9  # takes back what the subtraction rounds off
    return limit


def past_rank(observed: Floats, past: Floats) -> Floats:
    """Return the quantile of past windows that a count exceeds, (N,).

    It never exceeds what so many windows can tell: of 99 the .99 quantile is unknown, so no count
    is above it. Of fewer than PAST_WINDOWS_REQUIRED nothing is told.
    """
    windows = past.shape[1]
    if windows < PAST_WINDOWS_REQUIRED:
        return np.full(len(observed), -np.inf)
    below = (past < observed[:, None]).sum(axis=1)
    return np.asarray(np.minimum((below - 1.0) / (windows - 1.0), 1.0 - (1.0 - 1e-9) / windows))


def standardised_excess(observed: Floats, mean: Floats, dispersion: Floats) -> Floats:
    """Return counts as deviations of the normal law that has the same tail, (N,).

    The tail is taken through the middle of the observed count, so that small counts are centred.
    """
    above = nb.upper_tail(observed + 1.0, mean, dispersion)
    middle = (above + nb.upper_tail(observed, mean, dispersion)) / 2.0
    return np.asarray(np.clip(-special.ndtri(middle), -LARGEST_EXCESS, LARGEST_EXCESS))


def added_up(carried: Floats | None, excess: Floats) -> Floats:
    """Return the cumulative sum one window on: never below zero, (N,)."""
    before = np.zeros_like(excess) if carried is None else carried
    return np.maximum(before + excess - ORDINARY_EXCESS, 0.0)


def thresholds(policy: Policy, level: Level, windows: Windows) -> Floats:
    """Return the count that must be exceeded (FIXED: reached) for a level, per window, (N,)."""
    rule = next((rule for rule in policy.rules if rule.level == level), policy.rules[0])
    if policy.strategy is Strategy.FIXED:
        limit = np.full(len(windows.observed), rule.limit)
    elif policy.strategy is Strategy.FORECAST_EXCEEDANCE:
        limit = nb.quantile(rule.limit, windows.mean, windows.dispersion)
    elif policy.strategy is Strategy.HISTORICAL_QUANTILE:
        limit = _past_quantile(rule.limit, windows.past)
    else:
        limit = _cumulative_limit(rule.limit, windows)
    return np.asarray(np.maximum(limit, policy.count_needed(rule.level) - 1.0))


def _past_quantile(probability: float, past: Floats) -> Floats:
    """Return a quantile of past windows; their largest where they are too few to tell it."""
    if past.shape[1] < max(PAST_WINDOWS_REQUIRED, 1.0 / (1.0 - probability) * (1.0 - 1e-9)):
        return np.asarray(past.max(axis=1, initial=0.0))
    return np.asarray(np.quantile(past, probability, axis=1, method="higher"))


def _cumulative_limit(limit: float, windows: Windows) -> Floats:
    """Return the largest count with which the sum stays below its limit, (N,)."""
    carried = np.zeros_like(windows.mean) if windows.carried is None else windows.carried
    left = np.minimum(limit - carried + ORDINARY_EXCESS, LARGEST_EXCESS)
    share = np.clip(special.ndtr(left), 1e-9, 1.0 - 1e-9)
    count = nb.quantile(share, windows.mean, windows.dispersion)
    # The tail goes through the middle of a count, so the count at the quantile may reach already.
    reached = standardised_excess(count, windows.mean, windows.dispersion) >= left
    return np.asarray(np.maximum(count - reached, 0.0))
