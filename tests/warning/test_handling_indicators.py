"""Indicators of the handling, from disposal's real steps to the answer: two services, one feed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import date, timedelta

import pytest_asyncio
from heed.intake.v1.events_pb2 import PetitionEvent
from heed.warning.v1 import warning_service_pb2 as pb
from heed.warning.v1.resources_pb2 import IndicatorValue

from heed_disposal.adapters.work import PostgresWorkshop
from heed_disposal.application.changes import record
from heed_disposal.application.daily_counts import CountClosedDay
from heed_disposal.application.ports import Change
from heed_disposal.domain import reviews
from heed_disposal.domain.case import Case
from heed_disposal.domain.handling import record_follow_up
from heed_disposal.domain.procedure_terms import RatingGrade, ReviewResult
from heed_disposal.domain.terms import FollowUpResult
from heed_disposal.domain.voices import rate
from heed_local.authority import Authority
from heed_shared.clock import ReplayClock, day_start
from heed_warning.settings import WarningSettings
from tests.database_templates import MadeDatabase
from tests.disposal.builders import (
    LEADER,
    OTHER_OFFICER,
    REGION,
    act,
    answered,
    at,
    handbook,
    opened,
    petition,
    routed,
    served,
)
from tests.disposal.builders import accepted as taken_on
from tests.disposal.feeding import Feeding
from tests.disposal.serving import Serving, serving
from tests.shared.feed_setup import until
from tests.warning.conftest import Post, cell, counts, posted

LAST = date(2026, 11, 30)
RECEIVED, ANSWERED = at("2026-10-20"), at("2026-11-16")
SUPERVISOR = replace(OTHER_OFFICER, identity="staff/supervisor", unit="督查室")
ANSWERS, RATED, DISSATISFIED, REVIEWED, CHANGED, BROKEN, WAITING = 24, 21, 6, 12, 5, 6, 12


@dataclass
class Pair:
    """Disposal, and warning that follows it."""

    disposal: Serving
    warning: Post

    async def values(self) -> dict[str, IndicatorValue]:
        """The indicators of the cell as of the last closed day."""
        request = pb.GetIndicatorsRequest(cells=[cell(REGION)], as_of=LAST.isoformat())
        response = await self.warning.stub().GetIndicators(request)
        return {value.code: value for value in response.cells[0].values}


@pytest_asyncio.fixture
async def pair(
    authority: Authority,
    make_database: Callable[[str], MadeDatabase],
    settings_for: Callable[..., WarningSettings],
) -> AsyncIterator[Pair]:
    """Both services, each on a database of its own; the day after LAST has begun for warning."""
    async with AsyncExitStack() as stack:
        disposal = await stack.enter_async_context(serving(authority, make_database("disposal")))
        made = make_database("warning")
        settings = settings_for(
            made,
            HEED_REPLAY_START=day_start(LAST + timedelta(days=1)).isoformat(),
            HEED_DISPOSAL_TARGET=f"127.0.0.1:{disposal.service.port}",
        )
        post = await stack.enter_async_context(posted(settings, authority, made))
        post.today = LAST + timedelta(days=1)
        await post.record(counts([3] * 300, LAST - timedelta(days=299), REGION))
        yield Pair(disposal, post)


def handled(number: int) -> Case:
    """A supported request of which some were rated, reviewed, or promised something in vain."""
    case = opened(number=number, received_at=RECEIVED, now=RECEIVED)
    case = served(answered(taken_on(routed(case, RECEIVED), RECEIVED), ANSWERED), ANSWERED)
    if number <= RATED:
        bad = number <= DISSATISFIED
        grade = RatingGrade.DISSATISFIED if bad else RatingGrade.SATISFIED
        case = rate(case, RatingGrade.UNSPECIFIED, grade, "", act(OTHER_OFFICER, at("2026-11-18")))
    if number > ANSWERS - BROKEN:
        (asked,) = (f for f in case.follow_ups if not f.result)
        broken = FollowUpResult.PROMISE_BROKEN
        at_call = act(SUPERVISOR, at("2026-11-23"))
        case = record_follow_up(case, asked.number, broken, "", at_call, handbook())
    if number <= REVIEWED:
        wanted = reviews.Request("市住建局", "与事实不符", date(2026, 11, 17), "")
        now = act(now=at("2026-11-17"))
        case = reviews.request(reviews.REVIEW, case, wanted, now, handbook())
        result = ReviewResult.CHANGED if number <= CHANGED else ReviewResult.UPHELD
        finding = reviews.Finding(result, "经复查", "条例")
        reader = act(LEADER, at("2026-11-24"))
        case = reviews.issue(reviews.REVIEW, case, finding, reader, handbook())
    return case


async def work_done(disposal: Serving) -> None:
    """Let people handle the cases, and the last day end."""
    cases = [handled(number) for number in range(1, ANSWERS + 1)]
    waiting = range(ANSWERS + 1, ANSWERS + WAITING + 1)
    cases += [opened(number=n, received_at=RECEIVED, now=RECEIVED) for n in waiting]
    workshop = PostgresWorkshop(disposal.database)
    async with workshop.open() as work:
        await record(work.cases, [Change(None, case) for case in cases], at("2026-11-25"))
        await work.commit()
    await CountClosedDay(workshop, ReplayClock(day_start(LAST)))(LAST - timedelta(days=1))


def figure(value: IndicatorValue) -> tuple[float, float, float]:
    assert value.outcome == IndicatorValue.OUTCOME_VALUE, value
    return value.numerator, value.denominator, round(value.value, 3)


async def test_ratings_promises_reviews_and_silence_become_figures_of_the_cell_and_leave_again(
    pair: Pair,
) -> None:
    for code in ("B5", "B6", "B7", "C2"):
        assert (await pair.values())[code].outcome == IndicatorValue.OUTCOME_NOT_COUNTED
    await work_done(pair.disposal)

    async def counted() -> bool:
        return (await pair.values())["C2"].outcome == IndicatorValue.OUTCOME_VALUE

    await until(counted)
    found = await pair.values()
    assert figure(found["B5"]) == (DISSATISFIED, RATED, round(DISSATISFIED / RATED, 3))
    assert found["B5"].title == "不满意率(参评率88%)"
    assert figure(found["B6"]) == (BROKEN, ANSWERS, BROKEN / ANSWERS)
    assert figure(found["B7"]) == (CHANGED, REVIEWED, round(CHANGED / REVIEWED, 3))
    assert figure(found["C2"]) == (0, WAITING, 46), "the middle of the bucket from 31 to 60 days"

    feeding = Feeding(pair.disposal.database)
    feeding.clock.advance(at("2026-11-30", 12))
    await feeding.ended(petition(1), PetitionEvent.KIND_SEALED)

    async def left() -> bool:
        return (await pair.values())["B5"].denominator == RATED - 1

    await until(left)
    found = await pair.values()
    assert figure(found["B5"]) == (DISSATISFIED - 1, RATED - 1, 0.25)
    hidden = found["B7"]
    assert hidden.outcome == IndicatorValue.OUTCOME_SUPPRESSED, "four are too few to be told"
