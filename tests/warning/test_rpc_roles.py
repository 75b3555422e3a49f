"""Every RPC of warning, and the roles that may call it."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import grpc
from google.protobuf.message import Message
from heed.warning.v1 import warning_service_pb2 as pb
from heed.warning.v1.resources_pb2 import Warning as WarningMessage

from heed_shared.errors import reason_of
from tests.warning.conftest import (
    CITY,
    COUNTY,
    START,
    Post,
    cell,
    counts,
)
from tests.warning.rpc_setup import (
    new_id,
    policy,
    silence,
)

NOBODY = f"warnings/{COUNTY}-{uuid.uuid4()}"


REQUESTS: dict[str, tuple[Callable[[], Message], set[str]]] = {
    "RecordObservations": (
        lambda: pb.RecordObservationsRequest(
            request_id=new_id(), source="history", counts=counts([1], START)
        ),
        {"analyst", "operator", "peer"},
    ),
    "QuerySeries": (
        lambda: pb.QuerySeriesRequest(cell=cell(), from_day="2025-01-01", to_day="2025-01-02"),
        {"analyst", "leader", "supervisor"},
    ),
    "ListPublishedCounts": (
        lambda: pb.ListPublishedCountsRequest(region_code=CITY, month="2025-01"),
        {"analyst", "leader", "supervisor", "portal", "peer"},
    ),
    "Forecast": (
        lambda: pb.ForecastRequest(cells=[cell()]),
        {"analyst", "leader", "supervisor", "service/disposal"},
    ),
    "CreateThresholdPolicy": (
        lambda: pb.CreateThresholdPolicyRequest(request_id=new_id(), policy=policy()),
        {"analyst"},
    ),
    "UpdateThresholdPolicy": (
        lambda: pb.UpdateThresholdPolicyRequest(
            request_id=new_id(), policy=policy(name=f"thresholdPolicies/{uuid.uuid4()}", etag="x")
        ),
        {"analyst"},
    ),
    "DeleteThresholdPolicy": (
        lambda: pb.DeleteThresholdPolicyRequest(
            request_id=new_id(), name=f"thresholdPolicies/{uuid.uuid4()}", etag="x"
        ),
        {"analyst"},
    ),
    "RecommendThresholds": (
        lambda: pb.RecommendThresholdsRequest(warnings_per_county_month=1),
        {"analyst", "leader"},
    ),
    "BacktestPolicy": (
        lambda: pb.BacktestPolicyRequest(request_id=new_id(), policy=policy()),
        {"analyst", "operator"},
    ),
    "GetIndicators": (
        lambda: pb.GetIndicatorsRequest(cells=[cell()]),
        {"analyst", "leader", "supervisor"},
    ),
    "ListIndicatorDefinitions": (
        pb.ListIndicatorDefinitionsRequest,
        {"analyst", "leader", "supervisor"},
    ),
    "ListThresholdPolicies": (
        pb.ListThresholdPoliciesRequest,
        {"analyst", "leader", "supervisor"},
    ),
    "Evaluate": (pb.EvaluateRequest, {"analyst", "operator"}),
    "GetWarning": (
        lambda: pb.GetWarningRequest(name=NOBODY),
        {"analyst", "leader", "supervisor", "officer", "service/disposal"},
    ),
    "ListWarnings": (pb.ListWarningsRequest, {"analyst", "leader", "supervisor", "officer"}),
    "AcknowledgeWarning": (
        lambda: pb.AcknowledgeWarningRequest(name=NOBODY, etag="x", request_id=new_id()),
        {"analyst", "officer", "leader"},
    ),
    "ConfirmWarningLevel": (
        lambda: pb.ConfirmWarningLevelRequest(name=NOBODY, etag="x", request_id=new_id()),
        {"leader"},
    ),
    "JudgeWarning": (
        lambda: pb.JudgeWarningRequest(
            name=NOBODY,
            etag="x",
            request_id=new_id(),
            verdict=WarningMessage.VERDICT_FALSE,
            note="误报",
        ),
        {"analyst", "leader"},
    ),
    "ResolveWarning": (
        lambda: pb.ResolveWarningRequest(name=NOBODY, etag="x", request_id=new_id(), note="已解决"),
        {"leader"},
    ),
    "WatchWarnings": (pb.WatchWarningsRequest, {"analyst", "leader", "supervisor", "officer"}),
    "SilenceWarnings": (
        lambda: pb.SilenceWarningsRequest(request_id=new_id(), silence=silence()),
        {"analyst", "leader"},
    ),
    "EndSilence": (
        lambda: pb.EndSilenceRequest(
            request_id=new_id(), name=f"silences/{uuid.uuid4()}", etag="x"
        ),
        {"analyst", "leader"},
    ),
    "ListSilences": (pb.ListSilencesRequest, {"analyst", "leader", "supervisor", "officer"}),
    "GetEscalationStatus": (
        pb.GetEscalationStatusRequest,
        {"analyst", "leader", "supervisor", "operator"},
    ),
    "GetWarningPrecision": (
        pb.GetWarningPrecisionRequest,
        {"analyst", "leader", "supervisor"},
    ),
    "BatchForecast": (
        pb.BatchForecastRequest,
        {"analyst", "leader", "supervisor", "service/disposal"},
    ),
    "TrainForecaster": (
        lambda: pb.TrainForecasterRequest(request_id=new_id()),
        {"steward", "operator"},
    ),
    "PromoteForecaster": (
        lambda: pb.PromoteForecasterRequest(
            request_id=new_id(), name=f"forecasters/{uuid.uuid4()}", etag="x", reason="更准"
        ),
        {"steward"},
    ),
    "ListForecasters": (pb.ListForecastersRequest, {"steward", "analyst", "operator"}),
}
CALLERS = {
    "clerk", "officer", "handler", "leader", "supervisor", "analyst", "steward", "auditor",
    "portal", "operator", "peer", "service/intake", "service/disposal",
}  # fmt: skip


def test_the_matrix_covers_the_whole_contract() -> None:
    service = pb.DESCRIPTOR.services_by_name["WarningService"]
    assert set(REQUESTS) == {method.name for method in service.methods}


async def test_each_rpc_is_open_to_its_roles_and_to_nobody_else(post: Post) -> None:
    wrong = []
    for identity in sorted(CALLERS):
        stub = post.stub(identity)
        for name, (request, allowed) in REQUESTS.items():
            try:
                call = getattr(stub, name)(request())
                if isinstance(call, grpc.aio.UnaryStreamCall):
                    await call.read()
                    call.cancel()
                else:
                    await call
                reason = ""
            except grpc.aio.AioRpcError as error:
                reason = reason_of(error)
            if (reason == "ROLE_REQUIRED") == (identity in allowed):
                wrong.append((identity, name, reason))
    assert not wrong
