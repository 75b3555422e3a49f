# ruff: noqa: N802 - methods are named as in the contract
"""The RPC of performance figures."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import grpc
from heed.disposal.v1 import disposal_service_pb2 as pb
from heed.disposal.v1 import resources_pb2 as resources
from heed.disposal.v1.disposal_service_pb2_grpc import DisposalServiceServicer

from heed_disposal.api.listing import Reference
from heed_disposal.api.parts import day_of
from heed_disposal.api.texts import require_plain_texts
from heed_disposal.application.performance import FigureCounts, Period, performance
from heed_disposal.domain.figures import Figure, FigureDefinition
from heed_shared.clock import Clock, local_day
from heed_shared.errors import InvalidField
from heed_shared.identity import current_caller

Context = grpc.aio.ServicerContext[Any, Any]
DEFAULT_DAYS = 90
MOST_DAYS = 3660


class PerformanceRpcs(DisposalServiceServicer):
    """Part of the servicer."""

    _clock: Clock
    _reference: Reference
    _figures: Sequence[FigureDefinition]
    _counts: FigureCounts

    async def GetPerformance(
        self, request: pb.GetPerformanceRequest, _context: Context
    ) -> pb.GetPerformanceResponse:
        """Compute the figures of a period."""
        require_plain_texts(request)
        begin, end = self._days(request.from_day, request.to_day)
        region = self._reference.visible_prefix(current_caller(), request.region_prefix)
        period = Period(region, request.unit, begin, end)
        found = await performance(self._counts, self._figures, period)
        answer = pb.GetPerformanceResponse(
            figures=[_figure(item) for item in found.together],
            from_day=begin.isoformat(),
            to_day=end.isoformat(),
        )
        if request.by_unit:
            answer.units.extend(
                resources.UnitPerformance(unit=unit, figures=[_figure(item) for item in figures])
                for unit, figures in found.by_unit.items()
            )
        return answer

    def _days(self, from_day: str, to_day: str) -> tuple[date, date]:
        """Return the period asked for; without days the last 90 that have ended."""
        yesterday = local_day(self._clock.now()) - timedelta(days=1)
        end = day_of(to_day, "to_day") if to_day else yesterday
        begin = day_of(from_day, "from_day") if from_day else end - timedelta(days=DEFAULT_DAYS - 1)
        if begin > end:
            raise InvalidField("from_day", "must not lie after to_day")
        if (end - begin).days > MOST_DAYS:
            raise InvalidField("from_day", f"must lie at most {MOST_DAYS} days before to_day")
        return begin, end


def _figure(source: Figure) -> resources.PerformanceFigure:
    definition = source.definition
    return resources.PerformanceFigure(
        code=definition.code,
        title=definition.title,
        numerator=source.numerator,
        denominator=source.denominator,
        value=source.value,
        defined=source.defined,
        exclusions=[source.exclusion],
        formula=definition.formula,
        formula_version=definition.version,
        unit=definition.unit,
    )
