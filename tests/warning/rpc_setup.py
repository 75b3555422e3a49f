"""What tests of RPCs share: calls that must fail, a policy, a warning that fires."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from heed.warning.v1 import warning_service_pb2 as pb
from heed.warning.v1.resources_pb2 import LevelRule, Silence, ThresholdPolicy
from heed.warning.v1.resources_pb2 import Warning as WarningMessage

from heed_shared.clock import day_start
from heed_shared.errors import reason_of, status_of
from tests.warning.conftest import COUNTY, START, Post, counts

FIRST = START - timedelta(days=200)
WEEK = [2, 1, 3, 2, 1, 0, 1]


def new_id() -> str:
    return str(uuid.uuid4())


async def refused(call: Any) -> tuple[grpc.StatusCode, str]:
    """Status and reason of a call that must fail."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code(), reason_of(caught.value)


def wrong_fields(error: grpc.aio.AioRpcError) -> list[str]:
    """Paths of the fields that an error names."""
    status, bad = status_of(error), error_details_pb2.BadRequest()
    assert status is not None
    assert any(detail.Unpack(bad) for detail in status.details)
    return [violation.field for violation in bad.field_violations]


def policy(**fields: Any) -> ThresholdPolicy:
    """A fixed policy for one county."""
    defaults: dict[str, Any] = {
        "region_prefix": COUNTY,
        "strategy": ThresholdPolicy.STRATEGY_FIXED,
        "window_days": 7,
        "levels": [LevelRule(level=2, limit=8)],  # type: ignore[arg-type]
        "min_count": 1,
        "pending_evaluations": 1,
        "clear_evaluations": 2,
    }
    return ThresholdPolicy(**defaults | fields)


def silence(days: int = 7, **fields: Any) -> Silence:
    """A silence of one county, from the first of its days on."""
    message = Silence(**{"region_prefix": COUNTY, "reason": "集中接访,统一答复"} | fields)
    message.ends_at.FromDatetime(day_start(START + timedelta(days=days)))
    return message


async def firing(post: Post) -> WarningMessage:
    """A warning that fires: a fixed policy over a steady series."""
    request = pb.CreateThresholdPolicyRequest(request_id=new_id(), policy=policy())
    await post.stub().CreateThresholdPolicy(request)
    await post.record(counts(WEEK * 30, FIRST))
    response = await post.evaluate(START)
    assert [item.state for item in response.changed_warnings] == [WarningMessage.STATE_FIRING]
    return response.changed_warnings[0]
