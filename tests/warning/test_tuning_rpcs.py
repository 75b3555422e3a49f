"""Recommended thresholds and backtests over RPC."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from google.longrunning import operations_pb2
from heed.warning.v1 import warning_service_pb2 as pb
from heed.warning.v1.resources_pb2 import ThresholdPolicy

from tests.warning.conftest import COUNTY, SECOND_COUNTY, START, Post, counts
from tests.warning.rpc_setup import new_id, policy, refused

DAYS = 300
BEGIN = START - timedelta(days=DAYS)
YESTERDAY = START - timedelta(days=1)


async def warm(post: Post) -> None:
    """Two counties, three categories, most of a year."""
    rng = np.random.default_rng(3)
    for region in (COUNTY, SECOND_COUNTY):
        for category in ("01", "02", "03"):
            daily = rng.poisson(1.5, DAYS).tolist()
            given = counts(daily, BEGIN, region=region, category=category)
            await post.record([item for item in given if item.count])


async def finished(post: Post, name: str) -> operations_pb2.Operation:
    request = operations_pb2.WaitOperationRequest(name=name)
    request.timeout.seconds = 20
    done: operations_pb2.Operation = await post.operations().WaitOperation(request)
    return done


def backtest(**fields: object) -> pb.BacktestPolicyRequest:
    default = ThresholdPolicy(
        strategy=ThresholdPolicy.STRATEGY_FORECAST_EXCEEDANCE, window_days=7, min_count=5,
        levels=policy().levels, pending_evaluations=1, clear_evaluations=5,
    )  # fmt: skip
    default.levels[0].limit = 0.99
    given = {"request_id": new_id(), "policy": default} | fields
    return pb.BacktestPolicyRequest(**given)  # type: ignore[arg-type]


async def test_a_recommendation_keeps_the_budget_and_the_callers_region(post: Post) -> None:
    await warm(post)
    request = pb.RecommendThresholdsRequest(warnings_per_county_month=1.0)
    found = await post.stub().RecommendThresholds(request)
    assert found.policy.name == ""
    assert (found.cell_count, found.insufficient_history_count) == (6, 0)
    (chosen,) = [trade for trade in found.trades if trade.chosen]
    assert chosen.warnings_per_county_month <= 1.0
    assert found.policy.levels[0].limit == chosen.limit
    assert [level.level for level in found.policy.levels] == [1, 2, 3, 4]
    assert "人为增量" in found.method
    # It can be created as it is.
    stored = await post.stub().CreateThresholdPolicy(
        pb.CreateThresholdPolicyRequest(request_id=new_id(), policy=found.policy)
    )
    assert stored.policy.name
    own = post.caller(["ROLE_ANALYST"], COUNTY)
    found = await own.RecommendThresholds(pb.RecommendThresholdsRequest(missed_to_false_cost=5))
    assert (found.cell_count, found.policy.region_prefix) == (3, COUNTY)
    other = pb.RecommendThresholdsRequest(missed_to_false_cost=5, region_prefix=SECOND_COUNTY)
    assert (await refused(own.RecommendThresholds(other)))[1] == "REGION_NOT_ALLOWED"


async def test_what_cannot_be_recommended_or_replayed_is_refused(post: Post) -> None:
    today = START.isoformat()
    for fields, reason in (
        ({}, "INVALID_FIELD"),
        ({"warnings_per_county_month": 1, "region_prefix": "329999"}, "UNKNOWN_REGION"),
        ({"warnings_per_county_month": 1, "category_code": "99"}, "UNKNOWN_CATEGORY"),
        ({"warnings_per_county_month": 1, "data_to": today}, "INVALID_FIELD"),
        ({"warnings_per_county_month": 1, "data_from": today}, "INVALID_FIELD"),
        ({"warnings_per_county_month": 1}, "INSUFFICIENT_HISTORY"),
    ):
        request = pb.RecommendThresholdsRequest(**fields)
        assert (await refused(post.stub().RecommendThresholds(request)))[1] == reason, fields
    assert (await refused(post.stub().BacktestPolicy(backtest())))[1] == "INSUFFICIENT_HISTORY"
    own = post.caller(["ROLE_ANALYST"], COUNTY)
    assert (await refused(own.BacktestPolicy(backtest())))[1] == "REGION_NOT_ALLOWED"


async def test_a_backtest_reports_each_region_and_category(post: Post) -> None:
    await warm(post)
    request = backtest()
    started = await post.stub().BacktestPolicy(request)
    assert (await post.stub().BacktestPolicy(request)).name == started.name, "repeated"
    done = await finished(post, started.name)
    response, metadata = pb.BacktestPolicyResponse(), pb.BacktestPolicyMetadata()
    assert done.response.Unpack(response)
    assert done.metadata.Unpack(metadata)
    report = response.report
    assert report.data_to == YESTERDAY.isoformat()
    assert report.data_from == (YESTERDAY - timedelta(days=179)).isoformat()
    assert len(report.rows) == 6
    total = report.total
    assert not total.HasField("cell")
    assert total.surge_count == sum(row.surge_count for row in report.rows) > 0
    assert total.found_count == sum(row.found_count for row in report.rows)
    assert total.found_share == pytest.approx(total.found_count / total.surge_count)
    assert 0.3 < total.found_share < 1.0
    assert total.false_count <= total.warning_count
    assert {row.region_title for row in report.rows} == {
        "江苏省南京市玄武区",
        "江苏省南京市秦淮区",
    }
    again = await finished(post, (await post.stub().BacktestPolicy(backtest())).name)
    second = pb.BacktestPolicyResponse()
    assert again.response.Unpack(second)
    assert second == response, "a seed makes the same surges"


async def test_a_cancelled_backtest_ends(post: Post) -> None:
    await warm(post)
    started = await post.stub().BacktestPolicy(backtest(policy=backtest().policy))
    await post.operations().CancelOperation(
        operations_pb2.CancelOperationRequest(name=started.name)
    )
    done = await finished(post, started.name)
    assert done.done
    await post.stub().BacktestPolicy(backtest())  # the next one finds the place free
