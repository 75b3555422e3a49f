"""Every way of getting the evaluator wrong is caught: mutants of its source fail its examples.

The examples are few and by hand; a mutant that none of them notices would be a rule nobody tests.
"""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from heed_warning.domain import evaluator
from heed_warning.domain.policy import DEFAULT_POLICY, Level, LevelRule, Policy, Strategy

SOURCE = inspect.getsource(evaluator)


def policy(strategy: Strategy, *limits: float, min_count: int = 5) -> Policy:
    rules = tuple(LevelRule(Level(n), limit) for n, limit in enumerate(limits, start=1))
    return replace(DEFAULT_POLICY, strategy=strategy, rules=rules, min_count=min_count)


def windows(
    module: types.ModuleType,
    observed: float,
    *,
    mean: float = 6.0,
    dispersion: float = 0.0,
    days: int = 400,
    past: list[float] | None = None,
    carried: float | None = None,
) -> object:
    return module.Windows(
        np.array([observed]), np.array([mean]), np.array([dispersion]), np.array([days]),
        np.array([past if past is not None else [6.0] * 200]),
        None if carried is None else np.array([carried]),
    )  # fmt: skip


def judged(
    module: types.ModuleType, rule: Policy, *args: float, **fields: object
) -> tuple[int, int]:
    found = module.judge(rule, windows(module, *args, **fields))  # type: ignore[arg-type]
    return int(found.level[0]), int(found.outcome[0])


def by_share_not_mean(module: types.ModuleType) -> None:
    # P(Y >= 13) is .9 % at mean 6 and P(Y >= 12) 2 %; a factor on the mean would ask for neither.
    rule = policy(Strategy.FORECAST_EXCEEDANCE, 0.99)
    assert judged(module, rule, 13.0) == (1, 2)
    assert judged(module, rule, 12.0) == (0, 1)
    tail = module.judge(rule, windows(module, 13.0)).tail[0]
    assert abs(tail - stats.poisson.sf(12, 6.0)) < 1e-12
    # Wide laws: thrice the mean is usual where counts scatter so.
    assert judged(module, rule, 18.0, dispersion=1.0) == (0, 1)


def exactly_at_the_limit(module: types.ModuleType) -> None:
    limit = 1.0 - float(stats.poisson.sf(12, 6.0))
    assert judged(module, policy(Strategy.FORECAST_EXCEEDANCE, limit), 13.0)[0] == 1
    stricter = 1.0 - 0.95 * float(stats.poisson.sf(12, 6.0))
    assert judged(module, policy(Strategy.FORECAST_EXCEEDANCE, stricter), 13.0)[0] == 0


def short_history_is_told(module: types.ModuleType) -> None:
    for strategy in (Strategy.FORECAST_EXCEEDANCE, Strategy.HISTORICAL_QUANTILE,
                     Strategy.CUMULATIVE):  # fmt: skip
        rule = policy(strategy, 0.95)
        for days in (0, 1, 27):
            assert judged(module, rule, 500.0, mean=0.0, days=days, past=[1.0] * days) == (0, 3)
        assert judged(module, rule, 500.0, days=28)[1] == 2
    few = module.judge(policy(Strategy.FORECAST_EXCEEDANCE, 0.9), windows(module, 3.0, days=3))
    assert few.tail[0] == 1.0


def small_counts_raise_nothing(module: types.ModuleType) -> None:
    rule = policy(Strategy.FORECAST_EXCEEDANCE, 0.9, 0.99, 0.999)
    assert judged(module, rule, 4.0, mean=0.001) == (0, 4)
    assert judged(module, rule, 5.0, mean=0.001) == (2, 2), "orange needs twice the smallest count"
    assert judged(module, rule, 10.0, mean=0.001) == (3, 2)


def the_highest_level_stays(module: types.ModuleType) -> None:
    rule = policy(Strategy.FIXED, 10, 20, 30)
    assert [judged(module, rule, count)[0] for count in (9.0, 10.0, 20.0, 29.0, 30.0)] == [
        0, 1, 2, 2, 3,
    ]  # fmt: skip
    assert judged(module, rule, 30.0, days=0, past=[]) == (3, 2), "a fixed count needs no history"
    assert judged(module, rule, 9.0, days=0, past=[]) == (0, 1)


def quantiles_need_windows_enough(module: types.ModuleType) -> None:
    past = [float(n) for n in range(100)]
    rule = policy(Strategy.HISTORICAL_QUANTILE, 0.95, 0.99, 0.995)
    # Of 100 the .95 quantile (the next higher) is the 96th, 95; .99 is 99; .995 nobody can tell.
    assert judged(module, rule, 95.0, past=past)[0] == 0
    assert judged(module, rule, 95.5, past=past)[0] == 1
    assert judged(module, rule, 1e6, past=past)[0] == 2
    assert judged(module, rule, 1e6, past=past[:27])[0] == 0


def excesses_add_up(module: types.ModuleType) -> None:
    rule = policy(Strategy.CUMULATIVE, 3.0)
    small = module.standardised_excess(np.array([9.0]), np.array([6.0]), np.array([0.0]))[0]
    assert 0.9 < small < 1.2
    assert judged(module, rule, 9.0)[0] == 0, "one small excess"
    assert judged(module, rule, 9.0, carried=3.0 - small + 0.5 + 1e-6)[0] == 1
    assert judged(module, rule, 9.0, carried=3.0 - small + 0.5 - 1e-6)[0] == 0
    assert module.added_up(np.array([1.0]), np.array([-9.0]))[0] == 0.0, "never below zero"
    wild = module.standardised_excess(np.array([1e6]), np.array([6.0]), np.array([0.0]))[0]
    assert wild == 4.0
    usual = module.standardised_excess(np.arange(40.0), np.full(40, 6.0), np.zeros(40))
    centre = (usual * stats.poisson.pmf(np.arange(40), 6.0)).sum()
    assert abs(centre) < 0.05, "small counts are centred"


def thresholds_are_the_largest_quiet_count(module: types.ModuleType) -> None:
    rules = (
        policy(Strategy.FORECAST_EXCEEDANCE, 0.99),
        policy(Strategy.HISTORICAL_QUANTILE, 0.933),
        policy(Strategy.CUMULATIVE, 2.0),
    )
    past = [1.5 * n for n in range(40)]
    for rule in rules:
        for mean, carried in ((6.0, None), (6.0, 1.0), (0.01, None)):
            for count in range(60):
                given = windows(module, float(count), mean=mean, past=past, carried=carried)
                limit = module.thresholds(rule, Level.BLUE, given)[0]
                reached = module.judge(rule, given).level[0] > 0
                assert (count > limit) == reached, (rule.strategy, mean, carried, count)
    fixed = module.thresholds(policy(Strategy.FIXED, 10), Level.BLUE, windows(module, 3.0))[0]
    assert fixed == 10


CHECKS: tuple[Callable[[types.ModuleType], None], ...] = (
    by_share_not_mean, exactly_at_the_limit, short_history_is_told, small_counts_raise_nothing,
    the_highest_level_stays, quantiles_need_windows_enough, excesses_add_up,
    thresholds_are_the_largest_quiet_count,
)  # fmt: skip
MUTANTS = [
    # What chap_core/alarms.py does: the mean against a factor of the threshold.
    ("at = -np.log(np.maximum(tail, 1e-300))", "at = windows.mean / windows.observed"),
    ("at = -np.log(np.maximum(tail, 1e-300))", "at = windows.observed / windows.mean"),
    ("at = -np.log(np.maximum(tail, 1e-300))", "at = np.log(np.maximum(tail, 1e-300))"),
    ("windows.history_days >= DAYS_REQUIRED, at", "windows.history_days > DAYS_REQUIRED, at"),
    ("known = windows.history_days >= DAYS_REQUIRED", "known = windows.history_days >= 0"),
    ("DAYS_REQUIRED = 28", "DAYS_REQUIRED = 27"),
    ("DAYS_REQUIRED = 28", "DAYS_REQUIRED = 29"),
    ("outcome[~known] = Outcome.INSUFFICIENT_HISTORY", "pass"),
    ("if policy.strategy is not Strategy.FIXED:\n        outcome", "if True:\n        outcome"),
    ("outcome[windows.observed < policy.min_count] = Outcome.BELOW_MIN_COUNT", "pass"),
    ("policy.count_needed(rule.level)\n        )", "policy.min_count\n        )"),
    ("windows.observed >= policy.count_needed", "windows.observed > policy.count_needed"),
    ("(at >= mark(policy, rule.limit))", "(at > mark(policy, rule.limit))"),
    ("for rule in policy.rules:", "for rule in reversed(policy.rules):"),
    ("-np.log1p(-limit)) - 1e-9", "-np.log1p(-limit)) + 1e-6"),
    ("-np.log1p(-limit)) - 1e-9", "-np.log1p(-limit)) - 0.2"),
    ("np.where(known, nb.upper_tail(windows.observed, windows.mean, windows.dispersion), 1.0)",
     "np.where(known, nb.upper_tail(windows.observed + 1, windows.mean, windows.dispersion), 1.0)"),
    ("nb.upper_tail(windows.observed, windows.mean, windows.dispersion), 1.0)",
     "nb.upper_tail(windows.observed, windows.mean, 0.0), 1.0)"),
    ("nb.upper_tail(windows.observed, windows.mean, windows.dispersion), 1.0)",
     "nb.upper_tail(windows.observed, windows.mean, windows.dispersion), 0.0)"),
    ("(past < observed[:, None])", "(past <= observed[:, None])"),
    ("(below - 1.0) / (windows - 1.0)", "below / windows"),
    ("1.0 - (1.0 - 1e-9) / windows)", "1.0)"),
    ("if windows < PAST_WINDOWS_REQUIRED:", "if windows < 2:"),
    ("before + excess - ORDINARY_EXCESS, 0.0)", "before + excess, 0.0)"),
    ("before + excess - ORDINARY_EXCESS, 0.0)", "before + excess - ORDINARY_EXCESS, -9.0)"),
    ("before = np.zeros_like(excess) if carried is None else carried", "before = 0.0 * excess"),
    ("middle = (above + nb.upper_tail(observed, mean, dispersion)) / 2.0",
     "middle = nb.upper_tail(observed, mean, dispersion)"),
    ("-LARGEST_EXCESS, LARGEST_EXCESS)", "-np.inf, np.inf)"),
    ("-special.ndtri(middle)", "special.ndtri(middle)"),
    ("policy.count_needed(rule.level) - 1.0))", "0.0))"),
    ("limit = nb.quantile(rule.limit,", "limit = 1 + nb.quantile(rule.limit,"),
    ("limit - carried + ORDINARY_EXCESS", "limit + ORDINARY_EXCESS"),
    ("np.maximum(count - reached, 0.0)", "np.maximum(count, 0.0)"),
    ('method="higher"', 'method="lower"'),
]  # fmt: skip


def module_of(source: str) -> types.ModuleType:
    module = types.ModuleType("mutant_evaluator")
    sys.modules[module.__name__] = module  # dataclasses look their module up
    try:
        exec(compile(source, "mutant", "exec"), module.__dict__)
    finally:
        del sys.modules[module.__name__]
    return module


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_evaluator_itself_passes_every_example(check: Callable[..., None]) -> None:
    check(evaluator)


@pytest.mark.parametrize("number", range(len(MUTANTS)))
def test_a_mutant_fails_an_example(number: int) -> None:
    old, new = MUTANTS[number]
    assert SOURCE.count(old) >= 1, f"the source no longer has {old!r}"
    module = module_of(SOURCE.replace(old, new, 1))
    failed = []
    for check in CHECKS:
        try:
            with np.errstate(all="ignore"):
                check(module)
        except Exception:  # any fault of a mutant is a find
            failed.append(check.__name__)
    assert failed, f"nobody noticed {new!r} in place of {old!r}"
