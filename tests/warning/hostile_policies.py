"""Good requests about policies and indicators, for the test of hostile values to spoil."""

from __future__ import annotations

from datetime import timedelta

from google.protobuf.message import Message
from heed.warning.v1 import resources_pb2 as resources
from heed.warning.v1 import warning_service_pb2 as pb

from tests.contracts.hostile import Call, always
from tests.warning.conftest import SECOND_COUNTY, START, Post, cell
from tests.warning.rpc_setup import new_id, policy

DAY = START.isoformat()
METHODS = pb.DESCRIPTOR.services_by_name["WarningService"].methods_by_name


def policy_calls(post: Post) -> list[Call]:
    """Calls about policies; each makes what it changes or deletes."""

    async def stored() -> resources.ThresholdPolicy:
        request = pb.CreateThresholdPolicyRequest(
            request_id=new_id(), policy=policy(region_prefix=SECOND_COUNTY)
        )
        made: resources.ThresholdPolicy = (await post.stub().CreateThresholdPolicy(request)).policy
        return made

    async def updated() -> Message:
        return pb.UpdateThresholdPolicyRequest(request_id=new_id(), policy=await stored())

    async def deleted() -> Message:
        one = await stored()
        return pb.DeleteThresholdPolicyRequest(request_id=new_id(), name=one.name, etag=one.etag)

    async def backtested() -> Message:
        return pb.BacktestPolicyRequest(
            request_id=new_id(), policy=policy(region_prefix=SECOND_COUNTY), seed=1,
            data_from=(START - timedelta(days=40)).isoformat(), data_to=DAY,
        )  # fmt: skip

    analyst = post.channel("analyst")
    short = "INSUFFICIENT_HISTORY"  # nothing was ever counted in that county
    asked: dict[str, Message] = {
        "RecommendThresholds": pb.RecommendThresholdsRequest(
            region_prefix="32", category_code="01", warnings_per_county_month=1, window_days=7,
            data_from=(START - timedelta(days=40)).isoformat(), data_to=DAY,
        ),
        "GetIndicators": pb.GetIndicatorsRequest(cells=[cell()], as_of=DAY),
        "ListIndicatorDefinitions": pb.ListIndicatorDefinitionsRequest(valid_on=DAY),
    }  # fmt: skip
    return [
        Call(METHODS["UpdateThresholdPolicy"], analyst, updated),
        Call(METHODS["DeleteThresholdPolicy"], analyst, deleted),
        Call(METHODS["BacktestPolicy"], analyst, backtested, answered=short),
        *(Call(METHODS[name], analyst, always(request)) for name, request in asked.items()),
    ]
