"""Threshold policies over RPC: previewed, replaced, taken away, and seen by region."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from heed.common.v1 import matter_pb2
from heed.warning.v1 import warning_service_pb2 as pb
from heed.warning.v1.resources_pb2 import LevelRule, ThresholdPolicy

from tests.warning.conftest import CITY, COUNTY, SECOND_COUNTY, START, Post, cell, counts
from tests.warning.rpc_setup import WEEK, new_id, policy, refused, wrong_fields

BEGIN = START - timedelta(days=7 * 28)
NOBODY = "thresholdPolicies/00000000-0000-4000-8000-000000000000"


async def create(post: Post, given: ThresholdPolicy) -> ThresholdPolicy:
    request = pb.CreateThresholdPolicyRequest(request_id=new_id(), policy=given)
    made: ThresholdPolicy = (await post.stub().CreateThresholdPolicy(request)).policy
    return made


async def listed(stub: Any) -> list[str]:
    response = await stub.ListThresholdPolicies(pb.ListThresholdPoliciesRequest())
    return [item.name for item in response.policies]


def changed(stored: ThresholdPolicy, **fields: Any) -> ThresholdPolicy:
    other = ThresholdPolicy()
    other.CopyFrom(stored)
    for name, value in fields.items():
        if name == "levels":
            del other.levels[:]
            other.levels.extend(value)
        else:
            setattr(other, name, value)
    return other


def update(given: ThresholdPolicy, **fields: Any) -> pb.UpdateThresholdPolicyRequest:
    return pb.UpdateThresholdPolicyRequest(request_id=new_id(), policy=given, **fields)


async def warm(post: Post) -> None:
    """Two counties with ten items a week, one with fifteen in the last, as of yesterday."""
    await post.record(counts(WEEK * 28, BEGIN))
    await post.record(counts(WEEK * 27 + [3, 2, 2, 2, 2, 2, 2], BEGIN, region=SECOND_COUNTY))


async def test_a_preview_says_what_would_be_raised_and_cleared_and_stores_nothing(
    post: Post,
) -> None:
    await warm(post)
    blue = [LevelRule(level=1, limit=15)]  # type: ignore[arg-type]
    strict = policy(region_prefix="3201", levels=blue, min_count=1)
    response = await post.stub().CreateThresholdPolicy(
        pb.CreateThresholdPolicyRequest(request_id=new_id(), policy=strict, validate_only=True)
    )
    preview = response.preview
    assert response.policy.name == ""
    assert (preview.cell_count, preview.cleared_count) == (3, 0)
    raised = {change.cell.region_code: change for change in preview.changes}
    assert preview.raised_count == 2
    assert set(raised) == {SECOND_COUNTY, CITY}, "the city has 25, of which the county explains 5"
    assert raised[SECOND_COUNTY].new_level == 1
    assert raised[SECOND_COUNTY].present_level == 0
    assert raised[SECOND_COUNTY].new_threshold == 15
    assert await listed(post.stub()) == ["thresholdPolicies/default"]

    stored = await create(post, strict)
    loose = changed(stored, levels=[LevelRule(level=matter_pb2.WARNING_LEVEL_BLUE, limit=500)])
    response = await post.stub().UpdateThresholdPolicy(update(loose, validate_only=True))
    assert (response.preview.raised_count, response.preview.cleared_count) == (0, 2)
    found = await post.stub().ListThresholdPolicies(pb.ListThresholdPoliciesRequest())
    assert found.policies[1] == stored, "a preview changes nothing"


async def test_a_preview_names_only_cells_of_the_callers_region(post: Post) -> None:
    await warm(post)
    other = post.caller(["ROLE_ANALYST"], COUNTY)
    low = policy(region_prefix=COUNTY, levels=[LevelRule(level=1, limit=1)])  # type: ignore[arg-type]
    response = await other.CreateThresholdPolicy(
        pb.CreateThresholdPolicyRequest(request_id=new_id(), policy=low, validate_only=True)
    )
    assert response.preview.cell_count == 1
    assert {change.cell.region_code for change in response.preview.changes} == {COUNTY}


async def test_an_update_replaces_the_policy_and_its_etag(post: Post) -> None:
    stored = await create(post, policy())
    wanted = changed(
        stored, window_days=14, levels=[LevelRule(level=matter_pb2.WARNING_LEVEL_ORANGE, limit=40)]
    )
    request = update(wanted)
    written = (await post.stub().UpdateThresholdPolicy(request)).policy
    assert (written.name, written.window_days) == (stored.name, 14)
    assert [rule.limit for rule in written.levels] == [40]
    assert written.etag != stored.etag
    assert (await post.stub().UpdateThresholdPolicy(request)).policy == written, "repeated"
    status, reason = await refused(post.stub().UpdateThresholdPolicy(update(wanted)))
    assert (status, reason) == (grpc.StatusCode.ABORTED, "STALE_ETAG")
    status, reason = await refused(
        post.stub().UpdateThresholdPolicy(update(wanted, validate_only=True))
    )
    assert reason == "STALE_ETAG"


async def test_a_deleted_policy_applies_no_more(post: Post) -> None:
    await warm(post)
    blue = [LevelRule(level=1, limit=15)]  # type: ignore[arg-type]
    stored = await create(post, policy(region_prefix=SECOND_COUNTY, levels=blue))
    request = pb.DeleteThresholdPolicyRequest(
        request_id=new_id(), name=stored.name, etag=stored.etag
    )
    await post.stub().DeleteThresholdPolicy(request)
    await post.stub().DeleteThresholdPolicy(request)  # repeated: the same answer
    assert await listed(post.stub()) == ["thresholdPolicies/default"]
    response = await post.evaluate(START)
    assert not response.changed_warnings
    again = pb.DeleteThresholdPolicyRequest(request_id=new_id(), name=stored.name, etag=stored.etag)
    assert (await refused(post.stub().DeleteThresholdPolicy(again)))[1] == "NOT_FOUND"


def on(name: str, etag: str, kind: str) -> Message:
    if kind == "update":
        return update(policy(name=name, etag=etag, region_prefix=SECOND_COUNTY))
    return pb.DeleteThresholdPolicyRequest(request_id=new_id(), name=name, etag=etag)


async def test_another_regions_policy_is_as_if_there_were_none(post: Post) -> None:
    stored = await create(post, policy(region_prefix=COUNTY))
    other = post.caller(["ROLE_ANALYST"], SECOND_COUNTY)
    calls = {"update": other.UpdateThresholdPolicy, "delete": other.DeleteThresholdPolicy}
    for kind, call in calls.items():
        errors = set()
        for name in (stored.name, NOBODY, "thresholdPolicies/default"):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call(on(name, stored.etag, kind))
            errors.add((caught.value.code(), str(caught.value.details()).replace(name, "")))
        assert [code for code, _ in errors] == [grpc.StatusCode.NOT_FOUND], kind
        assert stored.name in await listed(post.stub())


async def test_a_policy_cannot_be_moved_out_of_the_callers_region(post: Post) -> None:
    own = post.caller(["ROLE_ANALYST"], COUNTY)
    stored = (
        await own.CreateThresholdPolicy(
            pb.CreateThresholdPolicyRequest(request_id=new_id(), policy=policy())
        )
    ).policy
    moved = changed(stored, region_prefix=SECOND_COUNTY)
    assert (await refused(own.UpdateThresholdPolicy(update(moved))))[1] == "REGION_NOT_ALLOWED"


async def test_a_caller_sees_policies_in_and_above_its_region(post: Post) -> None:
    made = {
        prefix: (await create(post, policy(region_prefix=prefix))).name
        for prefix in ("", "32", CITY, "3201", COUNTY, SECOND_COUNTY, "11")
    }
    seen = await listed(post.caller(["ROLE_ANALYST"], COUNTY))
    assert set(seen) == {"thresholdPolicies/default", *(made[p] for p in ("", "32", "3201", CITY,
                                                                          COUNTY))}  # fmt: skip
    assert set(await listed(post.caller(["ROLE_LEADER"], "32"))) >= {
        made[COUNTY],
        made[SECOND_COUNTY],
    }
    assert made["11"] not in await listed(post.caller(["ROLE_LEADER"], "32"))


async def test_a_wrong_policy_is_refused_by_field(post: Post) -> None:
    stored = await create(post, policy())
    cases: list[tuple[dict[str, Any], str]] = [
        ({"strategy": 4, "levels": [LevelRule(level=1, limit=41)]}, "policy.levels"),  # type: ignore[arg-type]
        ({"strategy": 3, "levels": [LevelRule(level=1, limit=1.5)]}, "policy.levels"),  # type: ignore[arg-type]
        ({"name": "warnings/1"}, "policy.name"),
        ({"name": ""}, "policy.name"),
    ]
    for fields, field in cases:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await post.stub().UpdateThresholdPolicy(update(changed(stored, **fields)))
        assert wrong_fields(caught.value) == [field], fields


async def test_a_cumulative_policy_warns_of_what_adds_up(post: Post) -> None:
    creeping = WEEK * 24 + [3, 2, 3, 2, 2, 1, 2] * 4
    await post.record(counts(creeping, BEGIN))
    sums = policy(strategy=4, levels=[LevelRule(level=1, limit=1.5)], min_count=1)  # type: ignore[arg-type]
    await create(post, sums)
    response = await post.evaluate(BEGIN + timedelta(days=len(creeping) - 1))
    [warning] = [item for item in response.changed_warnings if item.cell == cell()]
    assert warning.latest_evaluation.reason.startswith("近7天收到15件,按此前走势预计")
    assert "累积超过限值1.5" in warning.latest_evaluation.reason
