"""Whose counts a source's are, whose cells are counted, and how people judged, by region."""

from __future__ import annotations

from datetime import timedelta

import grpc
import pytest
from heed.warning.v1 import warning_service_pb2 as pb
from heed.warning.v1.resources_pb2 import Warning as WarningMessage

from tests.warning.conftest import CITY, COUNTY, SECOND_COUNTY, START, Post, counts
from tests.warning.rpc_setup import FIRST, WEEK, firing, new_id, refused, wrong_fields


async def test_a_source_belongs_to_the_caller_who_used_it_first(post: Post) -> None:
    def request(source: str) -> pb.RecordObservationsRequest:
        return pb.RecordObservationsRequest(
            request_id=new_id(), source=source, counts=counts([3], START)
        )

    own, other = post.stub("analyst"), post.stub("operator")
    assert (await own.RecordObservations(request("history-2024"))).recorded_count == 1
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await other.RecordObservations(request("history-2024"))
    assert wrong_fields(caught.value) == ["source"]
    assert (await own.RecordObservations(request("history-2024"))).recorded_count == 1
    assert (await other.RecordObservations(request("import-2024"))).recorded_count == 1
    assert [row["items"] for row in await post.rows(
        "SELECT live + recorded AS items FROM cell_day WHERE region_code = $1", COUNTY
    )] == [6]  # fmt: skip


async def test_an_evaluation_counts_the_cells_of_the_callers_region_only(post: Post) -> None:
    await post.record(counts(WEEK * 30, FIRST) + counts(WEEK * 30, FIRST, SECOND_COUNTY))
    whole = await post.evaluate(START)
    asked = pb.EvaluateRequest(as_of=START.isoformat())
    seen = {
        region: (await post.caller(["ROLE_ANALYST"], region).Evaluate(asked)).cell_count
        for region in (COUNTY, CITY, "330000")
    }
    assert whole.cell_count == 4
    assert seen == {COUNTY: 1, CITY: 3, "330000": 0}


async def test_precision_tells_how_people_judged_by_region_and_category(post: Post) -> None:
    fired = await firing(post)
    leader = post.stub("leader")
    take = pb.AcknowledgeWarningRequest(name=fired.name, etag=fired.etag, request_id=new_id())
    await post.advance(START + timedelta(days=2))
    taken = (await leader.AcknowledgeWarning(take)).warning
    asked = pb.GetWarningPrecisionRequest()
    before = (await post.stub().GetWarningPrecision(asked)).total
    assert (before.fired_count, before.judged_count, before.precision) == (1, 0, -1)
    assert before.median_hours_to_acknowledge == 24
    judge = pb.JudgeWarningRequest(
        name=fired.name,
        etag=taken.etag,
        request_id=new_id(),
        verdict=WarningMessage.VERDICT_FALSE,
        note="误报",
    )
    assert (await leader.JudgeWarning(judge)).warning.state == WarningMessage.STATE_JUDGED
    found = await post.stub().GetWarningPrecision(asked)
    assert (found.total.judged_count, found.total.false_count, found.total.precision) == (1, 1, 0)
    [row] = found.rows
    assert (row.region_code, row.region_title) == (COUNTY, "江苏省南京市玄武区")
    elsewhere = await post.caller(["ROLE_ANALYST"], SECOND_COUNTY).GetWarningPrecision(asked)
    assert (elsewhere.total.fired_count, len(elsewhere.rows)) == (0, 0)
    later = pb.GetWarningPrecisionRequest(from_day="2025-06-03", to_day="2025-06-04")
    assert (await post.stub().GetWarningPrecision(later)).total.fired_count == 0
    wrong = pb.GetWarningPrecisionRequest(from_day="2025-06-03", to_day="2025-06-02")
    assert (await refused(post.stub().GetWarningPrecision(wrong)))[1] == "INVALID_FIELD"
