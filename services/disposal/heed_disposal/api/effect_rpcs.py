# ruff: noqa: N802 - methods are named as in the contract
"""The RPC that sets cases with a playbook's measure beside similar ones without it."""

from datetime import date, timedelta
from typing import Any

import grpc
from heed.disposal.v1 import disposal_service_pb2 as pb
from heed.disposal.v1 import resources_pb2 as resources
from heed.disposal.v1.disposal_service_pb2_grpc import DisposalServiceServicer

from heed_disposal.api.listing import Reference
from heed_disposal.api.parts import day_of
from heed_disposal.api.texts import require_plain_texts
from heed_disposal.application.effects import EffectFilter, Effects, PlaybookEffect
from heed_shared.clock import Clock, day_end, day_start, local_day
from heed_shared.errors import InvalidField
from heed_shared.identity import current_caller

Context = grpc.aio.ServicerContext[Any, Any]
DEFAULT_DAYS = 365
UNKNOWN = -1.0
"""What the contract says where there is nothing to measure."""


class EffectRpcs(DisposalServiceServicer):
    """Part of the servicer."""

    _clock: Clock
    _reference: Reference
    _effects: Effects

    async def GetPlaybookEffect(
        self, request: pb.GetPlaybookEffectRequest, _context: Context
    ) -> pb.GetPlaybookEffectResponse:
        """Compare cases opened in a period."""
        require_plain_texts(request)
        region = self._reference.visible_prefix(current_caller(), request.region_prefix)
        begin, end = self._span(request.from_day, request.to_day)
        found = await self._effects.compare(EffectFilter(region, day_start(begin), day_end(end)))
        return pb.GetPlaybookEffectResponse(effects=[_effect(item) for item in found])

    def _span(self, from_day: str, to_day: str) -> tuple[date, date]:
        """Return the days asked for; without them the year until today."""
        end = day_of(to_day, "to_day") if to_day else local_day(self._clock.now())
        begin = day_of(from_day, "from_day") if from_day else end - timedelta(days=DEFAULT_DAYS)
        if begin > end:
            raise InvalidField("from_day", "must not lie after to_day")
        return begin, end


def _effect(source: PlaybookEffect) -> resources.PlaybookEffect:
    return resources.PlaybookEffect(
        playbook=source.playbook,
        kind=resources.Measure.Kind.ValueType(int(source.kind)),
        completed_count=source.completed,
        solved_count=source.solved,
        partly_count=source.partly,
        none_count=source.none,
        median_days=_known(source.with_it.median_days),
        median_days_without=_known(source.without.median_days),
        follow_up_solved_share=_known(source.with_it.solved_share),
        follow_up_solved_share_without=_known(source.without.solved_share),
    )


def _known(value: float | None) -> float:
    return UNKNOWN if value is None else value
