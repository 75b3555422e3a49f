"""heed.warning.v1.WarningService, put together from the RPCs of each resource."""

from __future__ import annotations

from heed.warning.v1.warning_service_pb2_grpc import WarningServiceServicer

from heed_warning.api.cell_rpcs import CellRpcs
from heed_warning.api.forecaster_rpcs import ForecasterRpcs
from heed_warning.api.policy_rpcs import PolicyRpcs
from heed_warning.api.warning_rpcs import WarningRpcs


class WarningServicer(CellRpcs, PolicyRpcs, WarningRpcs, ForecasterRpcs, WarningServiceServicer):
    """Every RPC of the contract; each base has the parts it needs."""
