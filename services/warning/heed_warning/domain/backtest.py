"""What a policy would have done: surges found and missed, false warnings, days of lead.

The cells' own history is replayed twice, as it was and with surges added. A warning in the history
as it was is false unless a person confirmed or explained one of the same days. A surge is found
when a warning fires while it lasts or in the window after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from heed_warning.domain.day_kind import WorkingDay
from heed_warning.domain.panel import Booleans, Cell, Floats, Panel
from heed_warning.domain.policy import Level, Policy
from heed_warning.domain.replay import Advance, begun, firing, levels_reached, standing_on
from heed_warning.domain.skips import Skip, skip_mask, skipped_rows
from heed_warning.domain.surges import NO_SURGES, Surges, add_surges


@dataclass(frozen=True)
class BacktestRow:
    """One cell in a backtest; without a cell it is all of them."""

    cell: Cell | None
    day_count: int
    warning_count: int
    false_count: int
    surge_count: int
    found_count: int
    mean_lead_days: float

    @property
    def found_share(self) -> float:
        """Share of the surges that were found; negative without surges."""
        return self.found_count / self.surge_count if self.surge_count else -1.0


@dataclass(frozen=True)
class Judged:
    """What people confirmed of a panel's past."""

    confirmed: Surges
    """Warnings judged confirmed: surges that were real."""
    real: Booleans
    """Days that a warning judged confirmed or explained holds, (N, T)."""


def judged(skips: Sequence[Skip], panel: Panel) -> Judged:
    """Lay what people judged out on a panel."""
    row_of = {cell: row for row, cell in enumerate(panel.cells)}
    found = []
    for skip in (skip for skip in skips if skip.confirmed):
        start, stop = panel.index_of(skip.first), panel.index_of(skip.last) + 1
        if skip.cell in row_of and stop > 0 and start < panel.day_count:
            row, start = row_of[skip.cell], max(start, 0)
            stop = min(stop, panel.day_count)
            peak = start + int(np.argmax(panel.counts[row, start:stop]))
            found.append((row, start, stop, peak))
    rows = skipped_rows(skips, panel.cells, panel.first_day)
    real = skip_mask(rows, len(panel.cells), panel.day_count)
    surges = Surges(*np.array(found, dtype=np.int64).T) if found else NO_SURGES
    return Judged(surges, real)


def backtest(
    panel: Panel,
    policy: Policy,
    first: int,
    working: WorkingDay,
    *,
    seed: int,
    skips: Sequence[Skip] = (),
    advance: Advance = lambda _: None,
) -> list[BacktestRow]:
    """Replay a panel from day number `first` to its end; the total comes first, then each cell."""
    days = range(first, panel.day_count)
    known = judged(skips, panel)
    added, surges = add_surges(panel.counts, panel.started, first, panel.day_count - 1, seed)
    surged = replace(panel, counts=added)
    halves = (lambda share: advance(share / 2), lambda share: advance(0.5 + share / 2))
    as_it_was, with_surges = (
        _fires(one, policy, days, working, skips, tell)
        for one, tell in zip((panel, surged), halves, strict=True)
    )
    began = begun(as_it_was)
    false = false_warnings(as_it_was, known.real[:, first:])
    found = [
        *_found(with_surges, surges, first, policy.window_days),
        *_found(as_it_was, _within(known.confirmed, first), first, policy.window_days),
    ]
    rows = [
        _row(cell, len(days), began[row], false[row], [one for one in found if one[0] == row])
        for row, cell in enumerate(panel.cells)
    ]
    total = _row(None, len(days), began, false, found)
    return [total, *rows]


def _fires(
    panel: Panel,
    policy: Policy,
    days: range,
    working: WorkingDay,
    skips: Sequence[Skip],
    advance: Advance,
) -> Booleans:
    standing = standing_on(panel, policy, days, working, skips=skips, advance=advance)
    return firing(levels_reached(policy, standing) > Level.NONE, policy)


def false_warnings(fires: Booleans, real: Booleans) -> Booleans:
    """Say which warnings began and held no day that people confirmed or explained, (N, D).

    Each stands on the day on which it began.
    """
    began = begun(fires)
    number = began.cumsum(axis=1)  # of the warning that is firing on a day
    false = began.copy()
    for row in np.flatnonzero((fires & real).any(axis=1)):
        held = np.unique(number[row, fires[row] & real[row]])
        starts = np.flatnonzero(began[row])
        false[row, starts[held - 1]] = False
    return false


def found_on(fires: Booleans, surges: Surges, first: int, after_days: int) -> Floats:
    """Return the day number on which each surge was found, NaN where it was missed, (S,).

    `fires` begins with day number `first`; `after_days` is how long after its end it still counts.
    """
    days = fires.shape[1]
    coming = np.where(fires, np.arange(days), days)
    coming = np.concatenate([coming, np.full((len(fires), 1), days)], axis=1)
    coming = np.minimum.accumulate(coming[:, ::-1], axis=1)[:, ::-1]  # next day of firing, (N, D+1)
    start = np.clip(surges.start - first, 0, days)
    stop = np.clip(surges.stop - first + after_days - 1, 0, days)
    found = coming[surges.row, start]
    return np.where(found < stop, found + float(first), np.nan)


def _within(surges: Surges, first: int) -> Surges:
    use = surges.start >= first
    return Surges(surges.row[use], surges.start[use], surges.stop[use], surges.peak[use])


def _found(fires: Booleans, surges: Surges, first: int, after_days: int) -> list[tuple[int, float]]:
    """Return row and lead in days, NaN where it was missed, of each surge."""
    lead = surges.peak - found_on(fires, surges, first, after_days)
    return list(zip(surges.row.tolist(), lead.tolist(), strict=True))


def _row(
    cell: Cell | None,
    days: int,
    began: Booleans,
    false: Booleans,
    found: Sequence[tuple[int, float]],
) -> BacktestRow:
    leads: Floats = np.array([lead for _, lead in found if not np.isnan(lead)])
    return BacktestRow(
        cell=cell,
        day_count=days,
        warning_count=int(began.sum()),
        false_count=int(false.sum()),
        surge_count=len(found),
        found_count=len(leads),
        mean_lead_days=float(leads.mean()) if len(leads) else 0.0,
    )


def joined(parts: Sequence[Sequence[BacktestRow]]) -> list[BacktestRow]:
    """Join the backtests of several parts of one panel into one, the total first."""
    totals, rows = [part[0] for part in parts], [row for part in parts for row in part[1:]]
    found = sum(total.found_count for total in totals)
    lead = sum(total.mean_lead_days * total.found_count for total in totals)
    total = BacktestRow(
        cell=None,
        day_count=max((total.day_count for total in totals), default=0),
        warning_count=sum(total.warning_count for total in totals),
        false_count=sum(total.false_count for total in totals),
        surge_count=sum(total.surge_count for total in totals),
        found_count=found,
        mean_lead_days=lead / found if found else 0.0,
    )
    return [total, *rows]
