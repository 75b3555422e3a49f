"""Answers what is expected in cells, with uncertainty."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from heed_shared import telemetry
from heed_shared.clock import Clock
from heed_shared.database import Database
from heed_warning.application.evaluation import closed_day
from heed_warning.application.places import Places, working_day
from heed_warning.application.ports import Models, Panels, Policies
from heed_warning.domain.outlook import Outlook, outlooks
from heed_warning.domain.panel import Cell

DEFAULT_HORIZON_DAYS = 28


@dataclass(frozen=True)
class Foreseer:
    """The use case Forecast."""

    database: Database
    clock: Clock
    places: Places
    panels: Panels
    policies: Policies
    models: Models

    async def forecast(
        self, cells: Sequence[Cell], as_of: date | None, horizon_days: int
    ) -> tuple[date, list[Outlook]]:
        """Return the day known up to and an outlook for each cell, in the same order.

        Raises:
            UnknownRegion: A region is in no mounted table.
            UnknownCategory: A category is in no mounted taxonomy.
            InvalidField: The day is not closed.
        """
        started = time.monotonic()
        for place, cell in enumerate(cells):
            self.places.require(cell, f"cells[{place}]")
        day = closed_day(as_of, self.clock)
        async with self.database.read() as connection:
            policies = await self.policies.all(connection)
        model = await self.models.current()
        panel = await self.panels.latest(day)
        with telemetry.span("warning.forecast"):
            found = await asyncio.to_thread(
                outlooks,
                panel,
                day,
                cells,
                horizon=horizon_days or DEFAULT_HORIZON_DAYS,
                policies=policies,
                model=model,
                working=working_day,
            )
        telemetry.record("heed.warning.forecast_duration", time.monotonic() - started)
        return day, found
