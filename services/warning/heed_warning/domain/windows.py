"""The windows that an evaluation judges: what came, and what was foreseen before they began."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import numpy as np

from heed_warning.domain.day_kind import WorkingDay, kinds, year_days
from heed_warning.domain.evaluator import (
    DAYS_REQUIRED,
    Windows,
    added_up,
    standardised_excess,
)
from heed_warning.domain.history import LONGEST_HORIZON, Forecaster, Prediction, history_of
from heed_warning.domain.panel import Booleans, Floats, Ints, Panel
from heed_warning.domain.policy import Policy, Strategy
from heed_warning.domain.profile import fit_profile
from heed_warning.domain.skips import Skip, skip_mask, skipped_rows
from heed_warning.domain.track import Track, follow

FOLLOWED_DAYS = 550
"""Days over which levels and dispersions are followed; what lies before has been forgotten."""
WINDOWS_ADDED_UP = 13
"""Windows over which excesses add up, the latest included: a quarter of weeks."""


@dataclass(frozen=True)
class Past:
    """A panel followed through time, ready to tell of windows that end on any followed day."""

    panel: Panel
    """What is followed, from its first followed day on."""
    track: Track
    sums: Floats
    """Items before each day, (N, T + 1)."""
    skipped: Booleans | None
    """Days left out, (N, T); none where no day is."""
    place_of: Mapping[int, int]
    """Place in the track of each day number."""
    _sums_of: dict[int, Floats] = field(default_factory=dict)
    _excess_of: dict[tuple[int, int], Floats] = field(default_factory=dict)
    # What a replay asks for again on each day is worked out once.

    def observed(self, day: int, window_days: int) -> Floats:
        """Return the items of the windows that end on a day, (N,)."""
        return np.asarray(self.sums[:, day + 1] - self.sums[:, max(day + 1 - window_days, 0)])

    def foreseen(self, day: int, window_days: int) -> tuple[Floats, Floats]:
        """Return mean and dispersion of the windows that end on a day, as foreseen before, (N,)."""
        return self.track.window(self.place_of[day - window_days], window_days)

    def history_days(self, day: int, window_days: int) -> Ints:
        """Return how long each cell had been counted before the windows began, (N,)."""
        return np.asarray(np.maximum(day - window_days + 1 - self.panel.started, 0))

    def past_sums(self, day: int, window_days: int) -> Floats:
        """Return the sums of all windows that ended before this one began, (N, P)."""
        if window_days not in self._sums_of:
            self._sums_of[window_days] = rolling_sums(self.track.bounded, window_days)
        return self._sums_of[window_days][:, : max(day - 2 * window_days + 2, 0)]

    def excess(self, day: int, window_days: int) -> Floats:
        """Return the standardised excess of the windows that end on a day, (N,).

        It is -inf where the window holds a skipped day or too little came before: the sum of
        excesses begins anew there.
        """
        if (day, window_days) in self._excess_of:
            return self._excess_of[day, window_days]
        mean, dispersion = self.foreseen(day, window_days)
        excess = standardised_excess(self.observed(day, window_days), mean, dispersion)
        out = self.history_days(day, window_days) < DAYS_REQUIRED
        if self.skipped is not None:
            out |= self.skipped[:, max(day + 1 - window_days, 0) : day + 1].any(axis=1)
        self._excess_of[day, window_days] = np.where(out, -np.inf, excess)
        return self._excess_of[day, window_days]

    def carried(self, day: int, window_days: int) -> Floats:
        """Return the excesses added up over the windows before the one that ends on a day, (N,)."""
        total = np.zeros(len(self.panel.cells))
        for back in range(WINDOWS_ADDED_UP - 1, 0, -1):
            ended = day - back * window_days
            if ended - window_days in self.place_of:
                total = added_up(total, self.excess(ended, window_days))
        return total


def past_of(
    known: Panel,
    policies: Sequence[Policy],
    working: WorkingDay,
    skips: Sequence[Skip] = (),
    *,
    days: Sequence[int] = (),
    keep_bounded: bool = False,
) -> Past:
    """Follow a panel to its end, so that windows can be told of that end on `days`.

    Args:
        known: The panel, without the silence before it, cut at the last day that may be known.
        policies: Whose windows are wanted.
        working: The calendar.
        skips: Days that are left out.
        days: Day numbers of the panel on which windows end; the last day if none is given.
        keep_bounded: Whether counts with past outbreaks cut down are wanted in any case.
    """
    kept = min(known.day_count, FOLLOWED_DAYS + (known.day_count - 1 - min(days) if days else 0))
    start = known.day_count - kept
    category, _ = known.groups()
    ahead = known.day_count + LONGEST_HORIZON
    day_kinds, of_year = kinds(known.first_day, ahead, working), year_days(known.first_day, ahead)
    profile = fit_profile(known, category, day_kinds[: known.day_count], of_year[: known.day_count])
    panel = known.since(start)
    ends = [day - start for day in days] or [panel.day_count - 1]
    origins = sorted(_origins(policies, ends))
    by_day = skipped_rows(skips, panel.cells, panel.first_day)
    bounded = keep_bounded or any(
        policy.strategy is Strategy.HISTORICAL_QUANTILE for policy in policies
    )
    track = follow(
        panel, profile, day_kinds[start:], of_year[start:], origins,
        skipped=by_day, keep_bounded=bounded,
    )  # fmt: skip
    sums = np.zeros((len(panel.cells), panel.day_count + 1))
    np.cumsum(panel.counts, axis=1, out=sums[:, 1:])
    mask = skip_mask(by_day, len(panel.cells), panel.day_count) if by_day else None
    return Past(panel, track, sums, mask, {day: place for place, day in enumerate(origins)})


def _origins(policies: Iterable[Policy], ends: Sequence[int]) -> set[int]:
    """Return the days on which the windows that end on `ends` were foreseen."""
    origins: set[int] = set()
    for policy in policies:
        windows = WINDOWS_ADDED_UP if policy.strategy is Strategy.CUMULATIVE else 1
        for back in range(1, windows + 1):
            origins.update(end - back * policy.window_days for end in ends)
    return {day for day in origins if day >= 0}


def windows_on(past: Past, policy: Policy, day: int) -> Windows:
    """Return what a policy judges of the windows that end on a day number of the followed panel."""
    days = policy.window_days
    mean, dispersion = past.foreseen(day, days)
    nothing = np.zeros((len(mean), 0))
    quantile = policy.strategy is Strategy.HISTORICAL_QUANTILE
    return Windows(
        observed=past.observed(day, days),
        mean=mean,
        dispersion=dispersion,
        history_days=past.history_days(day, days),
        past=past.past_sums(day, days) if quantile else nothing,
        carried=past.carried(day, days) if policy.strategy is Strategy.CUMULATIVE else None,
    )


def latest_windows(
    known: Panel,
    policies: Sequence[Policy],
    model: Forecaster | None,
    working: WorkingDay,
    skips: Sequence[Skip],
) -> list[Windows]:
    """Return for each policy what it judges of every cell on the last day of a panel.

    Where a trained model is able to, it foresees the window in place of the followed level.
    """
    counted = known.after_silence()
    able = [
        policy
        for policy in policies
        if counted.cells and counted.day_count - policy.window_days >= DAYS_REQUIRED
    ]
    past = None
    if able:
        past = past_of(counted, able, working, skips, keep_bounded=model is not None)
    found = []
    made: dict[int, Prediction] = {}
    for policy in policies:
        observed = known.counts[:, max(known.day_count - policy.window_days, 0) :].sum(axis=1)
        if past is None or policy not in able:
            found.append(_unforeseen(counted, policy, observed))
            continue
        windows = replace(windows_on(past, policy, past.panel.day_count - 1), observed=observed)
        if model is not None:
            days = policy.window_days
            if days not in made:
                # Most policies share their window, and a prediction costs more than all else here.
                made[days] = _predicted(past, days, model, working)
            windows = _by_model(windows, made[days], days)
        found.append(windows)
    return found


def _unforeseen(counted: Panel, policy: Policy, observed: Floats) -> Windows:
    """Return windows of which nothing could be foreseen, so that only a fixed count judges."""
    count = len(counted.cells)
    age = np.maximum(counted.day_count - policy.window_days - counted.started, 0)
    return Windows(observed, np.zeros(count), np.zeros(count), age, np.zeros((count, 0)))


def _predicted(past: Past, window_days: int, model: Forecaster, working: WorkingDay) -> Prediction:
    """Return what the model foresaw of the windows that end on the last day."""
    before = past.panel.last_day - timedelta(days=window_days)
    calm = replace(past.panel, counts=past.track.bounded)
    return model.predict(history_of(calm, before, working), window_days)


def _by_model(windows: Windows, made: Prediction, window_days: int) -> Windows:
    mean, dispersion = made.forecast.window(0, window_days)
    return replace(
        windows,
        mean=np.where(made.able, mean, windows.mean),
        dispersion=np.where(made.able, dispersion, windows.dispersion),
    )


def rolling_sums(counts: Floats, days: int) -> Floats:
    """Return the sums of so many days in a row, (N, T - days + 1)."""
    if counts.shape[1] < days:
        return np.zeros((counts.shape[0], 0))
    sums = np.concatenate([np.zeros((counts.shape[0], 1)), counts.cumsum(axis=1)], axis=1)
    return np.asarray(sums[:, days:] - sums[:, :-days])
