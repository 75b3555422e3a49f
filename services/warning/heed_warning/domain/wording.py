"""Reasons in Chinese that a tired clerk understands at a glance."""

from __future__ import annotations

from collections.abc import Sequence

from heed_warning.domain.evaluator import DAYS_REQUIRED, Outcome, Windows
from heed_warning.domain.policy import Level, Policy, Strategy

LEVEL_NAMES = {Level.BLUE: "蓝色", Level.YELLOW: "黄色", Level.ORANGE: "橙色", Level.RED: "红色"}
MOST_CHILDREN_NAMED = 3


def reason(
    policy: Policy, outcome: Outcome, level: Level, windows: Windows, threshold: float
) -> str:
    """Say what was seen in the window of one cell, what was expected, and what follows."""
    observed, expected = round(float(windows.observed[0])), float(windows.mean[0])
    seen = f"近{policy.window_days}天收到{observed}件"
    if outcome is Outcome.INSUFFICIENT_HISTORY:
        days = int(windows.history_days[0])
        return f"{seen},此前只有{days}天数据(至少需要{DAYS_REQUIRED}天),无法判断是否异常"
    if outcome is Outcome.BELOW_MIN_COUNT:
        return f"{seen},少于起报件数{policy.min_count}件"
    if policy.strategy is Strategy.FIXED:
        comparison = "达到" if level else "未达到"
        return f"{seen},{comparison}固定阈值({threshold:.0f}件)"
    share = _percent(_limit(policy, level))
    if policy.strategy is Strategy.HISTORICAL_QUANTILE:
        comparison = "超过" if level else "未超过"
        return f"{seen},{comparison}本地历史{share}分位({threshold:.0f}件)"
    comparison = "超过" if level else "未超过"
    return f"{seen},按此前走势预计{_count(expected)}件,{comparison}{share}分位({threshold:.0f}件)"


def explained_reason(children: Sequence[str]) -> str:
    """Say that the rise lies in regions below, which warn themselves."""
    named = "、".join(children[:MOST_CHILDREN_NAMED])
    more = f"等{len(children)}个地区" if len(children) > MOST_CHILDREN_NAMED else ""
    return f";增量主要来自{named}{more},由其单独预警,本级不重复发出"


def _limit(policy: Policy, level: Level) -> float:
    rule = next((rule for rule in policy.rules if rule.level == level), policy.rules[0])
    return rule.limit


def _percent(probability: float) -> str:
    return f"{100.0 * probability:.6f}".rstrip("0").rstrip(".") + "%"


def _count(expected: float) -> str:
    return f"{expected:.0f}" if expected >= 10 else f"{expected:.1f}"
