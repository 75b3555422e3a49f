"""Reasons in Chinese that a tired clerk understands at a glance."""

from __future__ import annotations

from collections.abc import Sequence

from heed_warning.domain.evaluator import DAYS_REQUIRED, Outcome, Windows
from heed_warning.domain.indicators import IndicatorOutcome, Reading
from heed_warning.domain.policy import Level, Policy, Strategy

LEVEL_NAMES = {Level.BLUE: "蓝色", Level.YELLOW: "黄色", Level.ORANGE: "橙色", Level.RED: "红色"}
MOST_CHILDREN_NAMED = 3
MOST_INDICATORS_NAMED = 3


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
    foreseen = f"{seen},按此前走势预计{_count(expected)}件"
    if policy.strategy is Strategy.CUMULATIVE:
        limit = f"连续小幅超出的累积{comparison}限值{_limit(policy, level):g}"
        return f"{foreseen},{limit}(本期不超过{threshold:.0f}件才不触发)"
    return f"{foreseen},{comparison}{share}分位({threshold:.0f}件)"


def explained_reason(children: Sequence[str]) -> str:
    """Say that the rise lies in regions below, which warn themselves."""
    named = "、".join(children[:MOST_CHILDREN_NAMED])
    more = f"等{len(children)}个地区" if len(children) > MOST_CHILDREN_NAMED else ""
    return f";增量主要来自{named}{more},由其单独预警,本级不重复发出"


def indicator_reason(level: Level, speaking: Sequence[Reading]) -> str:
    """Say which indicators propose a level, and how they stand in the cell's own history."""
    named = "、".join(_indicator(reading) for reading in speaking[:MOST_INDICATORS_NAMED])
    more = f"等{len(speaking)}项指标" if len(speaking) > MOST_INDICATORS_NAMED else ""
    return f";指标建议{LEVEL_NAMES[level]}:{named}{more}"


def _indicator(reading: Reading) -> str:
    if reading.outcome is not IndicatorOutcome.VALUE:
        return f"{reading.title}超限(件数较少,不显示数值)"
    value = _indicator_value(reading)
    if reading.percentile < 0:
        return f"{reading.title}{value}"
    return f"{reading.title}{value},高于本地历史{reading.percentile:.0%}的时期"


def _indicator_value(reading: Reading) -> str:
    if reading.denominator and 0 < reading.numerator <= reading.denominator:
        counts = f"{reading.numerator:.0f}/{reading.denominator:.0f}件"
        return f"{reading.value:.0%}({counts})" if reading.value <= 1 else f"{reading.value:.1f}"
    return f"{reading.value:.1f}"


def _limit(policy: Policy, level: Level) -> float:
    rule = next((rule for rule in policy.rules if rule.level == level), policy.rules[0])
    return rule.limit


def _percent(probability: float) -> str:
    return f"{100.0 * probability:.6f}".rstrip("0").rstrip(".") + "%"


def _count(expected: float) -> str:
    return f"{expected:.0f}" if expected >= 10 else f"{expected:.1f}"
