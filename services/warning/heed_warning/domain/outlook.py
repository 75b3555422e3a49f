"""What is expected in single cells over the coming days, and how likely they exceed."""

from __future__ import annotations

from collections.abc import Sequence
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
    Forecaster,
    History,
    history_of,
)
from heed_warning.domain.panel import Cell, Floats, Ints, Panel
from heed_warning.domain.policy import Policy, Strategy, policy_for

PROBABILITIES = (0.05, 0.25, 0.5, 0.75, 0.95)
HORIZONS = (7, 14, 28)


@dataclass(frozen=True)
class Span:
    """A number of coming days together."""

    days: int
    expected: float
    quantiles: tuple[float, ...]
    exceedance: float
    threshold: float


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


def outlooks(
    panel: Panel,
    as_of: date,
    cells: Sequence[Cell],
    *,
    horizon: int,
    policies: Sequence[Policy],
    model: Forecaster | None,
    working: WorkingDay,
) -> list[Outlook]:
    """Return an outlook for each cell, in order; days after `as_of` are never looked at."""
    known = panel.until(as_of).after_silence()
    row_of = {cell: row for row, cell in enumerate(known.cells)}
    days = known.history_days()
    rows = [row_of[cell] for cell in cells if cell in row_of]
    rows = sorted({row for row in rows if days[row] >= DAYS_FOR_BASELINE})
    made: dict[Cell, Outlook] = {}
    if rows:
        made = _outlooks(known, as_of, np.array(rows), horizon, policies, model, working)
    empty = (Outlook(cell, int(days[row_of[cell]]) if cell in row_of else 0) for cell in cells)
    return [made.get(short.cell, short) for short in empty]


def _outlooks(
    known: Panel,
    as_of: date,
    rows: Ints,
    horizon: int,
    policies: Sequence[Policy],
    model: Forecaster | None,
    working: WorkingDay,
) -> dict[Cell, Outlook]:
    history = history_of(known, as_of, working)
    longest = max(horizon, WINDOW_DAYS)
    forecast, trained = _forecast(history, model, longest)
    calm, _ = _forecast(history.without_outbreaks(), model, WINDOW_DAYS)
    limits = _limits(history, calm.select(rows), rows, policies)
    chosen = forecast.select(rows)
    spans = tuple(days for days in HORIZONS if days <= horizon) or (horizon,)
    # The day seeds the simulation, so that asking again answers the same.
    exceeding = chosen.exceedance(
        np.random.default_rng(as_of.toordinal()),
        limits,
        window_days=WINDOW_DAYS,
        past=known.counts[rows, -(WINDOW_DAYS - 1) :],
        horizons=spans,
    )
    by_day = np.stack([chosen.day_quantile(share) for share in PROBABILITIES], axis=2)
    names = np.where(trained, model.name if model else "", BASELINE_NAME)
    days = known.history_days()
    return {
        known.cells[row]: Outlook(
            cell=known.cells[row],
            history_days=int(days[row]),
            forecaster=str(names[row]),
            expected=tuple(chosen.mean[place, :horizon].tolist()),
            quantiles=tuple(map(tuple, by_day[place, :horizon].tolist())),
            spans=_spans(chosen, place, spans, exceeding[place], float(limits[place])),
        )
        for place, row in enumerate(rows)
    }


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
    forecast: Forecast, place: int, horizons: tuple[int, ...], exceeding: Floats, limit: float
) -> tuple[Span, ...]:
    one = forecast.select(np.array([place]))
    spans = []
    for number, days in enumerate(horizons):
        mean, dispersion = one.window(0, days)
        quantiles = nb.quantile(np.array(PROBABILITIES), mean, dispersion)
        spans.append(
            Span(days, float(mean[0]), tuple(quantiles.tolist()), float(exceeding[number]), limit)
        )
    return tuple(spans)
