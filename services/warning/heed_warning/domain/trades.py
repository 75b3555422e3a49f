"""Which threshold to choose: false warnings against missed surges, at each limit, and the choice.

The curve comes from the cells' own history. It is made monotone: a looser limit never counts fewer
warnings (two that run into one are still two occasions for someone to look) nor finds fewer surges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from heed_warning.domain.backtest import Judged, false_warnings, found_on, judged
from heed_warning.domain.day_kind import WorkingDay
from heed_warning.domain.panel import Floats, Panel
from heed_warning.domain.policy import (
    DEFAULT_POLICY,
    LARGEST_SUM,
    Level,
    LevelRule,
    Policy,
    Strategy,
)
from heed_warning.domain.replay import Advance, Standing, begun, exceeding, firing, standing_on
from heed_warning.domain.skips import Skip
from heed_warning.domain.surges import Surges, add_surges

MONTH_DAYS = 365.25 / 12
SURGES_PER_CELL_YEAR = 1.0
"""How often a real surge is thought to come, where a cost ratio has to weigh missed ones."""
SHARES = {Level.YELLOW: 0.2, Level.ORANGE: 0.04, Level.RED: 0.004}
"""Warnings that may reach each higher level, as a share of those that reach blue."""
DEFAULT_SEED = 1


@dataclass(frozen=True)
class Aim:
    """What is wanted: an alert budget, or a cost ratio; the other is 0."""

    warnings_per_county_month: float = 0.0
    missed_to_false_cost: float = 0.0


@dataclass(frozen=True)
class Trade:
    """What one limit costs and catches."""

    limit: float
    warnings_per_county_month: float
    false_warnings_per_county_month: float
    missed_share: float
    mean_delay_days: float
    cost: float
    chosen: bool = False


@dataclass(frozen=True)
class Recommendation:
    """A policy with thresholds for all levels, and what each choice would have meant."""

    policy: Policy
    trades: tuple[Trade, ...]
    """Loosest first."""
    cell_count: int
    insufficient_history_count: int


def recommend(
    panel: Panel,
    policy: Policy,
    first: int,
    aim: Aim,
    working: WorkingDay,
    *,
    seed: int = DEFAULT_SEED,
    skips: Sequence[Skip] = (),
    advance: Advance = lambda _: None,
) -> Recommendation:
    """Recommend thresholds of a strategy for a panel of counties, from day number `first` on.

    Only the strategy, the window and the waiting times of `policy` count. Where no cell has history
    enough, there are no trades.
    """
    days = range(first, panel.day_count)
    added, surges = add_surges(panel.counts, panel.started, first, panel.day_count - 1, seed)
    was = standing_on(
        panel, policy, days, working, skips=skips, advance=lambda share: advance(share * 0.4)
    )
    surged = standing_on(
        replace(panel, counts=added), policy, days, working, skips=skips,
        advance=lambda share: advance(0.4 + share * 0.4),
    )  # fmt: skip
    able = was.known.any(axis=1)
    short = int((~able).sum())
    if not able.any():
        return Recommendation(policy, (), len(panel.cells), short)
    regions = len({panel.cells[row].region for row in np.flatnonzero(able)})
    months = regions * len(days) / MONTH_DAYS
    known = judged(skips, panel)
    limits = _limits(policy, was)
    table = np.array(
        [_measured(policy, limit, was, surged, surges, known, first, months) for limit in limits]
    )
    trades = _trades(limits, table, aim, int(able.sum()) / regions)
    blue = next(number for number, trade in enumerate(trades) if trade.chosen)
    higher = _higher(policy, limits, blue, was)
    rules = (LevelRule(Level.BLUE, limits[blue]), *higher)
    return Recommendation(replace(policy, rules=rules), tuple(trades), len(panel.cells), short)


def _limits(policy: Policy, standing: Standing) -> list[float]:
    """Return limits to try, loosest first."""
    if policy.strategy is Strategy.FORECAST_EXCEEDANCE:
        return [round(1.0 - 10.0**-power, 12) for power in np.arange(0.75, 7.01, 0.25).tolist()]
    if policy.strategy is Strategy.HISTORICAL_QUANTILE:
        most = float(standing.at[np.isfinite(standing.at)].max(initial=0.9))
        known = [0.9, 0.925, 0.95, 0.96, 0.97, 0.975, 0.98, 0.985, 0.99, 0.9925, 0.995, 0.9965]
        return [limit for limit in [*known, 0.9975, 0.9985] if limit <= most] or [0.9]
    if policy.strategy is Strategy.CUMULATIVE:
        return [float(limit) for limit in np.round(np.geomspace(1.0, LARGEST_SUM, 26), 2)]
    counts = np.unique(standing.observed[standing.observed >= policy.min_count])
    wanted = np.quantile(counts, np.linspace(0, 1, 30), method="nearest") if len(counts) else [1.0]
    return sorted({float(max(count, 1.0)) for count in wanted} | {float(counts.max(initial=1) + 1)})


def _measured(
    policy: Policy,
    limit: float,
    was: Standing,
    surged: Standing,
    surges: Surges,
    known: Judged,
    first: int,
    months: float,
) -> tuple[float, float, float, float]:
    """Return warnings and false ones a county and month, missed share, mean delay."""
    fires = firing(exceeding(policy, was, limit, Level.BLUE), policy)
    false = false_warnings(fires, known.real[:, first:])
    found = [
        found_on(firing(exceeding(policy, surged, limit, Level.BLUE), policy), surges, first,
                 policy.window_days) - surges.start,
        found_on(fires, known.confirmed, first, policy.window_days) - known.confirmed.start,
    ]  # fmt: skip
    delays: Floats = np.concatenate(found)
    missed = float(np.isnan(delays).mean()) if len(delays) else 1.0
    seen = delays[~np.isnan(delays)]
    delay = float(seen.mean()) if len(seen) else 0.0
    return begun(fires).sum() / months, false.sum() / months, missed, delay


def _trades(
    limits: Sequence[float], table: Floats, aim: Aim, cells_per_county: float
) -> list[Trade]:
    # From the strictest on, a looser limit has at least as many warnings and misses no more.
    warnings = np.maximum.accumulate(table[::-1, 0])[::-1]
    false = np.maximum.accumulate(table[::-1, 1])[::-1]
    missed = np.maximum.accumulate(table[:, 2])
    surges = SURGES_PER_CELL_YEAR * cells_per_county / 12.0
    cost = false + aim.missed_to_false_cost * missed * surges
    if aim.missed_to_false_cost:
        chosen = len(cost) - 1 - int(np.argmin(cost[::-1]))  # of equal ones the strictest
    else:
        within = np.flatnonzero(warnings <= aim.warnings_per_county_month)
        chosen = int(within[0]) if len(within) else len(warnings) - 1
    return [
        Trade(
            limit=limits[number],
            warnings_per_county_month=float(warnings[number]),
            false_warnings_per_county_month=float(false[number]),
            missed_share=float(missed[number]),
            mean_delay_days=float(table[number, 3]),
            cost=float(cost[number]) if aim.missed_to_false_cost else 0.0,
            chosen=number == chosen,
        )
        for number in range(len(limits))
    ]


def _higher(policy: Policy, limits: Sequence[float], blue: int, was: Standing) -> list[LevelRule]:
    """Return the rules above blue: of the warnings there were, ever smaller shares reach them."""

    def warned(limit: float, level: Level) -> int:
        return int(begun(firing(exceeding(policy, was, limit, level), policy)).sum())

    base, last, rules = warned(limits[blue], Level.BLUE), limits[blue], []
    for level, share in SHARES.items():
        above = [limit for limit in limits if limit > last]
        fitting = [limit for limit in above if warned(limit, level) <= share * base]
        # Below one warning in all the history there is nothing to tell limits apart by.
        last = max(fitting[0] if fitting else 0.0, _stricter(policy, last))
        if _possible(policy, last):
            rules.append(LevelRule(level, round(last, 12)))
    return rules


def _stricter(policy: Policy, limit: float) -> float:
    """Return the least limit that a level above one needs: a tenth of the tail, or half more."""
    if policy.strategy in {Strategy.FIXED, Strategy.CUMULATIVE}:
        return float(np.ceil(1.5 * limit))
    return 1.0 - (1.0 - limit) / 10.0


def _possible(policy: Policy, limit: float) -> bool:
    if policy.strategy is Strategy.CUMULATIVE:
        return limit <= LARGEST_SUM
    return policy.strategy is Strategy.FIXED or limit < 1.0


def policy_to_tune(
    strategy: Strategy, window_days: int, region_prefix: str, category: str
) -> Policy:
    """Return the policy whose thresholds are to be found: the built-in one's waiting times."""
    return replace(
        DEFAULT_POLICY,
        policy_id="",
        region_prefix=region_prefix,
        category=category,
        strategy=strategy,
        window_days=window_days,
    )


METHOD = (
    "回放本单元自身历史:按每个限值逐日评估,连续达到规定次数即为一次预警。"
    "另在同一历史上叠加人为增量(固定随机种子;每单元约每季度一次;规模为本单元七日件数标准差的"
    "2、3、4.5、7、10倍,且不少于5件;形态分突发3天、起伏14天、渐增28天),"
    "经研判属实的预警也计为增量。预警在增量持续期间或其后一个窗口内发出,算发现;"
    "原历史上的预警未经研判属实或可解释的,算误报。"
    "按代价比选择时,假定每单元每年有一次真实增量。"
    "黄、橙、红的限值使达到该级的预警分别不超过蓝色的20%、4%、0.4%。"
)
"""How the figures come about, for whoever reads a recommendation."""
