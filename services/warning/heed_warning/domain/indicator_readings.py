"""Reads indicators of many cells as of a day: value, outcome, percentile, over its limit or not.

An indicator is over where its value lies high among the cell's own past values, and chance would
hardly make it so. Small counts are used here but never shown: below five of a kind there is no
figure in any answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from heed_warning.domain.counts import Measure
from heed_warning.domain.evidence import Evidence
from heed_warning.domain.indicator_formulas import COMPUTATIONS, Computation, Figures
from heed_warning.domain.indicators import (
    Direction,
    IndicatorDefinition,
    IndicatorOutcome,
    Reading,
)
from heed_warning.domain.panel import Booleans, Floats, Ints

PAST_WEEKS = 104
"""Past windows that a value is compared with, one a week; windows that overlap it are left out."""
PAST_REQUIRED = 26
SMALLEST_COUNT_SHOWN = 5
BLOCK_CELLS = 8192
"""Cells whose past is computed together, which bounds the memory."""
PARTICIPATION_OF = "B5"
SPREAD = "C1"


@dataclass(frozen=True)
class Readings:
    """One indicator of n cells; arrays are (n,)."""

    definition: IndicatorDefinition
    outcome: Ints
    value: Floats
    """Exact, also where it must not be shown; NaN where there is none."""
    numerator: Floats
    denominator: Floats
    percentile: Floats
    over: Booleans
    over_before: Booleans
    """Whether it was over in the window before the latest one."""
    participation: Floats
    """参评率 where the indicator is shown with it; negative elsewhere."""

    def reading(self, place: int) -> Reading:
        """Return the indicator of one cell as it may be shown."""
        outcome = IndicatorOutcome(int(self.outcome[place]))
        shown = outcome is IndicatorOutcome.VALUE
        title = self.definition.title
        if shown and self.participation[place] >= 0:
            title += f"(参评率{self.participation[place]:.0%})"
        return Reading(
            code=self.definition.code,
            title=title,
            family=self.definition.family,
            version=self.definition.version,
            outcome=outcome,
            value=float(self.value[place]) if shown else 0.0,
            numerator=float(self.numerator[place]) if shown else 0.0,
            denominator=float(self.denominator[place]) if shown else 0.0,
            percentile=float(self.percentile[place]) if shown else -1.0,
            over=bool(self.over[place]),
        )


def read_indicators(
    definitions: Iterable[IndicatorDefinition], evidence: Evidence, rows: Ints
) -> list[Readings]:
    """Read every indicator of some cells, in the order of the definitions."""
    return [_read(definition, evidence, rows) for definition in definitions]


def _read(definition: IndicatorDefinition, evidence: Evidence, rows: Ints) -> Readings:
    computation = COMPUTATIONS[definition.code]
    now = computation.formula(evidence, definition.window_days, rows, 1)
    latest = Figures(*(getattr(now, name) for name in Figures.__dataclass_fields__))
    outcome = _outcomes(definition, computation, evidence, rows, latest)
    numerator, denominator = latest.numerator[:, 0], latest.denominator[:, 0]
    shape = len(rows)
    percentile = np.full(shape, -1.0)
    over, over_before = np.zeros((2, shape), dtype=np.bool_)
    compared = outcome == IndicatorOutcome.VALUE
    if computation.small_counts:
        compared |= (outcome == IndicatorOutcome.SUPPRESSED) & (numerator >= SMALLEST_COUNT_SHOWN)
    places = np.flatnonzero(compared)
    for start in range(0, len(places), BLOCK_CELLS):
        block = places[start : start + BLOCK_CELLS]
        found = _compared(definition, computation, evidence, rows[block])
        percentile[block], over[block], over_before[block] = found
    participation = np.full(shape, -1.0)
    if definition.code == PARTICIPATION_OF:
        participation = _participation(evidence, definition.window_days, rows)
    return Readings(
        definition, outcome, latest.value[:, 0], numerator, denominator, percentile, over,
        over_before, participation,
    )  # fmt: skip


def _outcomes(
    definition: IndicatorDefinition,
    computation: Computation,
    evidence: Evidence,
    rows: Ints,
    now: Figures,
) -> Ints:
    """Return what becomes of each cell's latest value, (n,)."""
    outcome = np.full(len(rows), IndicatorOutcome.VALUE, dtype=np.int64)
    if computation.small_counts:
        part, rest = now.numerator[:, 0], now.denominator[:, 0] - now.numerator[:, 0]
        outcome[_small(part) | _small(rest)] = IndicatorOutcome.SUPPRESSED
    outcome[np.isnan(now.value[:, 0])] = IndicatorOutcome.INSUFFICIENT_HISTORY
    outcome[now.base[:, 0] < definition.minimum_denominator] = IndicatorOutcome.BELOW_MINIMUM
    counted = evidence.counted(computation.measures[0])[rows]
    for measure in computation.measures[1:]:
        counted = counted & evidence.counted(measure).any()
    if definition.code == SPREAD:
        counted = counted & np.isin(rows, evidence.descents()[1])
    outcome[~counted] = IndicatorOutcome.NOT_COUNTED
    return outcome


def _small(counts: Floats) -> Booleans:
    return np.asarray((counts > 0) & (counts < SMALLEST_COUNT_SHOWN))


def _compared(
    definition: IndicatorDefinition, computation: Computation, evidence: Evidence, rows: Ints
) -> tuple[Floats, Booleans, Booleans]:
    """Return percentile, over, and over in the window before, each (n,)."""
    weeks = definition.window_days // 7
    figures = computation.formula(evidence, definition.window_days, rows, PAST_WEEKS + 2 * weeks)
    days = np.min([evidence.counted_days(measure) for measure in computation.measures], axis=0)
    days = np.minimum(days, evidence.history_days)[rows, None]
    known = days // 7 - np.arange(PAST_WEEKS + 2 * weeks) >= weeks
    usable = known & (figures.base >= definition.minimum_denominator) & ~np.isnan(figures.value)
    percentile, over = _held_against(definition, computation, figures, usable, 0)
    _, before = _held_against(definition, computation, figures, usable, weeks)
    return percentile, over, before & usable[:, weeks]


def _held_against(
    definition: IndicatorDefinition,
    computation: Computation,
    figures: Figures,
    usable: Booleans,
    ago: int,
) -> tuple[Floats, Booleans]:
    """Hold the window that ended some weeks ago against those before it, each (n,)."""
    weeks = definition.window_days // 7
    past = slice(ago + weeks, ago + weeks + PAST_WEEKS)
    value, earlier, use = figures.value[:, ago, None], figures.value[:, past], usable[:, past]
    number = use.sum(axis=1)
    below = (use & (earlier < value)).sum(axis=1) / np.maximum(number, 1)
    worse = below
    if definition.direction is Direction.LOWER_IS_WORSE:
        worse = (use & (earlier > value)).sum(axis=1) / np.maximum(number, 1)
    enough = number >= PAST_REQUIRED
    # What was no value then is nothing to compare with now.
    seen = Figures(
        np.concatenate([value, np.where(use, earlier, np.nan)], axis=1),
        *(
            np.concatenate([part[:, ago, None], part[:, past] * use], axis=1)
            for part in (figures.numerator, figures.denominator, figures.base)
        ),
    )
    over = enough & (worse >= definition.limit_percentile) & computation.striking(seen)
    if computation.small_counts:
        over &= figures.numerator[:, ago] >= SMALLEST_COUNT_SHOWN
    return np.where(enough, below, -1.0), over


def _participation(evidence: Evidence, window_days: int, rows: Ints) -> Floats:
    """Return rated over invited, (n,); negative where nobody is known to have been invited."""
    rated = evidence.window(Measure.RATED, window_days, rows, 1)[:, 0]
    invited = evidence.window(Measure.INVITED, window_days, rows, 1)[:, 0]
    share = np.minimum(rated / np.maximum(invited, 1.0), 1.0)
    return np.where(invited > 0, share, -1.0)


def readings_of(readings: Sequence[Readings], place: int) -> list[Reading]:
    """Return all indicators of one cell as they may be shown."""
    return [one.reading(place) for one in readings]
