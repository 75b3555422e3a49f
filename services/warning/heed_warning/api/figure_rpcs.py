# ruff: noqa: N802 - methods are named as in the contract
"""RPCs about how warnings are dealt with: escalations that ran, verdicts that fell."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from heed.warning.v1 import warning_service_pb2 as pb

from heed_shared.clock import local_day
from heed_shared.errors import InvalidField
from heed_shared.identity import current_caller, region_prefix
from heed_warning.api import convert, warning_messages
from heed_warning.api.parts import Parts
from heed_warning.application.warning_ports import Precision
from heed_warning.domain.panel import Cell

_DEFAULT_DAYS = 365
_NOTHING = Precision(None, 0, 0, 0, 0, 0, None)


class FigureRpcs:
    """GetEscalationStatus, GetWarningPrecision."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def GetEscalationStatus(
        self, _request: pb.GetEscalationStatusRequest, _context: Any
    ) -> pb.GetEscalationStatusResponse:
        """Tell what was due and what was done when the watchdog last looked."""
        prefix = current_caller().region_prefix
        checked_at, audit = await self._parts.watchdog.status((prefix,))
        response = pb.GetEscalationStatusResponse(
            unacknowledged_count=audit.unacknowledged,
            due_count=audit.due,
            done_count=audit.done,
            missing=audit.missing,
        )
        if checked_at:
            response.checked_at.FromDatetime(checked_at)
        return response

    async def GetWarningPrecision(
        self, request: pb.GetWarningPrecisionRequest, _context: Any
    ) -> pb.GetWarningPrecisionResponse:
        """Return how people judged the warnings of a period."""
        parts = self._parts
        parts.places.require_prefix(request.region_prefix)
        if request.category_code:
            parts.places.require_category(request.category_code)
        first, last = self._period(request)
        prefixes = (current_caller().region_prefix, region_prefix(request.region_prefix))
        async with parts.database.read() as connection:
            found = await parts.precisions.precision(
                connection, prefixes, request.category_code, first, last
            )
        total = next((item for item in found if item.cell is None), _NOTHING)
        return pb.GetWarningPrecisionResponse(
            total=warning_messages.from_precision(total, parts.places),
            rows=[
                warning_messages.from_precision(item, parts.places)
                for item in found
                if isinstance(item.cell, Cell)
            ],
        )

    def _period(self, request: pb.GetWarningPrecisionRequest) -> tuple[date, date]:
        last = convert.to_day_or_none(request.to_day, "to_day")
        last = last or local_day(self._parts.clock.now())
        first = convert.to_day_or_none(request.from_day, "from_day")
        first = first or last - timedelta(days=_DEFAULT_DAYS)
        if last < first:
            raise InvalidField("to_day", "must not lie before from_day")
        return first, last
