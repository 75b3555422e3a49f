"""Every RPC over mutual TLS: who may call it, for which region, and what it refuses."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from heed.warning.v1 import warning_service_pb2 as pb
from heed.warning.v1.resources_pb2 import (
    LevelRule,
)
from heed.warning.v1.resources_pb2 import Warning as WarningMessage

from tests.warning.conftest import (
    CITY,
    COUNTY,
    SECOND_COUNTY,
    START,
    Post,
    cell,
    counts,
)
from tests.warning.rpc_setup import (
    FIRST,
    WEEK,
    firing,
    new_id,
    policy,
    refused,
    wrong_fields,
)
from tests.warning.test_rpc_roles import NOBODY, REQUESTS


async def test_nobody_without_an_identity_gets_in(post: Post) -> None:
    status, reason = await refused(post.stub("nobody").ListWarnings(pb.ListWarningsRequest()))
    assert (status, reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")


async def test_a_region_sees_its_own_warnings_only(post: Post) -> None:
    warning = await firing(post)
    roles = ["ROLE_ANALYST", "ROLE_LEADER"]
    own, other = post.caller(roles, CITY), post.caller(roles, SECOND_COUNTY)
    name = pb.GetWarningRequest(name=warning.name)
    assert (await own.GetWarning(name)).warning.name == warning.name
    assert await refused(other.GetWarning(name)) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    missing = pb.GetWarningRequest(name=NOBODY)
    assert await refused(other.GetWarning(missing)) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    assert len((await own.ListWarnings(pb.ListWarningsRequest())).warnings) == 1
    assert not (await other.ListWarnings(pb.ListWarningsRequest())).warnings
    wider = pb.ListWarningsRequest(region_prefix="32")
    assert not (await other.ListWarnings(wider)).warnings
    act = pb.ResolveWarningRequest(
        name=warning.name, etag=warning.etag, request_id=new_id(), note="x"
    )
    assert (await refused(other.ResolveWarning(act)))[1] == "NOT_FOUND"
    for call in (
        other.QuerySeries(REQUESTS["QuerySeries"][0]()),
        other.Forecast(REQUESTS["Forecast"][0]()),
        other.RecordObservations(REQUESTS["RecordObservations"][0]()),
        other.CreateThresholdPolicy(REQUESTS["CreateThresholdPolicy"][0]()),
        own.CreateThresholdPolicy(
            pb.CreateThresholdPolicyRequest(request_id=new_id(), policy=policy(region_prefix=""))
        ),
    ):
        assert (await refused(call))[1] == "REGION_NOT_ALLOWED"
    done = await other.Evaluate(pb.EvaluateRequest(as_of=START.isoformat()))
    assert not done.changed_warnings


BAD_INPUT: list[tuple[str, Message, str]] = [
    ("QuerySeries", pb.QuerySeriesRequest(cell=cell("999999"), from_day="2025-01-01",
     to_day="2025-01-02"), "UNKNOWN_REGION"),
    ("QuerySeries", pb.QuerySeriesRequest(cell=cell(category="99"), from_day="2025-01-01",
     to_day="2025-01-02"), "UNKNOWN_CATEGORY"),
    ("QuerySeries", pb.QuerySeriesRequest(cell=cell(), from_day="2025-02-30",
     to_day="2025-03-02"), "INVALID_FIELD"),
    ("QuerySeries", pb.QuerySeriesRequest(cell=cell(), from_day="2025-02-02",
     to_day="2025-02-01"), "INVALID_FIELD"),
    ("QuerySeries", pb.QuerySeriesRequest(cell=cell(), from_day="2001-02-02",
     to_day="2025-02-01"), "INVALID_FIELD"),
    ("Forecast", pb.ForecastRequest(cells=[cell("999999")]), "UNKNOWN_REGION"),
    ("Forecast", pb.ForecastRequest(cells=[cell()], as_of="2030-01-01"), "INVALID_FIELD"),
    ("Forecast", pb.ForecastRequest(cells=[cell()], horizon_days=57), "INVALID_FIELD"),
    ("Evaluate", pb.EvaluateRequest(as_of="2025-06-31"), "INVALID_FIELD"),
    ("Evaluate", pb.EvaluateRequest(as_of=START.isoformat()), "INVALID_FIELD"),
    ("ListWarnings", pb.ListWarningsRequest(page_token="abc"), "BAD_PAGE_TOKEN"),
    ("ListWarnings", pb.ListWarningsRequest(category_code="99"), "UNKNOWN_CATEGORY"),
    ("ListWarnings", pb.ListWarningsRequest(region_prefix="999999"), "UNKNOWN_REGION"),
    ("RecordObservations", pb.RecordObservationsRequest(request_id=new_id(), source="live",
     counts=counts([1], START)), "INVALID_FIELD"),
    ("RecordObservations", pb.RecordObservationsRequest(request_id=new_id(), source="a",
     counts=counts([1], START, "999999")), "UNKNOWN_REGION"),
    ("RecordObservations", pb.RecordObservationsRequest(request_id=new_id(), source="a",
     counts=counts([-1], START)), "INVALID_FIELD"),
    ("CreateThresholdPolicy", pb.CreateThresholdPolicyRequest(request_id=new_id(),
     policy=policy(levels=[])), "INVALID_FIELD"),
    ("CreateThresholdPolicy", pb.CreateThresholdPolicyRequest(request_id=new_id(),
     policy=policy(category_code="99")), "UNKNOWN_CATEGORY"),
    ("CreateThresholdPolicy", pb.CreateThresholdPolicyRequest(request_id=new_id(),
     policy=policy(levels=[LevelRule(level=2, limit=9), LevelRule(level=1, limit=5)])),  # type: ignore[arg-type]
     "INVALID_FIELD"),
]  # fmt: skip


async def test_bad_input_is_named(post: Post) -> None:
    for method, request, reason in BAD_INPUT:
        found = await refused(getattr(post.stub(), method)(request))
        assert found[1] == reason, (method, request)


async def test_a_day_to_come_is_refused_by_its_field_and_today_is_not(post: Post) -> None:
    request = pb.RecordObservationsRequest(
        request_id=new_id(), source="a", counts=counts([1, 2], START)
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await post.stub().RecordObservations(request)
    assert wrong_fields(caught.value) == ["counts[1].day"]
    del request.counts[1]
    assert (await post.stub().RecordObservations(request)).recorded_count == 1


async def test_what_people_do_follows_states_and_etags(post: Post) -> None:
    warning = await firing(post)
    leader = post.stub("leader")

    def named(kind: type[Message], etag: str, **fields: Any) -> Message:
        return kind(name=warning.name, etag=etag, request_id=new_id(), **fields)

    take = named(pb.AcknowledgeWarningRequest, warning.etag)
    taken = (await leader.AcknowledgeWarning(take)).warning
    assert taken.state == WarningMessage.STATE_ACKNOWLEDGED
    assert taken.acknowledged_by.display_name == "孟华"
    again = (await leader.AcknowledgeWarning(take)).warning
    assert again == taken, "the same request_id gets the same answer"
    stale = named(pb.JudgeWarningRequest, warning.etag, verdict=3, note="x")
    assert await refused(leader.JudgeWarning(stale)) == (grpc.StatusCode.ABORTED, "STALE_ETAG")
    twice = named(pb.AcknowledgeWarningRequest, taken.etag)
    assert await refused(leader.AcknowledgeWarning(twice)) == (
        grpc.StatusCode.FAILED_PRECONDITION, "WRONG_STATE",
    )  # fmt: skip
    judge = named(pb.JudgeWarningRequest, taken.etag, verdict=1, note="属实,已转办")
    judged = (await leader.JudgeWarning(judge)).warning
    assert (judged.verdict, judged.note) == (WarningMessage.VERDICT_CONFIRMED, "属实,已转办")
    end = named(pb.ResolveWarningRequest, judged.etag, note="已解决")
    ended = (await leader.ResolveWarning(end)).warning
    assert (ended.state, ended.resolved_on) == (WarningMessage.STATE_RESOLVED, "2025-06-03")
    confirm = named(pb.ConfirmWarningLevelRequest, ended.etag)
    assert (await refused(leader.ConfirmWarningLevel(confirm)))[1] == "WRONG_STATE"
    assert not (await post.evaluate(START + timedelta(days=1))).changed_warnings


async def test_a_request_id_serves_one_payload(post: Post) -> None:
    first = pb.RecordObservationsRequest(
        request_id=new_id(), source="a", counts=counts([1, 2], START - timedelta(days=1))
    )
    assert (await post.stub().RecordObservations(first)).recorded_count == 2
    assert (await post.stub().RecordObservations(first)).recorded_count == 2
    first.counts[0].count = 7
    assert await refused(post.stub().RecordObservations(first)) == (
        grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED",
    )  # fmt: skip


async def test_a_repetition_from_another_region_is_told_nothing(post: Post) -> None:
    warning = await firing(post)
    take = pb.AcknowledgeWarningRequest(name=warning.name, etag=warning.etag, request_id=new_id())
    own = post.caller(["ROLE_LEADER"], CITY)
    taken = await own.AcknowledgeWarning(take)
    assert await own.AcknowledgeWarning(take) == taken
    moved = post.caller(["ROLE_LEADER"], SECOND_COUNTY)
    assert await refused(moved.AcknowledgeWarning(take)) == (
        grpc.StatusCode.NOT_FOUND, "NOT_FOUND",
    )  # fmt: skip


async def test_policies_are_listed_with_the_default_first_and_page_by_page(post: Post) -> None:
    for _ in range(3):
        request = pb.CreateThresholdPolicyRequest(request_id=new_id(), policy=policy())
        stored = (await post.stub().CreateThresholdPolicy(request)).policy
    names, token = [], ""
    while True:
        page = await post.stub().ListThresholdPolicies(
            pb.ListThresholdPoliciesRequest(page_size=2, page_token=token)
        )
        names += [item.name for item in page.policies]
        token = page.next_page_token
        if not token:
            break
    assert len(names) == 4
    assert (names[0], names[-1]) == ("thresholdPolicies/default", stored.name)


async def test_warnings_are_listed_page_by_page_without_gaps(post: Post) -> None:
    for region in (COUNTY, SECOND_COUNTY):
        request = pb.CreateThresholdPolicyRequest(
            request_id=new_id(), policy=policy(region_prefix=region)
        )
        await post.stub().CreateThresholdPolicy(request)
    for region in (COUNTY, SECOND_COUNTY):
        for category in ("01", "02", "03"):
            await post.record(counts(WEEK * 30, FIRST, region, category))
    raised = {item.name for item in (await post.evaluate(START)).changed_warnings}
    seen, token = [], ""
    while True:
        page = await post.stub("officer").ListWarnings(
            pb.ListWarningsRequest(page_size=4, page_token=token)
        )
        seen += [item.name for item in page.warnings]
        token = page.next_page_token
        if not token:
            break
    assert len(seen) == len(set(seen)) == 6
    assert set(seen) == raised
