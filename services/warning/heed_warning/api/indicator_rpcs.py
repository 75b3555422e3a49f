# ruff: noqa: N802 - methods are named as in the contract
"""RPCs about indicators."""

from __future__ import annotations

from typing import Any

from heed.warning.v1 import resources_pb2
from heed.warning.v1 import warning_service_pb2 as pb

from heed_shared.identity import current_caller, require_region
from heed_warning.api import convert
from heed_warning.api.indicator_messages import from_definition, from_reading
from heed_warning.api.parts import Parts


class IndicatorRpcs:
    """GetIndicators, ListIndicatorDefinitions."""

    _parts: Parts

    async def GetIndicators(
        self, request: pb.GetIndicatorsRequest, _context: Any
    ) -> pb.GetIndicatorsResponse:
        """Compute the indicators of cells as of a closed day."""
        parts, caller = self._parts, current_caller()
        cells = [convert.to_cell(cell) for cell in request.cells]
        for number, cell in enumerate(cells):
            parts.places.require(cell, f"cells[{number}]")
            require_region(caller, cell.region)
        as_of = convert.to_day_or_none(request.as_of, "as_of")
        day, found = await parts.indicator_reader.read(cells, as_of)
        return pb.GetIndicatorsResponse(
            cells=[
                resources_pb2.CellIndicators(
                    cell=convert.from_cell(cell),
                    as_of=day.isoformat(),
                    values=[from_reading(reading) for reading in readings],
                )
                for cell, readings in zip(cells, found, strict=True)
            ]
        )

    async def ListIndicatorDefinitions(
        self, request: pb.ListIndicatorDefinitionsRequest, _context: Any
    ) -> pb.ListIndicatorDefinitionsResponse:
        """Return the definitions as valid on a day."""
        day = convert.to_day_or_none(request.valid_on, "valid_on")
        found = self._parts.indicator_reader.valid(day)
        return pb.ListIndicatorDefinitionsResponse(
            definitions=[from_definition(one) for one in found]
        )
