"""Reads a threshold policy from a TOML file, as an analyst writes it for a backtest."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

from heed_shared.commands import CommandError
from heed_warning.domain.policy import (
    DEFAULT_POLICY,
    Level,
    LevelRule,
    Policy,
    Strategy,
    problem_with,
)

_NUMBERS = {
    "window_days": range(1, 57),
    "min_count": range(1, 1_000_000),
    "pending_evaluations": range(1, 29),
    "clear_evaluations": range(1, 57),
}
_LEVELS = ("blue", "yellow", "orange", "red")


def read_policy(path: Path | None) -> Policy:
    """Return the policy of a file, or the built-in one; raises CommandError naming the key.

    Keys are strategy, window_days, min_count, pending_evaluations, clear_evaluations, and a table
    levels with limits for blue, yellow, orange and red; what is left out is as in the built-in one.
    """
    if path is None:
        return DEFAULT_POLICY
    try:
        given = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CommandError(f"{path}: {error}") from error
    unknown = set(given) - {"strategy", "levels", *_NUMBERS}
    if unknown:
        raise CommandError(f"{path}: key {min(unknown)}: there is no such key")
    policy = replace(
        DEFAULT_POLICY,
        policy_id=path.stem,
        strategy=strategy_named(str(given.get("strategy", "forecast_exceedance")), str(path)),
        rules=_rules(path, given.get("levels")),
        window_days=_number(path, given, "window_days"),
        min_count=_number(path, given, "min_count"),
        pending_evaluations=_number(path, given, "pending_evaluations"),
        clear_evaluations=_number(path, given, "clear_evaluations"),
    )
    problem = problem_with(policy)
    if problem:
        raise CommandError(f"{path}: key levels: {problem}")
    return policy


def strategy_named(text: str, where: str) -> Strategy:
    """Return a strategy by its name in small letters."""
    names = {strategy.name.lower(): strategy for strategy in Strategy}
    if text not in names:
        raise CommandError(f"{where}: strategy {text}: must be one of {', '.join(names)}")
    return names[text]


def _number(path: Path, given: dict[str, Any], key: str) -> int:
    value = given.get(key, getattr(DEFAULT_POLICY, key))
    allowed = _NUMBERS[key]
    if isinstance(value, bool) or not isinstance(value, int) or value not in allowed:
        raise CommandError(
            f"{path}: key {key}: must be a whole number from {allowed[0]} to {allowed[-1]}"
        )
    return value


def _rules(path: Path, levels: Any) -> tuple[LevelRule, ...]:
    if levels is None:
        return DEFAULT_POLICY.rules
    if not isinstance(levels, dict) or not levels or set(levels) - set(_LEVELS):
        raise CommandError(f"{path}: key levels: must name some of {', '.join(_LEVELS)}")
    for name, limit in levels.items():
        if isinstance(limit, bool) or not isinstance(limit, int | float) or not limit > 0:
            raise CommandError(f"{path}: key levels.{name}: must be a number above 0")
    return tuple(
        LevelRule(Level(number), float(levels[name]))
        for number, name in enumerate(_LEVELS, start=1)
        if name in levels
    )
