"""Replays history under a policy: where each cell stood on each day, and when warnings fired.

What an evaluation would have said on a day rests on days up to it, as everywhere; so one pass over
the past answers for all days. The life of warnings is that of `life` in its two rules that matter
here: so many evaluations in a row until one fires, so many clear ones until it ends. Inhibition
between regions, silences and people's decisions are not replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from heed_warning.domain import negative_binomial as nb
from heed_warning.domain.day_kind import WorkingDay
from heed_warning.domain.evaluator import DAYS_REQUIRED, mark, position
from heed_warning.domain.panel import Booleans, Floats, Panel
from heed_warning.domain.policy import Level, Policy
from heed_warning.domain.skips import Skip
from heed_warning.domain.windows import past_of, windows_on

Advance = Callable[[float], None]
"""Told the share of the work that is done; raises to stop it."""


@dataclass(frozen=True)
class Standing:
    """Where N cells stood on each of D days, (N, D) each."""

    at: Floats
    """Position on the policy's scale; -inf where nobody could say."""
    observed: Floats
    """Items in the window."""
    known: Booleans
    """Whether there was history enough."""


def standing_on(
    panel: Panel,
    policy: Policy,
    days: Sequence[int],
    working: WorkingDay,
    *,
    skips: Sequence[Skip] = (),
    advance: Advance = lambda _: None,
) -> Standing:
    """Return where each cell stood on day numbers of a panel, which lie in a row.

    Days on which the windows' beginning was too early to foresee anything are told as unknown.
    """
    shape = (len(panel.cells), len(days))
    at, observed = np.full(shape, -np.inf), np.zeros(shape)
    known = np.zeros(shape, dtype=np.bool_)
    able = [day for day in days if day - policy.window_days + 1 >= DAYS_REQUIRED]
    if not able or not panel.cells:
        return Standing(at, observed, known)
    past = past_of(panel, [policy], working, skips, days=able)
    offset = panel.day_count - past.panel.day_count
    for number, day in enumerate(able):
        windows = windows_on(past, policy, day - offset)
        tail = nb.upper_tail(windows.observed, windows.mean, windows.dispersion)
        place = day - days[0]
        at[:, place] = position(policy, windows, tail)
        observed[:, place] = windows.observed
        known[:, place] = windows.history_days >= DAYS_REQUIRED
        advance((number + 1) / len(able))
    return Standing(at, observed, known)


def levels_reached(policy: Policy, standing: Standing) -> Floats:
    """Return the highest level that each cell reached on each day, (N, D)."""
    levels = np.full(standing.at.shape, float(Level.NONE))
    for rule in policy.rules:
        enough = standing.observed >= policy.count_needed(rule.level)
        levels[(standing.at >= mark(policy, rule.limit)) & enough] = rule.level
    return levels


def exceeding(policy: Policy, standing: Standing, limit: float, level: Level) -> Booleans:
    """Say where a limit for a level was reached, (N, D)."""
    enough = standing.observed >= policy.count_needed(level)
    return np.asarray((standing.at >= mark(policy, limit)) & enough)


def firing(exceeds: Booleans, policy: Policy) -> Booleans:
    """Say on which days a warning of each cell was firing, (N, D)."""
    cells, days = exceeds.shape
    by_day = np.ascontiguousarray(exceeds.T)
    fires = np.zeros((days, cells), dtype=np.bool_)
    streak, clear = np.zeros((2, cells), dtype=np.int64)
    on = np.zeros(cells, dtype=np.bool_)
    for day, over in enumerate(by_day):
        streak = np.where(over, streak + 1, 0)
        clear = np.where(over, 0, clear + 1)
        on = (on & (clear < policy.clear_evaluations)) | (streak >= policy.pending_evaluations)
        fires[day] = on
    return np.ascontiguousarray(fires.T)


def begun(fires: Booleans) -> Booleans:
    """Say on which days a warning began to fire, (N, D)."""
    before = np.concatenate([np.zeros_like(fires[:, :1]), fires[:, :-1]], axis=1)
    return np.asarray(fires & ~before)
