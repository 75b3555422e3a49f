"""heed.warning.v1.WarningService, put together from the RPCs of each resource."""

from __future__ import annotations

from heed.warning.v1.warning_service_pb2_grpc import WarningServiceServicer

from heed_shared.feed import FeedServer
from heed_warning.api.cell_rpcs import CellRpcs
from heed_warning.api.figure_rpcs import FigureRpcs
from heed_warning.api.forecaster_rpcs import ForecasterRpcs
from heed_warning.api.indicator_rpcs import IndicatorRpcs
from heed_warning.api.parts import Parts
from heed_warning.api.policy_rpcs import PolicyRpcs
from heed_warning.api.silence_rpcs import SilenceRpcs
from heed_warning.api.tuning_rpcs import TuningRpcs
from heed_warning.api.warning_rpcs import WarningRpcs
from heed_warning.api.watch_rpcs import WatchRpcs


class WarningServicer(
    CellRpcs,
    FigureRpcs,
    ForecasterRpcs,
    IndicatorRpcs,
    PolicyRpcs,
    SilenceRpcs,
    TuningRpcs,
    WarningRpcs,
    WatchRpcs,
    WarningServiceServicer,
):
    """Every RPC of the contract; all have the same parts, and a watch the feed."""

    def __init__(self, parts: Parts, feeds: FeedServer) -> None:
        WatchRpcs.__init__(self, parts, feeds)
