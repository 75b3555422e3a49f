# ruff: noqa: N802 - methods are named as in the contract
"""RPCs about counts and forecasts of cells."""

from __future__ import annotations

from typing import Any

from heed.warning.v1 import warning_service_pb2 as pb

from heed_shared.clock import local_day
from heed_shared.database import Transaction
from heed_shared.identity import current_caller, require_region
from heed_warning.api import convert
from heed_warning.api.once import once
from heed_warning.api.parts import Parts
from heed_warning.application.observations import Source, query_series, record_counts
from heed_warning.domain.counts import ITEMS


class CellRpcs:
    """RecordObservations, QuerySeries, Forecast."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def RecordObservations(
        self, request: pb.RecordObservationsRequest, _context: Any
    ) -> pb.RecordObservationsResponse:
        """Replace a source's counts of the cells and days named."""
        parts, caller = self._parts, current_caller()
        given = convert.to_recorded(request.counts, parts.places, local_day(parts.clock.now()))
        for item in given:
            require_region(caller, item.region)

        async def act(tx: Transaction) -> pb.RecordObservationsResponse:
            source = Source(request.source, caller.identity)
            stored = await record_counts(tx, parts.counts, parts.places, source, given)
            return pb.RecordObservationsResponse(recorded_count=stored)

        return await once(parts.database, request, pb.RecordObservationsResponse, act)

    async def QuerySeries(
        self, request: pb.QuerySeriesRequest, _context: Any
    ) -> pb.QuerySeriesResponse:
        """Return daily counts, small ones hidden."""
        parts, cell = self._parts, convert.to_cell(request.cell)
        parts.places.require(cell)
        require_region(current_caller(), cell.region)
        shown = await query_series(
            parts.database,
            parts.counts,
            parts.skips,
            cell,
            request.measure or ITEMS,
            convert.to_day(request.from_day, "from_day"),
            convert.to_day(request.to_day, "to_day"),
        )
        return pb.QuerySeriesResponse(days=[convert.from_shown(day) for day in shown])

    async def Forecast(self, request: pb.ForecastRequest, _context: Any) -> pb.ForecastResponse:
        """Say what is expected in cells."""
        parts, caller = self._parts, current_caller()
        cells = [convert.to_cell(cell) for cell in request.cells]
        for number, cell in enumerate(cells):
            parts.places.require(cell, f"cells[{number}]")
            require_region(caller, cell.region)
        as_of = convert.to_day_or_none(request.as_of, "as_of")
        day, found = await parts.foreseer.forecast(cells, as_of, request.horizon_days)
        return pb.ForecastResponse(forecasts=[convert.from_outlook(item, day) for item in found])
