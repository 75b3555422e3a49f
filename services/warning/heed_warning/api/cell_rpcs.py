# ruff: noqa: N802 - methods are named as in the contract
"""RPCs about counts and forecasts of cells."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from heed.warning.v1 import resources_pb2 as resources
from heed.warning.v1 import warning_service_pb2 as pb

from heed_shared.clock import local_day
from heed_shared.database import Transaction
from heed_shared.errors import InvalidField
from heed_shared.identity import current_caller, region_prefix, require_region
from heed_shared.paging import filter_digest, page_size
from heed_warning.api import convert, forecast_messages
from heed_warning.api.once import once
from heed_warning.api.parts import Parts
from heed_warning.application.disclosing import published_counts
from heed_warning.application.forecasting import Scope
from heed_warning.application.observations import Source, query_series, record_counts
from heed_warning.domain.counts import ITEMS
from heed_warning.domain.panel import Cell

_BATCH = "BatchForecast"


class CellRpcs:
    """RecordObservations, QuerySeries, ListPublishedCounts, Forecast, BatchForecast."""

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
            parts.places,
            cell,
            request.measure or ITEMS,
            convert.to_day(request.from_day, "from_day"),
            convert.to_day(request.to_day, "to_day"),
        )
        return pb.QuerySeriesResponse(days=[convert.from_shown(day) for day in shown])

    async def ListPublishedCounts(
        self, request: pb.ListPublishedCountsRequest, _context: Any
    ) -> pb.ListPublishedCountsResponse:
        """Return a closed month of a city, fit for everybody."""
        parts = self._parts
        month = convert.to_day(f"{request.month}-01", "month")
        if (month + timedelta(days=31)).replace(day=1) > local_day(parts.clock.now()):
            raise InvalidField("month", "must be over")
        found = await published_counts(
            parts.database,
            parts.counts,
            parts.places,
            request.region_code,
            month,
            request.measure or ITEMS,
        )
        return pb.ListPublishedCountsResponse(
            counts=[
                resources.PublishedCount(
                    region_code=item.cell.region,
                    category_code=item.cell.category,
                    count=item.count,
                    hidden=item.hidden,
                    own=item.own,
                )
                for item in found
            ]
        )

    async def Forecast(self, request: pb.ForecastRequest, _context: Any) -> pb.ForecastResponse:
        """Say what is expected in cells."""
        parts, caller = self._parts, current_caller()
        cells = [convert.to_cell(cell) for cell in request.cells]
        for number, cell in enumerate(cells):
            parts.places.require(cell, f"cells[{number}]")
            require_region(caller, cell.region)
        as_of = convert.to_day_or_none(request.as_of, "as_of")
        day, found = await parts.foreseer.forecast(
            cells, as_of, request.horizon_days, caller.covers
        )
        forecasts = [forecast_messages.from_scope(item, day, parts.places) for item in found]
        return pb.ForecastResponse(forecasts=forecasts)

    async def BatchForecast(
        self, request: pb.BatchForecastRequest, _context: Any
    ) -> pb.BatchForecastResponse:
        """Say what is expected in every cell of a region and category, page by page."""
        parts, caller, digest = self._parts, current_caller(), filter_digest(request)
        as_of, after = convert.to_day_or_none(request.as_of, "as_of"), None
        if request.page_token:
            # All pages are of one day, also when the next one closes meanwhile.
            day_text, region, category = map(
                str, parts.page_tokens.decode(_BATCH, digest, request.page_token)
            )
            as_of, after = date.fromisoformat(day_text), Cell(region, category)
        parts.places.require_prefix(request.region_prefix)
        if request.category_code:
            parts.places.require_category(request.category_code)
        size = page_size(request.page_size)
        scope = Scope(
            prefixes=(caller.region_prefix, region_prefix(request.region_prefix)),
            category=request.category_code,
            after=after,
            limit=size + 1,
        )
        day, found = await parts.foreseer.forecast_page(
            scope, as_of, request.horizon_days, caller.covers
        )
        shown, token = found[:size], ""
        if len(found) > size:
            last = shown[-1].outlook.cell
            position = [day.isoformat(), last.region, last.category]
            token = parts.page_tokens.encode(_BATCH, digest, position)
        forecasts = [forecast_messages.from_scope(item, day, parts.places) for item in shown]
        return pb.BatchForecastResponse(forecasts=forecasts, next_page_token=token)
