"""Performance figures: by hand for a few cases, and recomputed apart for many with real delays."""

import csv
import gzip
import random
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import grpc
import pytest
from heed.disposal.v1 import disposal_service_pb2 as pb
from heed.disposal.v1 import resources_pb2 as resources

from heed_disposal.adapters.figure_counts import PostgresFigureCounts
from heed_disposal.adapters.reference_files import load_figures
from heed_disposal.adapters.work import PostgresWorkshop
from heed_disposal.application.changes import record
from heed_disposal.application.performance import Period, performance
from heed_disposal.application.ports import Change
from heed_disposal.domain.case import Case
from heed_disposal.domain.clocks import Extension, extend
from heed_disposal.domain.figures import (
    Figure,
    FigureDefinition,
    FigureFileError,
    Parts,
    figure,
    read_figures,
)
from heed_disposal.domain.handling import close, record_follow_up
from heed_disposal.domain.procedure_terms import RatingGrade
from heed_disposal.domain.terms import Finding, FollowUpResult
from heed_disposal.domain.voices import rate
from heed_shared.clock import ReplayClock, local_day
from heed_shared.database import Database
from heed_shared.errors import reason_of
from tests.disposal.builders import (
    HANDLER,
    LEADER,
    MONDAY,
    OTHER_OFFICER,
    accepted,
    act,
    answered,
    at,
    handbook,
    opened,
    routed,
    served,
)
from tests.disposal.serving import Serving, on

CASES = 300
SUPERVISOR = replace(OTHER_OFFICER, identity="staff/supervisor", unit="督查室")


@dataclass
class Life:
    """What is known of one case without looking into the database."""

    received: date
    notified: date
    answer_due: date
    extended: bool
    served: date | None
    rated: int
    solved: bool | None


def made_up_delays() -> list[int]:
    dice = random.Random(7)
    return [dice.choice((3, 8, 12, 20, 40, 70, 95, 130)) for _ in range(CASES)]


def real_delays(heed_data: Path) -> list[int]:
    """Days that officials of one city took."""
    with gzip.open(heed_data / "petitions/reply_times.csv.gz", "rt", encoding="utf-8") as file:
        days = [int(float(row["days_to_reply"])) for row in csv.DictReader(file)]
    return random.Random(7).sample(days, CASES)


def lived(number: int, days: int, dice: random.Random) -> tuple[Case, Life]:
    """A case that was answered after so many days, with all that followed."""
    received = MONDAY + timedelta(days=number % 30)
    case = accepted(routed(opened(number=number, received_at=received, now=received), received))
    due = local_day(received) + timedelta(days=60)
    life = Life(local_day(received), local_day(received), due, False, None, 0, None)
    if days > 60 and dice.random() < 0.5:
        asked = Extension("D05", 30, "需委托鉴定", LEADER)
        case = extend(case, asked, act(HANDLER, received), handbook())
        life.extended, life.answer_due = True, due + timedelta(days=30)
    if days < 120:
        now = received + timedelta(days=days)
        case = served(answered(case, now), now)
        life.served = local_day(now)
        life.rated = dice.choice((0, 0, 1, 2, 3))
        if life.rated:
            grade = RatingGrade(life.rated)
            case = rate(case, RatingGrade.UNSPECIFIED, grade, "", act(HANDLER, now))
        case = close(case, "已送达", Finding.UNSPECIFIED, act(OTHER_OFFICER, now))
        result = dice.choice((FollowUpResult.SOLVED, FollowUpResult.NOT_SOLVED))
        follow_up = next(f.number for f in case.follow_ups if not f.result)
        case = record_follow_up(case, follow_up, result, "", act(SUPERVISOR, now), handbook())
        life.solved = result is FollowUpResult.SOLVED
    return case, life


async def figures(database: Database, begin: date, end: date) -> dict[str, Figure]:
    counts = PostgresFigureCounts(database, ReplayClock(at("2027-06-01")))
    found = await performance(counts, load_figures(), Period("", "", begin, end))
    return {item.definition.code: item for item in found.together}


def parts(found: Figure) -> tuple[float, float]:
    return found.numerator, found.denominator


async def test_the_report_agrees_with_figures_recomputed_apart(database: Database) -> None:
    await compare(database, made_up_delays())


async def test_the_report_agrees_on_the_delays_of_a_real_city(
    database: Database, heed_data: Path
) -> None:
    await compare(database, real_delays(heed_data))


async def compare(database: Database, delays: list[int]) -> None:
    """Compare every figure with one that is counted from the lives alone."""
    dice = random.Random(3)
    cases, lives = zip(
        *(lived(number, days, dice) for number, days in enumerate(delays, start=1)),
        strict=True,
    )
    async with PostgresWorkshop(database).open() as work:
        await record(work.cases, [Change(None, case) for case in cases], at("2027-05-01"))
        await work.commit()
    begin, end = date(2026, 10, 1), date(2026, 12, 31)
    found = await figures(database, begin, end)

    def within(day: date | None) -> bool:
        return day is not None and begin <= day <= end

    due = [life for life in lives if within(life.answer_due)]
    in_time = [life for life in due if life.served and life.served <= life.answer_due]
    assert parts(found["timely_answer"]) == (len(in_time), len(due))
    assert parts(found["extended_share"]) == (sum(life.extended for life in due), len(due))
    told = [life for life in lives if within(life.served)]
    took = sum((life.served - life.received).days for life in told if life.served)
    assert parts(found["days_to_reply"]) == (took, len(told))
    rated = [life for life in told if life.rated]
    assert parts(found["participation"]) == (len(rated), len(told))
    content = [life for life in rated if life.rated in (1, 2)]
    assert parts(found["satisfaction_unit"]) == (len(content), len(rated))
    solved = [life for life in told if life.solved]
    assert parts(found["first_time_solved"]) == (len(solved), len(told))
    assert parts(found["solved_share"]) == (len(solved), len(told))
    unserved = [life for life in lives if life.served is None]
    assert parts(found["open_overdue"]) == (len(unserved), len(unserved))
    assert found["timely_answer"].value == pytest.approx(100 * len(in_time) / len(due))


async def test_few_ratings_are_not_told_and_silence_is_not_satisfaction(
    disposal: Serving,
) -> None:
    case = await disposal.served()
    grade = resources.Rating.GRADE_DISSATISFIED
    await disposal.stub("portal").RateCase(pb.RateCaseRequest(**on(case), unit=grade))
    await disposal.served()
    request = pb.GetPerformanceRequest(from_day="2026-09-01", to_day="2026-09-30", by_unit=True)
    answer = await disposal.stub("leader").GetPerformance(request)
    together = {item.code: item for item in answer.figures}
    satisfied = together["satisfaction_unit"]
    assert not satisfied.defined
    assert (satisfied.numerator, satisfied.denominator) == (0, 0)
    taking_part = together["participation"]
    assert (taking_part.numerator, taking_part.denominator, taking_part.value) == (1, 2, 50)
    assert all(item.formula and item.formula_version and item.exclusions for item in answer.figures)
    assert [unit.unit for unit in answer.units] == [case.unit]


async def test_figures_of_another_region_or_an_impossible_period_are_not_given(
    disposal: Serving,
) -> None:
    await disposal.served()
    request = pb.GetPerformanceRequest(from_day="2026-09-01", to_day="2026-09-30")
    outside = await disposal.stub("leader", "310000").GetPerformance(request)
    assert not any(item.denominator for item in outside.figures)
    backwards = pb.GetPerformanceRequest(from_day="2026-10-01", to_day="2026-09-01")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await disposal.stub("leader").GetPerformance(backwards)
    assert reason_of(refused.value) == "INVALID_FIELD"
    assert "from_day" in (refused.value.details() or "")


def test_a_figure_file_with_a_slip_does_not_load() -> None:
    with pytest.raises(FigureFileError, match="figure a"):
        read_figures({"figure": [{"code": "a"}]})
    entry = {
        "code": "a",
        "version": "1",
        "title": "",
        "unit": "%",
        "minimum": 1,
        "formula": "",
        "exclusion": "",
    }
    with pytest.raises(FigureFileError, match="doubled"):
        read_figures({"figure": [entry, entry]})


def test_a_figure_without_a_denominator_has_no_value() -> None:
    mean = FigureDefinition("a", "1", "", "日", 1, "", "{excluded}件")
    assert not figure(mean, Parts(0, 0, 3)).defined
    assert figure(mean, Parts(0, 0, 3)).exclusion == "3件"
    assert figure(mean, Parts(6, 4)).value == 1.5
