"""Peers of the forecasts; each answers q10..q90 and the bounds of its 90 % interval.

A peer is a function of table, origins and horizon that returns (origins, series, horizon, 11) and
looks at no step after an origin. A peer that is not installed leaves a clear ImportError.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from heed_warning.domain.panel import Floats
from heed_warning.forecasting.series import SeriesTable

Quantiles = Floats
Peer = Callable[[SeriesTable, Sequence[int], int], Quantiles]

LEVELS = (*(number / 10 for number in range(1, 10)), 0.05, 0.95)
LAGS = 8
MEANS_WEEKS = (4, 8, 13, 26, 52)
FIRST_WEEKS = 26


def seasonal_naive(table: SeriesTable, origins: Sequence[int], horizon: int) -> Quantiles:
    """The same step of the last year (weeks) or week (days), with its past errors' quantiles."""
    season = table.year_steps if table.step_days > 1 else table.week_steps
    found = []
    for origin in origins:
        known = table.counts[:, : origin + 1]
        ahead = np.arange(origin + 1, origin + 1 + horizon)
        back = ahead - season * -(-(ahead - origin) // season)
        errors = known[:, season:] - known[:, :-season]
        spread = np.quantile(errors, LEVELS, axis=1).T
        found.append(known[:, back][:, :, None] + spread[:, None, :])
    return np.stack(found)


def lightgbm(table: SeriesTable, origins: Sequence[int], horizon: int) -> Quantiles:
    """Global quantile regression by gradient boosting, a model for each level."""
    import lightgbm as lgb

    rows, targets = [], []
    first = FIRST_WEEKS * table.week_steps
    stride = max(1, table.week_steps // 2)
    for origin in range(first, origins[0] - horizon + 1, stride):
        for ahead in range(1, horizon + 1):
            rows.append(_lags(table, origin, ahead))
            targets.append(table.counts[:, origin + ahead])
    read, target = np.concatenate(rows), np.concatenate(targets)
    asked = np.stack(
        [[_lags(table, origin, ahead) for ahead in range(1, horizon + 1)] for origin in origins]
    )
    shape = asked.shape[:3]
    found = []
    for level in LEVELS:
        model: Any = lgb.LGBMRegressor(
            objective="quantile", alpha=level, n_estimators=150, learning_rate=0.05,
            num_leaves=15, min_child_samples=50, subsample=0.8, subsample_freq=1,
            colsample_bytree=0.8, verbose=-1, n_jobs=1, random_state=1,
        )  # fmt: skip
        model.fit(read, target, categorical_feature=[0, 1])
        found.append(model.booster_.predict(asked.reshape(-1, asked.shape[-1])).reshape(shape))
    inner = np.stack(found, axis=-1).transpose(0, 2, 1, 3)
    inner[..., :9] = np.sort(inner[..., :9], axis=-1)
    return inner


def _lags(table: SeriesTable, origin: int, ahead: int) -> Floats:
    counts, step, year = table.counts, origin + ahead, table.year_steps
    day = table.day_of(step)
    margin = 2 * table.week_steps
    parts = [
        table.category, table.region, np.full(len(counts), ahead),
        np.full(len(counts), day.timetuple().tm_yday), np.full(len(counts), day.weekday()),
        *(counts[:, origin - lag] for lag in range(LAGS)),
        *(
            counts[:, max(0, origin + 1 - weeks * table.week_steps) : origin + 1].mean(axis=1)
            for weeks in MEANS_WEEKS
        ),
    ]  # fmt: skip
    nothing = np.full(len(counts), np.nan)
    parts.append(counts[:, step - year] if step >= year else nothing)
    around = slice(max(0, step - year - margin), step - year + margin + 1)
    parts.append(counts[:, around].mean(axis=1) if step > year else nothing)
    return np.column_stack(parts).astype(float)


def _statsforecast(model: str) -> Peer:
    def peer(table: SeriesTable, origins: Sequence[int], horizon: int) -> Quantiles:
        import pandas as pd
        from statsforecast import StatsForecast
        from statsforecast import models as library

        season = 52 if table.step_days > 1 else 7
        levels = [20, 40, 60, 80, 90]
        found = []
        for origin in origins:
            known = table.counts[:, : origin + 1]
            frame = pd.DataFrame(
                {
                    "unique_id": np.repeat(np.arange(len(known)), origin + 1),
                    "ds": np.tile(np.arange(origin + 1), len(known)),
                    "y": known.ravel(),
                }
            )
            fitted = StatsForecast([getattr(library, model)(season_length=season)], freq=1)
            answer = fitted.forecast(df=frame, h=horizon, level=levels).sort_values(
                ["unique_id", "ds"]
            )
            names = [f"{model}-lo-{level}" for level in (80, 60, 40, 20)]
            names += [model]
            names += [f"{model}-hi-{level}" for level in (20, 40, 60, 80)]
            names += [f"{model}-lo-90", f"{model}-hi-90"]
            found.append(answer[names].to_numpy().reshape(len(known), horizon, len(names)))
        return np.stack(found)

    return peer


PEERS: dict[str, Peer] = {
    "LightGBM quantile": lightgbm,
    "AutoETS": _statsforecast("AutoETS"),
    "AutoARIMA": _statsforecast("AutoARIMA"),
    "seasonal naive": seasonal_naive,
}
