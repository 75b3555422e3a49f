"""Finds thresholds from the cells' own history, and shows what a policy would have done."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from heed_shared import telemetry
from heed_shared.clock import Clock
from heed_shared.database import Database
from heed_shared.errors import InsufficientHistory, InvalidField
from heed_shared.identity import Caller
from heed_warning.application.evaluation import closed_day
from heed_warning.application.places import working_day
from heed_warning.application.ports import Panels, Skips
from heed_warning.domain.backtest import BacktestRow, backtest, joined
from heed_warning.domain.day_kind import WorkingDay
from heed_warning.domain.evaluator import DAYS_REQUIRED
from heed_warning.domain.panel import Panel
from heed_warning.domain.policy import Policy
from heed_warning.domain.replay import Advance
from heed_warning.domain.skips import Skip
from heed_warning.domain.trades import DEFAULT_SEED, Aim, Recommendation, recommend

RECOMMENDED_DAYS = 365
BACKTESTED_DAYS = 180
LONGEST_REPLAY_DAYS = 1100
MOST_CELLS = 4000
"""Cells that are replayed together; a recommendation looks at no more, a backtest part by part."""
_LOOK_S = 0.2


@dataclass(frozen=True)
class Ground:
    """What is replayed: some cells up to a day, evaluated from a day number on."""

    panel: Panel
    first: int
    skips: Sequence[Skip]

    @property
    def first_day(self) -> date:
        """The first day that is evaluated."""
        return self.panel.first_day + timedelta(days=self.first)


class _StoppedError(Exception):
    """The replay was told to stop."""


@dataclass(frozen=True)
class Tuner:
    """The use cases RecommendThresholds and BacktestPolicy."""

    database: Database
    clock: Clock
    panels: Panels
    skips: Skips

    async def ground(
        self,
        caller: Caller,
        policy: Policy,
        data_from: date | None,
        data_to: date | None,
        days: int,
    ) -> Ground:
        """Return the cells of a policy in the caller's region, at the finest level there is.

        Raises:
            InvalidField: The last day is not closed, or the days are in the wrong order.
            InsufficientHistory: The history ends before anything could be evaluated.
        """
        last = closed_day(data_to, self.clock)
        start = data_from or last - timedelta(days=days - 1)
        if start > last:
            raise InvalidField("data_from", "must not lie after data_to")
        if (last - start).days >= LONGEST_REPLAY_DAYS:
            raise InvalidField("data_from", f"must lie at most {LONGEST_REPLAY_DAYS} days back")
        panel = (await self.panels.latest(last)).after_silence()
        async with self.database.read() as connection:
            skips = await self.skips.until(connection, last)
        rows = [
            row
            for row, cell in enumerate(panel.cells)
            if caller.covers(cell.region) and policy.covers(cell)
        ]
        chosen = panel.select(panel.finest(np.array(rows, dtype=np.int64)))
        needed = DAYS_REQUIRED + policy.window_days
        if not chosen.cells or chosen.day_count < needed:
            raise InsufficientHistory(chosen.day_count if chosen.cells else 0, needed)
        return Ground(chosen, max(panel.index_of(start), 0), skips)

    async def recommend(self, ground: Ground, policy: Policy, aim: Aim) -> Recommendation:
        """Return thresholds for an aim; of very many cells whole regions are drawn by lot.

        Raises:
            InsufficientHistory: No cell has history enough.
        """
        panel = drawn(ground.panel)
        with telemetry.span("warning.recommend"):
            found = await asyncio.to_thread(
                recommend, panel, policy, ground.first, aim, working_day, skips=ground.skips
            )
        if not found.trades:
            raise InsufficientHistory(
                int(panel.history_days().max()), DAYS_REQUIRED + policy.window_days
            )
        return found

    async def backtest(
        self,
        ground: Ground,
        policy: Policy,
        seed: int,
        report: Callable[[float], Awaitable[None]],
    ) -> list[BacktestRow]:
        """Return the total and each cell; when cancelled, the replay ends within a day of it."""
        stop, done = threading.Event(), [0.0]

        def advance(share: float) -> None:
            done[0] = share
            if stop.is_set():
                raise _StoppedError

        with telemetry.span("warning.backtest"):
            work = asyncio.create_task(
                asyncio.to_thread(
                    backtest_parts, ground, policy, working_day, seed or DEFAULT_SEED, advance
                )
            )
            try:
                while not work.done():
                    await asyncio.wait({work}, timeout=_LOOK_S)
                    await report(done[0])
                return work.result()
            finally:
                stop.set()
                await asyncio.gather(work, return_exceptions=True)


def drawn(panel: Panel) -> Panel:
    """Return the panel, or whole regions of it drawn by lot where it has very many cells."""
    if len(panel.cells) <= MOST_CELLS:
        return panel
    regions = sorted({cell.region for cell in panel.cells})
    order = np.random.default_rng(DEFAULT_SEED).permutation(len(regions))
    lot = {regions[place]: turn for turn, place in enumerate(order.tolist())}
    rows = sorted(range(len(panel.cells)), key=lambda row: (lot[panel.cells[row].region], row))
    last = panel.cells[rows[MOST_CELLS - 1]].region
    return panel.select(
        np.array([row for row in rows if lot[panel.cells[row].region] <= lot[last]])
    )


def backtest_parts(
    ground: Ground, policy: Policy, working: WorkingDay, seed: int, advance: Advance
) -> list[BacktestRow]:
    """Replay whole regions at a time, so that memory stays the same however many there are."""
    panel = ground.panel
    parts = panel.by_regions(np.arange(len(panel.cells)), MOST_CELLS)
    found = []
    for number, rows in enumerate(parts):

        def tell(share: float, before: int = number) -> None:
            advance((before + share) / len(parts))

        found.append(
            backtest(
                panel.select(rows),
                policy,
                ground.first,
                working,
                seed=seed,
                skips=ground.skips,
                advance=tell,
            )
        )
    return joined(found)
