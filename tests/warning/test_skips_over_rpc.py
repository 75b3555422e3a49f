"""What people judged leaves baselines alone: marked in series, and kept out of thresholds."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from heed.warning.v1 import warning_service_pb2 as pb
from heed.warning.v1.resources_pb2 import Warning as WarningMessage

from tests.warning.conftest import COUNTY, START, Post, cell, counts
from tests.warning.rpc_setup import new_id

FIRST = START - timedelta(days=150)
STEADY = [1, 2, 1, 2, 1, 2, 1]
SURGE = [6] * 7


async def judged(post: Post, verdict: WarningMessage.Verdict.ValueType) -> WarningMessage:
    """A warning of a week's surge, judged on its third day."""
    await post.record(counts(STEADY * 21 + [1, 2, 1] + SURGE, FIRST))
    for day in range(5):
        await post.evaluate(START + timedelta(days=day))
    found = await post.stub().ListWarnings(pb.ListWarningsRequest(region_prefix=COUNTY))
    [warning] = found.warnings
    request = pb.JudgeWarningRequest(
        name=warning.name, etag=warning.etag, request_id=new_id(), verdict=verdict, note="已核实"
    )
    answer: WarningMessage = (await post.stub("leader").JudgeWarning(request)).warning
    return answer


async def skipped(post: Post) -> list[date]:
    request = pb.QuerySeriesRequest(
        cell=cell(), from_day=FIRST.isoformat(), to_day=(START + timedelta(days=4)).isoformat()
    )
    days = (await post.stub().QuerySeries(request)).days
    return [date.fromisoformat(day.day) for day in days if day.skipped]


@pytest.mark.parametrize(
    ("verdict", "marked"),
    [
        (WarningMessage.VERDICT_CONFIRMED, True),
        (WarningMessage.VERDICT_EXPLAINED, True),
        (WarningMessage.VERDICT_FALSE, False),
    ],
)
async def test_days_of_a_judged_warning_are_marked_unless_it_was_false(
    post: Post, verdict: WarningMessage.Verdict.ValueType, *, marked: bool
) -> None:
    warning = await judged(post, verdict)
    found = await skipped(post)
    assert bool(found) == marked
    if marked:
        begun = date.fromisoformat(warning.first_exceeded_on)
        assert found[0] == begun - timedelta(days=6)
        assert found[-1] == START + timedelta(days=4)
        assert len(found) == (found[-1] - found[0]).days + 1


async def test_an_evaluation_after_a_judgement_expects_what_it_did_before(post: Post) -> None:
    await judged(post, WarningMessage.VERDICT_CONFIRMED)
    for ahead in range(7):
        await post.record(counts([1], START + timedelta(days=7 + ahead)), "later")
    await post.evaluate(START + timedelta(days=13))
    request = pb.ListWarningsRequest(region_prefix=COUNTY)
    [warning] = (await post.stub().ListWarnings(request)).warnings
    expected = warning.latest_evaluation.expected_count
    assert expected == pytest.approx(10, abs=1.5), "ten a week, as before the surge"
