"""Follow-ups (回访): when to ask what became of it, and what an answer leads to.

Only a follow-up that found the problem solved makes a case solved. Somebody outside the handling
unit asks, neutrally, at most three times.
"""

from dataclasses import replace
from datetime import date, datetime, timedelta

from heed_disposal.domain import rules
from heed_disposal.domain.case import Case, FollowUp
from heed_disposal.domain.handbook import Handbook
from heed_disposal.domain.measure_details import Promise
from heed_disposal.domain.terms import FollowUpResult, Track
from heed_shared.clock import local_day

MAX_ATTEMPTS = 3

AFTER_PERIOD = "办理期限届满后回访"
AFTER_SERVICE = "答复送达后回访"
AFTER_RESPONSE = "预警处置后回访"
AFTER_SOLVED = "解决九十日后复核是否反弹"
AGAIN = "上次未联系上,再次联系"


def schedule(case: Case, on: date, occasion: str) -> Case:
    """Return the case with one more planned follow-up."""
    return case.with_follow_up(FollowUp(case.next_number(case.follow_ups), on, occasion))


def ask_about(case: Case, measure: int, promise: Promise) -> Case:
    """Return the case with a follow-up on the day for which something was promised."""
    number = case.next_number(case.follow_ups)
    occasion = f"承诺到期回访:{promise.text}"
    return case.with_follow_up(FollowUp(number, promise.due_on, occasion, measure=measure))


def without_planned(case: Case, *, promises_too: bool = True) -> Case:
    """Return the case without the follow-ups that nobody has done yet.

    An answer moves the day on which one asks what became of it, but not the day of a promise.
    """
    kept = tuple(
        f
        for f in case.follow_ups
        if f.result is not FollowUpResult.UNSPECIFIED or (f.measure and not promises_too)
    )
    return replace(case, follow_ups=kept)


def plan_first(case: Case, handbook: Handbook) -> Case:
    """Return the case with its first follow-up: after the answer is due, by the law's periods."""
    started = local_day(case.received_at)
    wait = timedelta(days=handbook.rules.on(rules.FOLLOW_UP, started).period)
    if case.track is Track.APPEAL:
        periods = (rules.ROUTING, rules.OPINION)
        days = sum(handbook.rules.on(code, started).period for code in periods)
        return schedule(case, started + timedelta(days=days) + wait, AFTER_PERIOD)
    last = max(d.due.internal for d in case.deadlines if d.due is not None)
    occasion = AFTER_RESPONSE if case.track is Track.WARNING else AFTER_PERIOD
    return schedule(case, last + wait, occasion)


def plan_after(case: Case, code: str, occasion: str, now: datetime, handbook: Handbook) -> Case:
    """Return the case with a follow-up planned by a rule, counted from today."""
    today = local_day(now)
    period = handbook.rules.on(code, today).period
    return schedule(case, today + timedelta(days=period), occasion)


def react(case: Case, asked: FollowUp, now: datetime, handbook: Handbook) -> Case:
    """Return the case as what a follow-up found leaves it.

    Solved is set by SOLVED and taken back by a result that says otherwise; unreachable and declined
    say nothing about the problem.
    """
    if asked.result is FollowUpResult.SOLVED:
        first_time = not case.solved
        case = replace(case, solved=True)
        if first_time:
            return plan_after(case, rules.SOLVED_CHECK, AFTER_SOLVED, now, handbook)
        return case
    if asked.result is FollowUpResult.UNREACHABLE:
        return _ask_again(case, asked, now, handbook)
    if asked.result is FollowUpResult.DECLINED:
        return case
    return replace(case, solved=False)


def _ask_again(case: Case, asked: FollowUp, now: datetime, handbook: Handbook) -> Case:
    """Return the case with the next attempt to reach the same person about the same thing."""
    if asked.attempt >= MAX_ATTEMPTS:
        return case
    planned = plan_after(case, rules.SECOND_ATTEMPT, AGAIN, now, handbook)
    again = planned.follow_ups[-1]
    return planned.with_follow_up(replace(again, measure=asked.measure, attempt=asked.attempt + 1))
