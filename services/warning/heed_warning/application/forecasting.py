"""Answers what is expected in cells, with uncertainty, and how far a rise may reach."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

from heed_shared import telemetry
from heed_shared.clock import Clock
from heed_shared.database import Database
from heed_warning.application.evaluation import closed_day
from heed_warning.application.places import Places, working_day
from heed_warning.application.ports import Models, Panels, Policies
from heed_warning.domain.evidence import Evidence
from heed_warning.domain.foresight import foresee
from heed_warning.domain.history import LONGEST_HORIZON, Forecaster
from heed_warning.domain.outlook import Chances, Outlook, outlooks
from heed_warning.domain.panel import Cell, Panel
from heed_warning.domain.people import people_histogram
from heed_warning.domain.policy import Policy
from heed_warning.domain.scope import Follower, followers, related

DEFAULT_HORIZON_DAYS = 28
MOST_KEPT = 2
"""Foresights kept; each takes about as much memory as the counts of all cells."""
Visible = Callable[[str], bool]
_Key = tuple[date, int, str, bytes]


@dataclass(frozen=True)
class _Asked:
    """Which cells are asked about, how far ahead and by whom."""

    cells: Sequence[Cell]
    horizon: int
    visible: Visible


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
    """The use cases Forecast and BatchForecast.

    Expected counts add up over all cells, so every cell is foreseen before one is told. That is
    kept for the next question: it is used again only for the same day, model and counts, which are
    read each time, so that no page is told by an older state than another replica would tell it.
    """

    database: Database
    clock: Clock
    places: Places
    panels: Panels
    policies: Policies
    models: Models
    _kept: OrderedDict[_Key, Chances] = field(default_factory=OrderedDict)
    _working: asyncio.Lock = field(default_factory=asyncio.Lock)

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
        asked = _Asked(cells, horizon_days or DEFAULT_HORIZON_DAYS, visible)
        return day, await self._tell(day, panel, evidence, asked)

    async def forecast_page(
        self, scope: Scope, as_of: date | None, horizon_days: int, visible: Visible
    ) -> tuple[date, list[CellScope]]:
        """Return the same for the next cells of a scope.

        Raises:
            InvalidField: The day is not closed.
        """
        day = closed_day(as_of, self.clock)
        panel, evidence = await self.panels.evidence(day)
        cells = await asyncio.to_thread(scope.page, panel.cells)
        asked = _Asked(cells, horizon_days or DEFAULT_HORIZON_DAYS, visible)
        return day, await self._tell(day, panel, evidence, asked)

    async def _tell(
        self, day: date, panel: Panel, evidence: Evidence, asked: _Asked
    ) -> list[CellScope]:
        started = time.monotonic()
        async with self.database.read() as connection:
            policies = await self.policies.all(connection)
        model = await self.models.current()
        with telemetry.span("warning.forecast"):
            async with self._working:  # whoever asks meanwhile waits for the same work
                chances = await asyncio.to_thread(
                    self._chances, panel, day, asked.horizon, model, policies
                )
                found = await asyncio.to_thread(self._scopes, chances, evidence, asked)
        telemetry.record("heed.warning.forecast_duration", time.monotonic() - started)
        return found

    def _chances(
        self,
        panel: Panel,
        day: date,
        horizon: int,
        model: Forecaster | None,
        policies: Sequence[Policy],
    ) -> Chances:
        """Return what is foreseen, kept from before where nothing has changed since."""
        ahead = DEFAULT_HORIZON_DAYS if horizon <= DEFAULT_HORIZON_DAYS else LONGEST_HORIZON
        key = (day, ahead, model.name if model else "", panel.digest)
        kept = self._kept.pop(key, None)
        if kept is None:
            while len(self._kept) >= MOST_KEPT:
                self._kept.popitem(last=False)
            above = self.places.still_above
            seen = foresee(panel, day, ahead, model=model, working=working_day, ancestors=above)
            kept = Chances(seen, policies)
        elif kept.policies != policies:
            kept = Chances(kept.foresight, policies)
        self._kept[key] = kept
        return kept

    def _scopes(self, chances: Chances, evidence: Evidence, asked: _Asked) -> list[CellScope]:
        known = chances.foresight.known
        relations = {
            cell: [other for other in others if asked.visible(other[0].region)]
            for cell, others in related(known.cells, asked.cells, self.places.still_above).items()
        }
        around = {other for others in relations.values() for other, _ in others}
        made = outlooks(chances, asked.cells, asked.horizon, people_histogram(evidence))
        risks = chances.risks(sorted(around.union(asked.cells)))
        found = followers(known, risks, relations)
        return [CellScope(outlook, found.get(outlook.cell, ())) for outlook in made]
