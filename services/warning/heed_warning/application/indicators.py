"""Answers what the indicators of cells are as of a closed day."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from heed_shared.clock import Clock, local_day
from heed_warning.application.evaluation import closed_day
from heed_warning.application.places import Places
from heed_warning.application.ports import Panels
from heed_warning.domain.evidence import Evidence
from heed_warning.domain.indicator_readings import read_indicators
from heed_warning.domain.indicators import (
    IndicatorDefinition,
    IndicatorOutcome,
    Reading,
    valid_definitions,
)
from heed_warning.domain.panel import Cell


@dataclass(frozen=True)
class IndicatorReader:
    """The use cases GetIndicators and ListIndicatorDefinitions."""

    clock: Clock
    places: Places
    panels: Panels
    definitions: Sequence[IndicatorDefinition]

    def valid(self, day: date | None) -> tuple[IndicatorDefinition, ...]:
        """Return the definitions that hold on a day, today by default, by code."""
        return valid_definitions(self.definitions, day or local_day(self.clock.now()))

    async def read(
        self, cells: Sequence[Cell], as_of: date | None
    ) -> tuple[date, list[list[Reading]]]:
        """Return the day known up to, and for each cell its indicators, by code.

        Raises:
            UnknownRegion: A region is in no mounted table.
            UnknownCategory: A category is in no mounted taxonomy.
            InvalidField: The day is not closed.
        """
        for place, cell in enumerate(cells):
            self.places.require(cell, f"cells[{place}]")
        day = closed_day(as_of, self.clock)
        _, evidence = await self.panels.evidence(day)
        definitions = valid_definitions(self.definitions, day)
        return day, await asyncio.to_thread(_readings, definitions, evidence, cells)


def _readings(
    definitions: Sequence[IndicatorDefinition], evidence: Evidence, cells: Sequence[Cell]
) -> list[list[Reading]]:
    row_of = {cell: row for row, cell in enumerate(evidence.cells)}
    known = [cell for cell in dict.fromkeys(cells) if cell in row_of]
    rows = np.array([row_of[cell] for cell in known], dtype=np.int64)
    every = read_indicators(definitions, evidence, rows)
    made = {cell: [one.reading(place) for one in every] for place, cell in enumerate(known)}
    nothing = [
        Reading(one.code, one.title, one.family, one.version, IndicatorOutcome.NOT_COUNTED)
        for one in definitions
    ]
    return [made.get(cell, nothing) for cell in cells]
