"""One evaluation of every cell: forecasts made before each window, judged, explained in words.

Cells are evaluated together, grouped by the policy that applies to them. The result holds arrays;
the words of a single cell are made only when someone will read them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from heed_warning.domain.day_kind import WorkingDay
from heed_warning.domain.evaluator import (
    Judgement,
    Outcome,
    Windows,
    judge,
    thresholds,
)
from heed_warning.domain.history import BASELINE_NAME, Forecaster
from heed_warning.domain.indicator_levels import IndicatorBoard
from heed_warning.domain.inhibition import explained_excess, explaining_children, parent_rows
from heed_warning.domain.life import Evaluation
from heed_warning.domain.panel import Floats, Ints, Panel
from heed_warning.domain.policy import DEFAULT_POLICY, Level, Policy, policy_for
from heed_warning.domain.skips import Skip
from heed_warning.domain.windows import latest_windows
from heed_warning.domain.wording import explained_reason, indicator_reason, reason

Ancestors = Callable[[str], Sequence[str]]


@dataclass(frozen=True)
class Group:
    """The cells of one policy with their windows."""

    policy: Policy
    rows: Ints
    windows: Windows


@dataclass(frozen=True)
class Board:
    """An evaluation of N cells on one day."""

    panel: Panel
    as_of: date
    groups: tuple[Group, ...]
    group_of: Ints
    place_in_group: Ints
    outcome: Ints
    level: Ints
    """Level reached by each cell's own count, (N,)."""
    net_level: Ints
    """Level still reached without what children explain, (N,)."""
    tail: Floats
    parents: Ints
    forecaster: str
    indicators: IndicatorBoard | None = None
    """What indicators of the same cells say beside their counts."""

    def indicator_level(self, row: int) -> Level:
        """Return the level that a cell's indicators propose."""
        return Level(int(self.indicators.level[row])) if self.indicators else Level.NONE

    def highest(self, row: int) -> Level:
        """Return the highest level that count or indicators of a cell reach."""
        return max(Level(int(self.level[row])), self.indicator_level(row))

    def policy(self, row: int) -> Policy:
        """Return the policy that applies to a cell."""
        return self._group(row).policy

    def _group(self, row: int) -> Group:
        return self.groups[int(self.group_of[row])]

    def lowest_threshold(self, row: int) -> float:
        """Return the count above which a cell reaches its lowest level."""
        group = self._group(row)
        place = np.array([self.place_in_group[row]])
        windows = group.windows.select(place, group.windows.observed[place])
        return float(thresholds(group.policy, group.policy.rules[0].level, windows)[0])

    def evaluation(self, row: int, title: Callable[[str], str]) -> Evaluation:
        """Return the evaluation of one cell with its reason in words."""
        group = self._group(row)
        place = np.array([self.place_in_group[row]])
        windows = group.windows.select(place, group.windows.observed[place])
        own, net = Level(int(self.level[row])), Level(int(self.net_level[row]))
        told = own > net == Level.NONE  # by the cells below it
        by_count, by_indicators = own if told else net, self.indicator_level(row)
        explained = told and by_indicators is Level.NONE
        level = max(net, by_indicators) if by_indicators else by_count
        lowest = self.lowest_threshold(row)
        reached = float(thresholds(group.policy, by_count, windows)[0]) if by_count else lowest
        outcome = Outcome(int(self.outcome[row]))
        words = reason(group.policy, outcome, by_count, windows, reached)
        if told:
            children = explaining_children(row, self.parents, self.level > Level.NONE)
            words += explained_reason([title(self.panel.cells[child].region) for child in children])
        speaking = self.indicators.speaking(row) if self.indicators else ()
        if by_indicators:
            outcome = Outcome.EXCEEDED
            words += indicator_reason(by_indicators, speaking)
        return Evaluation(
            cell=self.panel.cells[row],
            as_of=self.as_of,
            outcome=outcome,
            observed_count=round(float(windows.observed[0])),
            expected_count=float(windows.mean[0]),
            threshold_count=lowest,
            tail_probability=float(self.tail[row]),
            level=level,
            window_days=group.policy.window_days,
            reason=words,
            policy=group.policy.name,
            explained=explained,
            indicators=speaking,
        )


def evaluate(
    panel: Panel,
    as_of: date,
    *,
    policies: Sequence[Policy],
    model: Forecaster | None,
    working: WorkingDay,
    ancestors: Ancestors,
    skips: Sequence[Skip] = (),
    parents: Ints | None = None,
) -> Board:
    """Evaluate every cell of a panel on a closed day; days after it are never looked at.

    `parents` are the rows of the nearest cells above, for whoever has them already.
    """
    known = panel.until(as_of)
    count = len(known.cells)
    chosen = [policy_for(cell, policies) for cell in known.cells]
    distinct = list(dict.fromkeys(chosen)) or [DEFAULT_POLICY]
    group_of = np.array([distinct.index(policy) for policy in chosen], dtype=np.int64)
    foreseen = latest_windows(known, distinct, model, working, skips)
    groups = []
    outcome, level, place = np.zeros((3, count), dtype=np.int64)
    excess, tail = np.zeros(count), np.ones(count)
    for number, policy in enumerate(distinct):
        rows = np.flatnonzero(group_of == number)
        windows = foreseen[number].select(rows, foreseen[number].observed[rows])
        judged = judge(policy, windows)
        groups.append(Group(policy, rows, windows))
        place[rows] = np.arange(len(rows))
        outcome[rows], level[rows], tail[rows] = judged.outcome, judged.level, judged.tail
        excess[rows] = windows.observed - windows.mean
    parents = parent_rows(known.cells, ancestors) if parents is None else parents
    explained = explained_excess(known.levels, parents, excess, level > Level.NONE)
    net_level = _net_levels(groups, explained, level)
    return Board(
        known, as_of, tuple(groups), group_of, place, outcome, level, net_level, tail, parents,
        model.name if model else BASELINE_NAME,
    )  # fmt: skip


def _net_levels(groups: Sequence[Group], explained: Floats, level: Ints) -> Ints:
    """Judge again the cells whose children explain a part of their count."""
    net = level.copy()
    for group in groups:
        places = np.flatnonzero((explained[group.rows] > 0) & (level[group.rows] > Level.NONE))
        if len(places):
            rows = group.rows[places]
            rest = np.maximum(group.windows.observed[places] - explained[rows], 0.0)
            judged: Judgement = judge(group.policy, group.windows.select(places, rest))
            net[rows] = judged.level
    return net
