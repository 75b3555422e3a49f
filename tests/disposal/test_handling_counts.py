"""What the handling itself counts: exactly the difference of each step, and zero in the end."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from heed_disposal.domain.assessment import Growth
from heed_disposal.domain.case import Case
from heed_disposal.domain.counts import CountDelta, CountKind
from heed_disposal.domain.ending import erase, withdraw
from heed_disposal.domain.handling import Answer, issue_opinion, record_follow_up
from heed_disposal.domain.opening import follow_matter
from heed_disposal.domain.procedure_terms import RatingGrade, ReviewResult
from heed_disposal.domain.recount import retract, settle
from heed_disposal.domain.reviews import REVIEW, Finding, Request, issue, request
from heed_disposal.domain.terms import FollowUpResult, Nature, Outcome
from heed_disposal.domain.voices import rate
from tests.disposal.builders import (
    HANDLER,
    LEADER,
    MONDAY,
    OTHER_OFFICER,
    accepted,
    act,
    answered,
    at,
    facts,
    handbook,
    opened,
    routed,
    served,
)

DAY = date(2026, 9, 21)
SUPERVISOR = replace(OTHER_OFFICER, identity="staff/supervisor", unit="督查室")
BAD = RatingGrade.DISSATISFIED
Told = dict[tuple[str, str, str, int], int]


def told(deltas: Sequence[CountDelta]) -> Told:
    """Sums by kind, category, day and bucket, without those of deadlines."""
    sums: Counter[tuple[str, str, str, int]] = Counter()
    for delta in deltas:
        if delta.kind not in (CountKind.DUE, CountKind.OVERDUE):
            cell = delta.cell
            sums[delta.kind.name, cell.category_code, str(cell.day), delta.bucket] += delta.delta
    return {key: count for key, count in sums.items() if count}


def key(
    kind: str, day: str = "2026-09-21", category: str = "01", bucket: int = 0
) -> tuple[str, str, str, int]:
    return kind, category, day, bucket


def counted(case: Case, closed_day: date = DAY - timedelta(days=1)) -> tuple[Case, Told]:
    """The case after its counts were settled, as it is loaded again, and what that told."""
    settled, deltas = settle(case, closed_day)
    return replace(settled, steps=(), rating=None), told(deltas)


def follow_up(case: Case, result: FollowUpResult, day: str) -> Case:
    number = next(f.number for f in case.follow_ups if not f.result)
    return record_follow_up(case, number, result, "", act(SUPERVISOR, at(day)), handbook())


def test_serving_an_opinion_invites_the_petitioner_and_a_supporting_one_counts_as_such() -> None:
    assert counted(served())[1] == {key("INVITED"): 1, key("SUPPORTED"): 1}


def test_an_opinion_that_does_not_support_the_request_is_no_supported_one() -> None:
    answer = Answer(Outcome.EXPLAINED, "已解释", "条例")
    case = issue_opinion(accepted(), answer, act(HANDLER), handbook())
    assert counted(case)[1] == {}


def test_a_broken_promise_is_unperformed_on_the_day_of_the_opinion_until_it_is_kept() -> None:
    case, _ = counted(served())
    case, first = counted(follow_up(case, FollowUpResult.PROMISE_BROKEN, "2026-11-02"))
    assert first == {key("UNPERFORMED"): 1}
    again = replace(case.follow_ups[0], number=9, result=FollowUpResult.UNSPECIFIED)
    case, second = counted(
        follow_up(case.with_follow_up(again), FollowUpResult.NOT_SOLVED, "2026-11-09")
    )
    assert second == {}
    again = replace(again, number=10)
    _, third = counted(follow_up(case.with_follow_up(again), FollowUpResult.SOLVED, "2026-11-20"))
    assert third == {key("UNPERFORMED"): -1}


def test_a_withdrawal_or_an_erasure_ends_what_is_unperformed_and_keeps_what_happened() -> None:
    case, _ = counted(follow_up(served(), FollowUpResult.PROMISE_BROKEN, "2026-11-02"))
    for ended in (withdraw(case, at("2026-11-03")), erase(case, at("2026-11-03"))):
        again, first = counted(ended)
        assert first == {key("UNPERFORMED"): -1}
        assert counted(again)[1] == {}


def test_a_rating_counts_once_and_a_later_one_moves_it() -> None:
    case, _ = counted(served())
    bad, good = RatingGrade.DISSATISFIED, RatingGrade.SATISFIED
    case, first = counted(rate(case, good, bad, "", act(OTHER_OFFICER)))
    assert first == {key("RATED"): 1, key("DISSATISFIED"): 1}
    case, silent = counted(replace(case, title="更正"))
    assert silent == {}
    later = act(OTHER_OFFICER, at("2026-09-25"))
    _, second = counted(rate(case, good, RatingGrade.BASICALLY_SATISFIED, "", later))
    assert second == {
        key("RATED"): -1,
        key("DISSATISFIED"): -1,
        key("RATED", "2026-09-25"): 1,
    }


def test_a_review_counts_when_it_is_issued_and_as_overturned_when_it_changes_the_opinion() -> None:
    for result, overturned in (
        (ReviewResult.UPHELD, {}),
        (ReviewResult.CHANGED, {key("OVERTURNED", "2026-10-12"): 1}),
        (ReviewResult.REVOKED, {key("OVERTURNED", "2026-10-12"): 1}),
    ):
        asked = Request("市住建局", "与事实不符", date(2026, 9, 28), "")
        case = request(REVIEW, served(), asked, act(now=at("2026-09-28")), handbook())
        case, before = counted(case)
        assert key("REVIEWED", "2026-10-12") not in before
        reader = act(LEADER, at("2026-10-12"))
        case = issue(REVIEW, case, Finding(result, "经复查", "条例"), reader, handbook())
        assert counted(case)[1] == {key("REVIEWED", "2026-10-12"): 1, **overturned}


def test_days_without_news_move_through_the_buckets_as_days_end() -> None:
    case, first = counted(opened())
    assert (first, case.recount_on) == ({}, DAY)
    expected = [(0, 1), (8, 2), (16, 3), (31, 4), (61, 5)]
    earlier: tuple[str, str, str, int] | None = None
    for days, bucket in expected:
        assert case.recount_on == DAY + timedelta(days=days)
        case, moved = counted(case, case.recount_on)
        now = key("STALE", bucket=bucket)
        assert moved == ({now: 1} | ({earlier: -1} if earlier else {}))
        earlier = now
    assert case.recount_on is None


def test_news_ends_the_silence_and_the_next_day_begins_it_anew() -> None:
    case, _ = counted(opened(), DAY + timedelta(days=20))
    monday = date(2026, 10, 12)
    case, moved = counted(routed(case, at("2026-10-12")), monday - timedelta(days=1))
    assert moved == {key("STALE", bucket=3): -1}
    assert case.recount_on == monday
    assert counted(case, monday)[1] == {key("STALE", "2026-10-12", bucket=1): 1}


def test_who_was_answered_and_served_waits_for_no_news() -> None:
    case, _ = counted(accepted(), DAY)
    case, moved = counted(served(answered(case, at("2026-09-23")), at("2026-09-23")), DAY)
    assert moved[key("STALE", bucket=1)] == -1
    assert case.recount_on is None


def test_a_correction_moves_every_count_and_a_suggestion_counts_nowhere() -> None:
    case, _ = counted(rate(served(), BAD, BAD, "", act(OTHER_OFFICER)))
    now = at("2026-09-22")
    case, moved = counted(follow_matter(case, facts(category_code="05"), Growth(), now, handbook()))
    kinds = ("INVITED", "SUPPORTED", "RATED", "DISSATISFIED")
    assert moved == {
        key(kind, category=category): sign
        for kind in kinds
        for category, sign in (("01", -1), ("05", 1))
    }
    idea = facts(category_code="05", nature=Nature.SUGGESTION)
    case, gone = counted(follow_matter(case, idea, Growth(), now, handbook()))
    assert gone == {key(kind, category="05"): -1 for kind in kinds}
    appeal = follow_matter(case, facts(category_code="05"), Growth(), now, handbook())
    assert counted(appeal)[1] == {key(kind, category="05"): 1 for kind in kinds}


def test_a_sealed_case_takes_back_all_that_it_ever_added() -> None:
    case, first = counted(accepted(), DAY)
    case = served(answered(case, MONDAY), MONDAY)
    case, second = counted(rate(case, BAD, BAD, "", act(OTHER_OFFICER)))
    back = told(retract(case))
    everything = Counter(first)
    everything.update(second)
    everything.update(back)
    assert {cell for cell, count in everything.items() if count} == set()
    assert back
