"""The regression family: a negative-binomial GLM with trend and season for every series at once.

Weeks that end at the origin are fitted by Newton steps over all series together; a category's own
fit is the prior mean of its series' coefficients, so a sparse series takes its category's season.
Weeks are discounted by age, and past outbreaks are down-weighted by their residuals as Noufaily et
al. (2013) do. Fresh residuals of category and series are carried into the forecast in part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from heed_warning.domain.distribution import Forecast
from heed_warning.domain.panel import Floats, Ints
from heed_warning.forecasting.classical import with_spread
from heed_warning.forecasting.family import REGRESSION, Fitted, Prepared
from heed_warning.forecasting.series import sum_by

DISPERSION = 0.2
HALF_LIFE_WEEKS = 104.0
YEARS_FOR_SEASON = 1.5
MOST_HARMONICS = 4
WEEKS_A_YEAR = 365.25 / 7
RESIDUAL_KEPT_WHOLE = 2.58
STEPS_PLAIN, STEPS_WEIGHTED = 5, 4
LONGEST_STEP = 1.0
CATEGORY_TREND, SERIES_TREND = 30.0, 60.0
CATEGORY_SEASON, SERIES_SEASON = 2.0, 30.0
CATEGORY_RESIDUAL, SERIES_RESIDUAL = 0.55, 0.5
RESIDUAL_HALF_LIVES = (2.0, 4.0)
ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class Regressed:
    """Coefficients at an origin."""

    prepared: Prepared
    origin: int
    coefficients: Floats
    """Intercept, trend and harmonics, of items a step, (N, P)."""
    residual: Floats
    """What fresh residuals add to the logarithm of the mean, (N,)."""

    def predict(self, horizon: int) -> Forecast:
        """Return means by the coefficients, with the shape of the week."""
        table, shape = self.prepared.table, self.prepared.shape
        weeks = np.arange(1, horizon + 1) / table.week_steps
        harmonics = (self.coefficients.shape[1] - 2) // 2
        log = self.coefficients @ _design(weeks, self.origin / table.week_steps, harmonics).T
        steps = np.arange(self.origin + 1, self.origin + 1 + horizon)
        week = shape.week[:, self.origin][:, shape.kind[steps]][table.category]
        mean = np.exp(np.clip(log + self.residual[:, None], -12.0, 18.0)) * week
        return with_spread(self.prepared, self.origin, mean)


@dataclass(frozen=True)
class Regression:
    """Implements Family."""

    name: str = REGRESSION

    def fit(self, prepared: Prepared, as_of: int) -> Fitted:
        """Fit all series to the weeks that end at `as_of`."""
        table = prepared.table
        counts, exposure = _weeks(prepared, as_of)
        categories = len(prepared.shape.season)
        ages = np.arange(counts.shape[1] - 1, -1, -1.0)
        years = counts.shape[1] / WEEKS_A_YEAR
        harmonics = min(MOST_HARMONICS, int(years) + 1) if years >= YEARS_FOR_SEASON else 0
        design = _design(-ages, as_of / table.week_steps, harmonics)
        weight = 0.5 ** (ages / HALF_LIFE_WEEKS)
        totals = sum_by(np.where(table.finest[:, None], counts, 0.0), table.category, categories)
        exposures = sum_by(
            np.where(table.finest[:, None], exposure, 0.0), table.category, categories
        )
        season = np.repeat(np.arange(1, harmonics + 1) ** 2, 2)
        shared, group_mean = _newton(
            totals,
            exposures,
            design,
            weight,
            _start(totals, exposures, design.shape[1]),
            np.r_[0.01, CATEGORY_TREND, CATEGORY_SEASON * season],
        )
        precision = np.r_[1.0, SERIES_TREND, SERIES_SEASON * season]
        fitted, mean = _newton(counts, exposure, design, weight, shared[table.category], precision)
        residual = _carried(counts, mean, totals, group_mean, ages, table.category)
        return Regressed(prepared, as_of, fitted, residual)


def _weeks(prepared: Prepared, origin: int) -> tuple[Floats, Floats]:
    """Return counts and exposure of the whole weeks that end at the origin, (N, W) each.

    A part of a week left over at the start is dropped unless it is all there is.
    """
    table, shape = prepared.table, prepared.shape
    length = table.week_steps
    weeks = max((origin + 1) // length, 1)
    first = max(origin + 1 - weeks * length, 0)
    at = np.arange(first, origin + 1)
    factor = shape.week[:, origin][:, shape.kind[at]][table.category]
    exposure = factor * table.observed[:, at]
    counts = prepared.levels.bounded[:, at]
    shaped = (len(counts), weeks, -1)
    return counts.reshape(shaped).sum(axis=2), exposure.reshape(shaped).sum(axis=2)


def _design(weeks: Floats, origin_week: float, harmonics: int) -> Floats:
    """Return intercept, trend in years from the origin, harmonics of the year, (len, P)."""
    angle = 2.0 * np.pi * (weeks + origin_week) / WEEKS_A_YEAR
    waves = [
        part(number * angle) for number in range(1, harmonics + 1) for part in (np.sin, np.cos)
    ]
    return np.column_stack([np.ones(len(weeks)), weeks / WEEKS_A_YEAR, *waves])


def _start(counts: Floats, exposure: Floats, width: int) -> Floats:
    start = np.zeros((len(counts), width))
    start[:, 0] = np.log((counts.sum(axis=1) + 0.1) / (exposure.sum(axis=1) + 1.0))
    return start


def _newton(
    counts: Floats,
    exposure: Floats,
    design: Floats,
    weight: Floats,
    prior: Floats,
    precision: Floats,
) -> tuple[Floats, Floats]:
    """Return coefficients (N, P) of the greatest posterior and fitted means (N, W)."""
    found, means = [], []
    for first in range(0, len(counts), ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        one, mean = _newton_rows(
            counts[rows], exposure[rows], design, weight, prior[rows], precision
        )
        found.append(one)
        means.append(mean)
    return np.concatenate(found), np.concatenate(means)


def _newton_rows(
    counts: Floats,
    exposure: Floats,
    design: Floats,
    weight: Floats,
    prior: Floats,
    precision: Floats,
) -> tuple[Floats, Floats]:
    value, kept = prior.copy(), np.broadcast_to(weight, counts.shape)
    pairs = (design[:, :, None] * design[:, None, :]).reshape(len(design), -1)
    width = design.shape[1]
    for step in range(STEPS_PLAIN + STEPS_WEIGHTED):
        mean = exposure * np.exp(np.clip(value @ design.T, -12.0, 18.0))
        if step == STEPS_PLAIN:
            kept = weight * _outbreak_weight(counts, mean)
        trust = kept / (1.0 + DISPERSION * mean)
        slope = (trust * (counts - mean)) @ design - precision * (value - prior)
        curve = ((trust * mean) @ pairs).reshape(-1, width, width) + np.diag(precision)
        change = np.linalg.solve(curve, slope[:, :, None])[:, :, 0]
        value = value + np.clip(change, -LONGEST_STEP, LONGEST_STEP)
    return value, exposure * np.exp(np.clip(value @ design.T, -12.0, 18.0))


def _outbreak_weight(counts: Floats, mean: Floats) -> Floats:
    """Return 1, and less where a count stands out above its mean (Noufaily et al. 2013)."""
    residual = (counts - mean) / np.sqrt(mean + DISPERSION * mean**2 + 1e-9)
    return np.where(
        residual > RESIDUAL_KEPT_WHOLE,
        (RESIDUAL_KEPT_WHOLE / np.maximum(residual, RESIDUAL_KEPT_WHOLE)) ** 2,
        1.0,
    )


def _carried(
    counts: Floats, mean: Floats, totals: Floats, total_mean: Floats, ages: Floats, category: Ints
) -> Floats:
    """Return the part of the latest residuals that is carried on, (N,)."""
    sudden, recent = RESIDUAL_HALF_LIVES
    shared = CATEGORY_RESIDUAL * _log_ratio(totals, total_mean, ages, sudden)
    own = _log_ratio(counts, mean, ages, recent)
    apart = own - _log_ratio(totals, total_mean, ages, recent)[category]
    return np.asarray(shared[category] + SERIES_RESIDUAL * apart)


def _log_ratio(counts: Floats, mean: Floats, ages: Floats, half_life: float) -> Floats:
    weight = 0.5 ** (ages / half_life)
    usual = mean[:, -1] + 1e-6
    return np.asarray(np.log((counts @ weight + usual) / (mean @ weight + usual)))
