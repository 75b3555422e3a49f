"""What is expected in single cells over the coming days, and how likely they exceed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from heed_warning.domain import negative_binomial as nb
from heed_warning.domain.baseline import WINDOW_DAYS
from heed_warning.domain.day_kind import WorkingDay
from heed_warning.domain.distribution import Forecast, combine
from heed_warning.domain.evaluator import Windows, thresholds
from heed_warning.domain.history import (
    BASELINE_NAME,
    DAYS_FOR_BASELINE,
    BaselineForecaster,
    Forecaster,
    History,
    Shares,
    history_of,
)
from heed_warning.domain.inhibition import parent_rows
from heed_warning.domain.panel import Cell, Floats, Ints, Panel
from heed_warning.domain.people import PEOPLE_OF_BUCKET, People, people_of
from heed_warning.domain.policy import Policy, Strategy, policy_for
from heed_warning.domain.reconciliation import reconciled
from heed_warning.domain.scope import FOLLOW_DAYS, Risk
from heed_warning.domain.series_path import SeriesPath, paths_of

_ROWS_AT_A_TIME = 250
"""Cells simulated together: 400 futures of 250 cells over 28 days take some 30 MB an array."""
PROBABILITIES = (0.05, 0.25, 0.5, 0.75, 0.95)
HORIZONS = (7, 14, 28)


def no_ancestors(_region: str) -> Sequence[str]:
    """Stand for regions without any above them."""
    return ()


@dataclass(frozen=True)
class Span:
    """A number of coming days together."""

    days: int
    expected: float
    quantiles: tuple[float, ...]
    exceedance: float
    threshold: float
    people: People


@dataclass(frozen=True)
class Outlook:
    """The forecast of one cell; without days where its history is too short."""

    cell: Cell
    history_days: int
    forecaster: str = ""
    expected: tuple[float, ...] = ()
    quantiles: tuple[tuple[float, ...], ...] = ()
    """For each day, at PROBABILITIES."""
    spans: tuple[Span, ...] = ()
    models: tuple[tuple[str, float], ...] = ()
    """Families of models behind it with their weights, heaviest first."""
    risk: Risk | None = None
    """What it says to cells around it."""
    path: SeriesPath = SeriesPath.INSUFFICIENT


@dataclass(frozen=True)
class Question:
    """What is asked about coming days."""

    horizon: int
    policies: Sequence[Policy]
    model: Forecaster | None
    working: WorkingDay
    ancestors: Callable[[str], Sequence[str]] = no_ancestors
    """Returns the regions above one, the nearest first."""
    histogram: Floats | None = None
    """Recent items of each cell of the panel by people bucket, (N, 7)."""


def outlooks(panel: Panel, as_of: date, cells: Sequence[Cell], question: Question) -> list[Outlook]:
    """Return an outlook for each cell, in order; days after `as_of` are never looked at.

    Expected counts of parents and children add up over all cells of the panel, asked for or not.
    """
    known = panel.until(as_of).after_silence()
    row_of = {cell: row for row, cell in enumerate(known.cells)}
    days = known.history_days()
    rows = [row_of[cell] for cell in cells if cell in row_of]
    rows = sorted({row for row in rows if days[row] >= DAYS_FOR_BASELINE})
    made: dict[Cell, Outlook] = {}
    if rows:
        basis = _basis(known, as_of, question)
        for start in range(0, len(rows), _ROWS_AT_A_TIME):
            made |= _outlooks(basis, np.array(rows[start : start + _ROWS_AT_A_TIME]), question)
    empty = (Outlook(cell, int(days[row_of[cell]]) if cell in row_of else 0) for cell in cells)
    return [made.get(short.cell, short) for short in empty]


@dataclass(frozen=True)
class _Basis:
    """The forecasts of all cells of a panel."""

    as_of: date
    history: History
    forecast: Forecast
    calm: Forecast
    """Without past outbreaks, for thresholds."""
    trained: Ints
    shares: Sequence[Shares]
    """Families behind the forecast of each cell."""
    paths: Ints
    spans: tuple[int, ...]


def _basis(known: Panel, as_of: date, question: Question) -> _Basis:
    history = history_of(known, as_of, question.working)
    longest = max(question.horizon, WINDOW_DAYS, FOLLOW_DAYS)
    forecast, trained = _forecast(history, question.model, longest)
    calm, _ = _forecast(history.without_outbreaks(), question.model, WINDOW_DAYS)
    forecast = reconciled(
        forecast,
        known.counts,
        known.levels,
        parent_rows(known.cells, question.ancestors),
        known.history_days() >= DAYS_FOR_BASELINE,
    )
    spans = tuple(days for days in HORIZONS if days <= question.horizon) or (question.horizon,)
    shares = BaselineForecaster().shares(history)
    if question.model is not None:
        of_model = question.model.shares(history)
        shares = [of_model[row] if used else shares[row] for row, used in enumerate(trained)]
    return _Basis(as_of, history, forecast, calm, trained, shares, _paths(history), spans)


def _paths(history: History) -> Ints:
    """Return the path of each cell's series, (N,)."""
    panel = history.panel
    counted = np.arange(panel.day_count)[None, :] >= panel.started[:, None]
    factors = history.baseline.factors[:, : panel.day_count]
    return paths_of(panel.counts, factors, counted, WINDOW_DAYS)


def _outlooks(basis: _Basis, rows: Ints, question: Question) -> dict[Cell, Outlook]:
    known, model = basis.history.panel, question.model
    limits = _limits(basis.history, basis.calm.select(rows), rows, question.policies)
    chosen = basis.forecast.select(rows)
    # The day seeds the simulation, so that asking again answers the same.
    exceeding = chosen.exceedance(
        np.random.default_rng(basis.as_of.toordinal()),
        limits,
        window_days=WINDOW_DAYS,
        past=known.counts[rows, -(WINDOW_DAYS - 1) :],
        horizons=(*basis.spans, FOLLOW_DAYS),
    )
    by_day = np.stack([chosen.day_quantile(share) for share in PROBABILITIES], axis=2)
    names = np.where(basis.trained[rows], model.name if model else "", BASELINE_NAME)
    days = known.history_days()
    spans = _spans(basis, chosen, exceeding, limits, _histogram(question, rows))
    return {
        known.cells[row]: Outlook(
            cell=known.cells[row],
            history_days=int(days[row]),
            forecaster=str(names[place]),
            expected=tuple(chosen.mean[place, : question.horizon].tolist()),
            quantiles=tuple(map(tuple, by_day[place, : question.horizon].tolist())),
            spans=spans[place],
            risk=Risk(float(exceeding[place, -1]), float(limits[place])),
            models=basis.shares[row],
            path=SeriesPath(int(basis.paths[row])),
        )
        for place, row in enumerate(rows)
    }


def _histogram(question: Question, rows: Ints) -> Floats:
    if question.histogram is None:
        return np.zeros((len(rows), len(PEOPLE_OF_BUCKET)))
    return question.histogram[rows]


def _forecast(history: History, model: Forecaster | None, horizon: int) -> tuple[Forecast, Ints]:
    """Return the forecast of all cells, and for which of them the trained model made it."""
    base = history.baseline.forecast(history.origin, horizon)
    if model is None:
        return base, np.zeros(len(base.mean), dtype=np.int64)
    able = model.able(history)
    return combine(base, model.forecast(history, horizon), able), able.astype(np.int64)


def _limits(history: History, calm: Forecast, rows: Ints, policies: Sequence[Policy]) -> Floats:
    """Return the seven-day count above which each cell's own policy would warn, (n,)."""
    mean, dispersion = calm.window(0, WINDOW_DAYS)
    limits = np.zeros(len(rows))
    bounded = history.baseline.bounded[rows]
    sums = np.concatenate([np.zeros((len(rows), 1)), bounded.cumsum(axis=1)], axis=1)
    past = sums[:, WINDOW_DAYS:] - sums[:, :-WINDOW_DAYS]
    days = history.panel.history_days()[rows]
    for place, row in enumerate(rows):
        policy = policy_for(history.panel.cells[row], policies)
        one = slice(place, place + 1)
        windows = Windows(mean[one], mean[one], dispersion[one], days[one], past[one])
        limit = float(thresholds(policy, policy.rules[0].level, windows)[0])
        if policy.strategy is Strategy.FIXED:  # a count per window of the policy's own length
            limit = limit * WINDOW_DAYS / policy.window_days
        limits[place] = limit
    return limits


def _spans(
    basis: _Basis, chosen: Forecast, exceeding: Floats, limits: Floats, histogram: Floats
) -> list[tuple[Span, ...]]:
    """Return the horizons of each chosen cell."""
    rng = np.random.default_rng(basis.as_of.toordinal())
    by_span = []
    for number, days in enumerate(basis.spans):
        mean, dispersion = chosen.window(0, days)
        shares = np.array(PROBABILITIES)[:, None]
        quantiles = nb.quantile(shares, mean, dispersion)
        expected, people = people_of(rng, mean, dispersion, histogram)
        by_span.append(
            [
                Span(
                    days,
                    float(mean[place]),
                    tuple(quantiles[:, place].tolist()),
                    float(exceeding[place, number]),
                    float(limits[place]),
                    People(float(expected[place]), tuple(people[place].tolist())),
                )
                for place in range(len(mean))
            ]
        )
    return list(zip(*by_span, strict=True))
