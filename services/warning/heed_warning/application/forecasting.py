"""Answers what is expected in cells, with uncertainty, and how far a rise may reach."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from heed_shared import telemetry
from heed_shared.clock import Clock
from heed_shared.database import Database
from heed_warning.application.evaluation import closed_day
from heed_warning.application.places import Places, working_day
from heed_warning.application.ports import Models, Panels, Policies
from heed_warning.domain.evidence import Evidence
from heed_warning.domain.outlook import Outlook, Question, outlooks
from heed_warning.domain.panel import Cell, Panel
from heed_warning.domain.people import people_histogram
from heed_warning.domain.scope import Follower, followers, related

DEFAULT_HORIZON_DAYS = 28
Visible = Callable[[str], bool]


@dataclass(frozen=True)
class CellScope:
    """What is expected in a cell, and where it may spread."""

    outlook: Outlook
    followers: Sequence[Follower]


@dataclass(frozen=True)
class Scope:
    """Which cells are forecast page by page."""

    prefixes: Sequence[str]
    """A region begins with all of them."""
    category: str
    """Empty means all."""
    after: Cell | None
    limit: int

    def page(self, cells: Sequence[Cell]) -> list[Cell]:
        """Return the next cells of the scope, by region and category."""
        wanted = sorted(
            cell
            for cell in cells
            if all(cell.region.startswith(prefix) for prefix in self.prefixes)
            and self.category in {"", cell.category}
            and (self.after is None or cell > self.after)
        )
        return wanted[: self.limit]


@dataclass(frozen=True)
class Foreseer:
    """The use cases Forecast and BatchForecast."""

    database: Database
    clock: Clock
    places: Places
    panels: Panels
    policies: Policies
    models: Models

    async def forecast(
        self, cells: Sequence[Cell], as_of: date | None, horizon_days: int, visible: Visible
    ) -> tuple[date, list[CellScope]]:
        """Return the day known up to and what is expected in each cell, in the same order.

        Followers in regions that are not visible are left out.

        Raises:
            UnknownRegion: A region is in no mounted table.
            UnknownCategory: A category is in no mounted taxonomy.
            InvalidField: The day is not closed.
        """
        for place, cell in enumerate(cells):
            self.places.require(cell, f"cells[{place}]")
        day = closed_day(as_of, self.clock)
        panel, evidence = await self.panels.evidence(day)
        return day, await self._foresee(day, panel, evidence, cells, horizon_days, visible)

    async def forecast_page(
        self, scope: Scope, as_of: date | None, horizon_days: int, visible: Visible
    ) -> tuple[date, list[CellScope]]:
        """Return the same for the next cells of a scope.

        Raises:
            InvalidField: The day is not closed.
        """
        day = closed_day(as_of, self.clock)
        panel, evidence = await self.panels.evidence(day)
        cells = scope.page(panel.cells)
        return day, await self._foresee(day, panel, evidence, cells, horizon_days, visible)

    async def _foresee(
        self,
        day: date,
        panel: Panel,
        evidence: Evidence,
        cells: Sequence[Cell],
        horizon_days: int,
        visible: Visible,
    ) -> list[CellScope]:
        started = time.monotonic()
        async with self.database.read() as connection:
            policies = await self.policies.all(connection)
        question = Question(
            horizon=horizon_days or DEFAULT_HORIZON_DAYS,
            policies=policies,
            model=await self.models.current(),
            working=working_day,
            ancestors=self.places.still_above,
            histogram=people_histogram(evidence),
        )
        with telemetry.span("warning.forecast"):
            found = await asyncio.to_thread(self._scopes, panel, day, cells, question, visible)
        telemetry.record("heed.warning.forecast_duration", time.monotonic() - started)
        return found

    def _scopes(
        self, panel: Panel, day: date, cells: Sequence[Cell], question: Question, visible: Visible
    ) -> list[CellScope]:
        relations = {
            cell: [other for other in others if visible(other[0].region)]
            for cell, others in related(panel.cells, cells, self.places.still_above).items()
        }
        around = {other for others in relations.values() for other, _ in others}
        every = [*cells, *sorted(around - set(cells))]
        made = {item.cell: item for item in outlooks(panel, day, every, question)}
        risks = {cell: outlook.risk for cell, outlook in made.items() if outlook.risk}
        known = panel.until(day).after_silence()
        found = followers(known, risks, relations)
        return [CellScope(made[cell], found.get(cell, ())) for cell in cells]
