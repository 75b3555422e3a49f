"""What is expected in single cells over the coming days, and how likely they exceed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from heed_warning.domain.distribution import Forecast
from heed_warning.domain.evaluator import Windows, thresholds
from heed_warning.domain.foresight import Foresight
from heed_warning.domain.intervals import calibrated_quantile
from heed_warning.domain.panel import Cell, Floats, Ints
from heed_warning.domain.people import PEOPLE_PROBABILITIES, People, people_of
from heed_warning.domain.policy import Policy, Strategy, policy_for
from heed_warning.domain.scope import FOLLOW_DAYS, Risk
from heed_warning.domain.series_path import SeriesPath
from heed_warning.domain.track import WINDOW_DAYS

_ROWS_AT_A_TIME = 250
"""Cells simulated together: 400 futures of 250 cells over 28 days take some 30 MB an array."""
PROBABILITIES = (0.05, 0.25, 0.5, 0.75, 0.95)
HORIZONS = (7, 14, 28)
_NOTHING_SAID = People(0.0, (0.0,) * len(PEOPLE_PROBABILITIES))


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
class Chances:
    """How likely cells exceed their thresholds; worked out for whom it is asked, and kept.

    Cells are simulated in fixed groups with a seed of the day and group, so that a cell is told the
    same whoever else is asked about.
    """

    foresight: Foresight
    policies: Sequence[Policy]
    _known: dict[int, tuple[Floats, Floats]] = field(default_factory=dict)

    def of(self, rows: Ints) -> tuple[Floats, Floats]:
        """Return each row's limit, (n,), and how likely it exceeds within each day, (n, 28)."""
        limits, chances = np.zeros(len(rows)), np.zeros((len(rows), FOLLOW_DAYS))
        groups = rows // _ROWS_AT_A_TIME
        for group in np.unique(groups).tolist():
            if group not in self._known:
                self._known[group] = self._simulated(group)
            places = np.flatnonzero(groups == group)
            within = rows[places] - group * _ROWS_AT_A_TIME
            limits[places], chances[places] = (part[within] for part in self._known[group])
        return limits, chances

    def risks(self, cells: Iterable[Cell]) -> dict[Cell, Risk]:
        """Return what those of the cells that have a forecast say to the cells around them."""
        row_of = self.foresight.row_of
        able = [cell for cell in cells if cell in row_of]
        limits, chances = self.of(np.array([row_of[cell] for cell in able], dtype=np.int64))
        found = zip(able, chances[:, -1].tolist(), limits.tolist(), strict=True)
        return {cell: Risk(chance, limit) for cell, chance, limit in found}

    def _simulated(self, group: int) -> tuple[Floats, Floats]:
        seen = self.foresight
        first = group * _ROWS_AT_A_TIME
        rows = np.arange(first, min(first + _ROWS_AT_A_TIME, len(seen.known.cells)))
        limits = _limits(seen, rows, self.policies)
        chosen = seen.forecast.select(rows)
        ahead = Forecast(
            chosen.mean[:, :FOLLOW_DAYS], chosen.dispersion[:, :FOLLOW_DAYS], chosen.frailty
        )
        share = ahead.exceedance(
            np.random.default_rng([seen.as_of.toordinal(), group]),
            limits,
            window_days=WINDOW_DAYS,
            past=seen.known.counts[rows, -(WINDOW_DAYS - 1) :],
            horizons=tuple(range(1, FOLLOW_DAYS + 1)),
        )
        return limits, seen.calibration.select(rows).exceedance(share)


def outlooks(
    chances: Chances, cells: Sequence[Cell], horizon: int, histogram: Floats | None = None
) -> list[Outlook]:
    """Return an outlook for each cell, in order.

    `histogram` has recent items of each cell of the panel by people bucket, (N, 7).
    """
    seen = chances.foresight
    rows = np.array(
        sorted({seen.row_of[cell] for cell in cells if cell in seen.row_of}), dtype=np.int64
    )
    made = _made(chances, rows, horizon, histogram) if len(rows) else {}
    return [
        made[cell] if cell in made else Outlook(cell, seen.days_of.get(cell, 0)) for cell in cells
    ]


def _made(
    chances: Chances, rows: Ints, horizon: int, histogram: Floats | None
) -> dict[Cell, Outlook]:
    seen = chances.foresight
    chosen, calibration = seen.forecast.select(rows), seen.calibration.select(rows)
    mean, dispersion = chosen.mean[:, :horizon], chosen.day_dispersion()[:, :horizon]
    outside = np.broadcast_to(calibration.day[:, None], mean.shape)
    by_day = np.stack(
        [calibrated_quantile(share, mean, dispersion, outside) for share in PROBABILITIES], axis=2
    )
    spans = _spans(chances, rows, horizon, histogram)
    risks = chances.risks(seen.known.cells[row] for row in rows.tolist())
    return {
        cell: Outlook(
            cell=cell,
            history_days=int(seen.history_days[row]),
            forecaster=seen.names[row],
            expected=tuple(mean[place].tolist()),
            quantiles=tuple(map(tuple, by_day[place].tolist())),
            spans=spans[place],
            risk=risks[cell],
            models=seen.shares[row],
            path=SeriesPath(int(seen.paths[row])),
        )
        for place, row in enumerate(rows.tolist())
        for cell in [seen.known.cells[row]]
    }


def _limits(seen: Foresight, rows: Ints, policies: Sequence[Policy]) -> Floats:
    """Return the seven-day count above which each cell's own policy would warn, (n,)."""
    chosen = [policy_for(seen.known.cells[row], policies) for row in rows.tolist()]
    limits = np.zeros(len(rows))
    for policy in dict.fromkeys(chosen):
        places = np.array([place for place, one in enumerate(chosen) if one == policy])
        of = rows[places]
        sums = np.concatenate([np.zeros((len(of), 1)), seen.bounded[of].cumsum(axis=1)], axis=1)
        mean = seen.calm_mean[of]
        windows = Windows(
            mean, mean, seen.calm_dispersion[of], seen.history_days[of],
            sums[:, WINDOW_DAYS:] - sums[:, :-WINDOW_DAYS],
        )  # fmt: skip
        limit = thresholds(policy, policy.rules[0].level, windows)
        if policy.strategy is Strategy.FIXED:  # a count per window of the policy's own length
            with np.errstate(over="ignore"):  # a limit beyond all counts may become infinite
                limit = limit * (WINDOW_DAYS / policy.window_days)
        limits[places] = limit
    return limits


def _spans(
    chances: Chances, rows: Ints, horizon: int, histogram: Floats | None
) -> list[tuple[Span, ...]]:
    """Return the horizons of each row."""
    seen = chances.foresight
    chosen, calibration = seen.forecast.select(rows), seen.calibration.select(rows)
    limits, exceeding = chances.of(rows)
    by_span = []
    for days in tuple(days for days in HORIZONS if days <= horizon) or (horizon,):
        mean, dispersion = chosen.window(0, days)
        outside = calibration.sum_outside(days)
        quantiles = np.stack(
            [calibrated_quantile(share, mean, dispersion, outside) for share in PROBABILITIES]
        )
        people = [
            _people(seen, row, days, float(mean[place]), float(dispersion[place]), histogram)
            for place, row in enumerate(rows.tolist())
        ]
        by_span.append(
            [
                Span(
                    days,
                    float(mean[place]),
                    tuple(quantiles[:, place].tolist()),
                    float(exceeding[place, days - 1]),
                    float(limits[place]),
                    people[place],
                )
                for place in range(len(rows))
            ]
        )
    return list(zip(*by_span, strict=True))


def _people(
    seen: Foresight, row: int, days: int, mean: float, dispersion: float, histogram: Floats | None
) -> People:
    """Return the people of one horizon of a cell; its own seed makes it the same each time."""
    if histogram is None:
        return _NOTHING_SAID
    expected, quantiles = people_of(
        np.random.default_rng([seen.as_of.toordinal(), row, days]),
        np.array([mean]),
        np.array([dispersion]),
        histogram[row : row + 1],
    )
    return People(float(expected[0]), tuple(quantiles[0].tolist()))
