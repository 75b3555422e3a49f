"""A warning from its first count to its end, over the real service."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta

import grpc
import pytest
from heed.common.v1.matter_pb2 import WARNING_LEVEL_ORANGE, WARNING_LEVEL_RED
from heed.feed.v1 import feed_service_pb2
from heed.warning.v1 import warning_service_pb2 as pb
from heed.warning.v1.events_pb2 import WarningEvent
from heed.warning.v1.resources_pb2 import Evaluation
from heed.warning.v1.resources_pb2 import Warning as WarningMessage

from heed_shared.errors import reason_of
from tests.warning.conftest import COUNTY, SECOND_COUNTY, START, Post, counts

FIRST = START - timedelta(days=100)


async def with_surge(post: Post) -> None:
    """Record 100 quiet days in two counties, and a surge of ten days in one of them."""
    quiet = [1, 0, 2, 1, 1, 0, 0] * 16
    surging = quiet[:100] + [9] * 10
    await post.record(counts(surging, FIRST) + counts(quiet[:110], FIRST, SECOND_COUNTY))


async def test_a_surge_raises_one_warning_and_red_waits_for_a_person(post: Post) -> None:
    await with_surge(post)
    changed = [await post.evaluate(START + timedelta(days=day)) for day in range(7)]
    raised = [warning for response in changed for warning in response.changed_warnings]
    names = {warning.name for warning in raised}
    assert len(names) == 1, "one warning per matter and place"
    last = (await post.stub().GetWarning(pb.GetWarningRequest(name=names.pop()))).warning
    assert last.cell.region_code == COUNTY
    assert last.proposed_level == WARNING_LEVEL_RED
    assert last.effective_level == WARNING_LEVEL_ORANGE
    assert last.latest_evaluation.outcome == Evaluation.OUTCOME_EXCEEDED
    assert last.latest_evaluation.reason.startswith("近7天收到63件,按此前走势预计")
    assert last.region_title == "江苏省南京市玄武区"
    confirmed = await post.stub("leader").ConfirmWarningLevel(
        pb.ConfirmWarningLevelRequest(name=last.name, etag=last.etag, request_id=str(uuid.uuid4()))
    )
    assert confirmed.warning.effective_level == WARNING_LEVEL_RED
    assert confirmed.warning.level_confirmed_by.display_name == "孟华"


async def test_the_feed_tells_of_every_change_once(post: Post) -> None:
    await with_surge(post)
    for day in range(24):
        await post.evaluate(START + timedelta(days=day))
    page = await post.feed().ListEvents(
        feed_service_pb2.ListEventsRequest(feed="warning.warnings", consumer="disposal")
    )
    kinds = [event.warning.kind for event in page.events]
    assert kinds[0] == WarningEvent.KIND_RAISED
    assert kinds[-1] == WarningEvent.KIND_RESOLVED
    assert kinds.count(WarningEvent.KIND_RAISED) == 1
    assert all(event.subject == event.warning.warning for event in page.events)


async def test_repeating_an_evaluation_changes_nothing_and_an_earlier_day_is_refused(
    post: Post,
) -> None:
    await with_surge(post)
    for day in range(3):
        first = await post.evaluate(START + timedelta(days=day))
    again = await post.stub().Evaluate(pb.EvaluateRequest(as_of=first.as_of))
    assert again == first
    for as_of in (START, START + timedelta(days=3)):
        with pytest.raises(grpc.RpcError) as refused:
            await post.stub().Evaluate(pb.EvaluateRequest(as_of=as_of.isoformat()))
        assert reason_of(refused.value) == "INVALID_FIELD"


async def test_a_short_history_is_said_to_be_too_short(post: Post) -> None:
    await post.record(counts([3] * 20, START - timedelta(days=20)))
    response = await post.evaluate(START)
    assert response.cell_count == response.insufficient_history_count == 3
    assert not response.changed_warnings


async def test_pending_warnings_are_listed_only_when_asked_for(post: Post) -> None:
    await with_surge(post)
    await post.evaluate(START)
    await post.evaluate(START + timedelta(days=1))
    everyone = await post.stub().ListWarnings(pb.ListWarningsRequest())
    pending = await post.stub().ListWarnings(
        pb.ListWarningsRequest(states=[WarningMessage.STATE_PENDING])
    )
    assert len(everyone.warnings) + len(pending.warnings) >= 1
    assert all(item.state != WarningMessage.STATE_PENDING for item in everyone.warnings)
    assert all(item.state == WarningMessage.STATE_PENDING for item in pending.warnings)


async def test_two_evaluations_of_one_day_at_once_are_one(post: Post) -> None:
    await with_surge(post)
    await post.evaluate(START)
    await post.advance(START + timedelta(days=2))
    day = (START + timedelta(days=1)).isoformat()
    calls = [post.stub().Evaluate(pb.EvaluateRequest(as_of=day)) for _ in range(4)]
    answers = await asyncio.gather(*calls)
    assert all(answer == answers[0] for answer in answers)
    runs = await post.rows("SELECT as_of, changed_uids FROM evaluation_run ORDER BY as_of")
    assert len(runs) == 2
    events = await post.rows("SELECT subject FROM feed_event")
    assert len(events) == len(answers[0].changed_warnings) == 1


async def test_counts_of_a_region_that_a_later_table_dropped_stop_nothing(post: Post) -> None:
    await with_surge(post)
    await post.rows("UPDATE cell_day SET region_code = '329999' WHERE region_code = '320104'")
    response = await post.evaluate(START)
    assert response.cell_count == 4
